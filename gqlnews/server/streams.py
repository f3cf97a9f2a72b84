"""What is sent of an operation, one answer after the other: of a subscription many, else one."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from gqlnews.errors import Code, DatabaseError, RequestError
from gqlnews.schema.engine import FAILED, Answer, Parted, Prepared, Watched, argument_error, refused
from gqlnews.schema.listener import AnewError, EndedError, FailedError, LaggingError
from gqlnews.schema.parts import Delivery, NotInPartsError, deliveries
from gqlnews.server.delivery import last, newer, of_2022
from gqlnews.server.framing import PARTS, PARTS_OF_2022, Framing
from gqlnews.server.service import Service
from gqlnews.server.wire import RefusedError as OverloadedError
from gqlnews.server.wire import error_body

log = logging.getLogger("gqlnews")

ONE_IN_PARTS = (PARTS, PARTS_OF_2022)

ANEW = "The store was made anew: start afresh, without `since`."
LAGGING = "You read more slowly than things change: come again, with `since`."


def answers_of(
    service: Service,
    ready: Prepared | Parted | Watched | Answer,
    drop: Callable[[], None],
    framing: Framing | None = None,
) -> AsyncGenerator[Answer, None]:
    """The answers, the last one not `ok` where the operation was refused or came to grief.

    A subscription begins now, not when the first answer is asked for. `drop` tells whom reads too slowly.
    Raises EndedError where the server stops.
    """
    if isinstance(ready, Watched):
        return _many(service, ready, service.feed.watch(ready, drop))
    if isinstance(ready, Parted):
        return _parts(service, ready, of_2022 if framing is PARTS_OF_2022 else newer)
    return _one(service, ready) if framing not in ONE_IN_PARTS else _as_part(_one(service, ready))


async def _parts(
    service: Service, parted: Parted, encode: Callable[[Delivery], bytes]
) -> AsyncGenerator[Answer, None]:
    """What comes to grief after the first part ends the answer with an error of its own."""
    rows = 0
    try:
        async with aclosing(deliveries(parted.bound, service.read_parts)) as parts:
            async for part in parts:
                rows += 1
                yield Answer(encode(part), ok=True, operation=parted.operation, rows=rows)
    except NotInPartsError:
        async for answer in _as_part(_one(service, parted.whole)):
            yield answer
    except RequestError as error:  # of its arguments, or a limit that it came to
        yield _last(refused([argument_error(error)], parted.operation))
    except Exception:
        log.exception("operation failed")
        yield _last(Answer(error_body(Code.INTERNAL_ERROR, FAILED), ok=False, operation=parted.operation))


async def _as_part(answers: AsyncGenerator[Answer, None]) -> AsyncGenerator[Answer, None]:
    async for answer in answers:
        yield _last(answer)


def _last(answer: Answer) -> Answer:
    return replace(answer, body=last(answer.body))


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


async def _many(
    service: Service, watched: Watched, bodies: AsyncGenerator[bytes, None]
) -> AsyncGenerator[Answer, None]:
    try:
        async with aclosing(bodies):
            async for body in bodies:
                told = Answer(body, ok=True, operation=watched.operation, rows=1)
                yield service.engine.told(told, watched.asked, watched.bound.cost)
    except RequestError as error:  # of its arguments, or a limit that it came to
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
