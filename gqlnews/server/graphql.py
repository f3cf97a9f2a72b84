"""The GraphQL endpoint: request → who asks → engine → response, and one line of log."""

from asyncio import CancelledError
from dataclasses import dataclass
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gqlnews.errors import Code
from gqlnews.schema.engine import FAILED, Answer, Engine
from gqlnews.server.auth import audience
from gqlnews.server.logs import log, note
from gqlnews.server.request import media_type, read_request
from gqlnews.server.wire import (
    CONTENT_TYPE,
    GRAPHQL_RESPONSE,
    UTF8,
    VARY,
    RefusedError,
    error_response,
)
from gqlnews.settings import ServerSettings

CLIENT_CLOSED_REQUEST = 499  # nginx's word in logs for a client that left; nobody receives it


@dataclass(frozen=True, slots=True)
class Service:
    """What an endpoint needs at hand, made when the application starts."""

    settings: ServerSettings
    engine: Engine


async def graphql(request: Request) -> Response:
    """Answer one operation; whatever goes wrong is answered as GraphQL JSON too."""
    start = perf_counter()
    media = media_type(request)
    answer: Answer | None = None
    try:
        answer = await _answer(request)
        response = _respond(answer, media)
    except RefusedError as refused:
        response = error_response(refused.status, refused.code, str(refused), media, refused.headers)
    except ClientDisconnect:
        response = Response(status_code=CLIENT_CLOSED_REQUEST)
    except CancelledError:  # the server cancels what is in flight only when it has to stop now
        response = error_response(503, Code.STOPPING, "The server is stopping: ask again.", media)
    except Exception:
        log.exception("operation failed")
        response = error_response(500, Code.INTERNAL_ERROR, FAILED, media)
    response.headers[VARY] = "Accept, Authorization"
    _note(answer, response, perf_counter() - start)
    return response


def _note(answer: Answer | None, response: Response, seconds: float) -> None:
    note(
        "operation",
        name=answer.operation if answer else None,
        ms=round(seconds * 1000, 2),
        rows=answer.rows if answer else 0,
        bytes=len(response.body),
        status=response.status_code,
    )


async def _answer(request: Request) -> Answer:
    service: Service = request.state.service
    who = audience(request.headers, service.settings)
    return await service.engine.answer(await read_request(request), who)


def _respond(answer: Answer, media: str) -> Response:
    """Where GraphQL refused, the newer media type says 400; the older one 200, as it was well-formed HTTP."""
    status = 400 if media == GRAPHQL_RESPONSE and not answer.ok else 200
    return Response(answer.body, status, {CONTENT_TYPE: media + UTF8})
