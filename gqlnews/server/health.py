"""Health: live is that the process answers, ready is that the store does too."""

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Asked
from gqlnews.server.logs import log
from gqlnews.server.service import Service

PROBE = "query Ready { site { articleCount } }"


async def live(request: Request) -> Response:
    """200 as long as the process answers at all."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """200 where a query to the store is answered, else 503."""
    try:
        service: Service = request.state.service
        answer = await service.engine.answer(Asked(PROBE), Audience.PUBLIC)
        works = answer.ok and "errors" not in orjson.loads(answer.body) and not service.store.is_damaged
    except Exception:
        log.exception("the store does not answer")
        works = False
    return JSONResponse({"status": "ready" if works else "unavailable"}, 200 if works else 503)
