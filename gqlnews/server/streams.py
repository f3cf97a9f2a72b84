"""What is sent of an operation, one answer after the other: of a subscription many, else one."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from gqlnews.errors import Code, DatabaseError
from gqlnews.plan.nodes import RefusedError
from gqlnews.schema.engine import FAILED, Answer, Prepared, Watched, argument_error, refused
from gqlnews.schema.listener import AnewError, EndedError, FailedError, LaggingError
from gqlnews.server.service import Service
from gqlnews.server.wire import RefusedError as OverloadedError
from gqlnews.server.wire import error_body

log = logging.getLogger("gqlnews")

ANEW = "The store was made anew: start afresh, without `since`."
LAGGING = "You read more slowly than things change: come again, with `since`."


def events_of(
    service: Service, ready: Prepared | Watched | Answer, drop: Callable[[], None]
) -> AsyncGenerator[Answer, None]:
    """The answers, the last one not `ok` where the operation was refused or came to grief.

    Raises EndedError where the server stops.
    A subscription begins now, not when the first answer is asked for. `drop` tells whom reads too slowly.
    """
    if not isinstance(ready, Watched):
        return _one(service, ready)
    return _many(ready, service.feed.watch(ready, drop))


async def _one(service: Service, ready: Prepared | Answer) -> AsyncGenerator[Answer, None]:
    try:
        with service.in_flight:
            answer = ready if isinstance(ready, Answer) else await service.engine.run(ready)
        yield answer
    except OverloadedError as error:
        yield Answer(error_body(error.code, str(error)), ok=False)
    except Exception:
        log.exception("operation failed")
        yield Answer(error_body(Code.INTERNAL_ERROR, FAILED), ok=False)


async def _many(watched: Watched, bodies: AsyncGenerator[bytes, None]) -> AsyncGenerator[Answer, None]:
    try:
        async with aclosing(bodies):
            async for body in bodies:
                yield Answer(body, ok=True, operation=watched.operation, rows=1)
    except RefusedError as error:
        yield refused([argument_error(error)], watched.operation)
    except AnewError:
        yield Answer(error_body(Code.VERSION_TOO_OLD, ANEW), ok=False, operation=watched.operation)
    except LaggingError:
        yield Answer(error_body(Code.TOO_SLOW, LAGGING), ok=False, operation=watched.operation)
    except EndedError:
        raise
    except Exception as error:
        if isinstance(error, DatabaseError):
            log.error("%s", error)
        elif not isinstance(error, FailedError):
            log.exception("a subscription failed")
        yield Answer(error_body(Code.INTERNAL_ERROR, FAILED), ok=False, operation=watched.operation)
