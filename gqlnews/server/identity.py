"""The id of a request, in its answer and in the log: the client's, where that is a short token, else ours."""

import re
from contextvars import ContextVar
from itertools import count
from secrets import token_hex

REQUEST_ID = b"x-request-id"

_TOKEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS = token_hex(4).encode()
_numbers = count(1)

current: ContextVar[str | None] = ContextVar("request", default=None)
"""Of the request that this task is about."""


def identify(given: bytes) -> bytes:
    """The id of the request that begins here; `given` is the client's, empty where there is none."""
    token = given if given and _TOKEN.fullmatch(given) else b"%b%08x" % (_PROCESS, next(_numbers))
    current.set(token.decode("ascii"))
    return token
