"""Context variables: the client that a task runs statements for, and their estimated CPU time.

The read pool needs both for fair scheduling. They are context variables because the layers between an
endpoint and the pool have no use for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_client: ContextVar[str] = ContextVar("client", default="")
_expected: ContextVar[float | None] = ContextVar("expected", default=None)

NOBODY = ""
"""The client of the server's own statements."""


def act_for(client: str) -> None:
    """Set the client that this task runs statements for."""
    _client.set(client)


def expect(seconds: float | None) -> None:
    """Set the estimated CPU seconds of this task's statements; None if unknown."""
    _expected.set(seconds)


@contextmanager
def expecting(seconds: float) -> Iterator[None]:
    """Set the estimate for the duration of a block."""
    token = _expected.set(seconds)
    try:
        yield
    finally:
        _expected.reset(token)


def caller() -> tuple[str, float | None]:
    """Return the client of this task and its estimated CPU seconds."""
    return _client.get(), _expected.get()
