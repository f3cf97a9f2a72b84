"""On whose behalf the statements of this task run, and how long they are expected to take.

The pool of readers needs both to serve waiting calls fairly. They are context variables, since the layers
between an endpoint and the pool have no use for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_client: ContextVar[str] = ContextVar("client", default="")
_expected: ContextVar[float | None] = ContextVar("expected", default=None)

NOBODY = ""
"""The client of what the server asks for itself."""


def act_for(client: str) -> None:
    """Set the client that the statements of this task run for, from now on."""
    _client.set(client)


def expect(seconds: float | None) -> None:
    """Set how many seconds of a processor the statements of this task take; None where it is not known."""
    _expected.set(seconds)


@contextmanager
def expecting(seconds: float) -> Iterator[None]:
    """The same, until the block ends."""
    token = _expected.set(seconds)
    try:
        yield
    finally:
        _expected.reset(token)


def caller() -> tuple[str, float | None]:
    """The client of this task, and the seconds that are expected."""
    return _client.get(), _expected.get()
