"""Request ids for responses and logs: the client's `X-Request-Id` if it is a short token, else ours."""

import re
from contextvars import ContextVar
from itertools import count
from secrets import token_hex

REQUEST_ID = b"x-request-id"

_TOKEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS = token_hex(4).encode()
_numbers = count(1)

current: ContextVar[str | None] = ContextVar("request", default=None)
"""The request id of the current task."""


def assign_request_id(given: bytes) -> bytes:
    """Assign the id of a new request; `given` is the client's id, or empty."""
    token = given if given and _TOKEN.fullmatch(given) else b"%b%08x" % (_PROCESS, next(_numbers))
    current.set(token.decode("ascii"))
    return token
