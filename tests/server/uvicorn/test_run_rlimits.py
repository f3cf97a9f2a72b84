"""The server raises its limit of open files to the hard limit."""

import resource
from collections.abc import Iterator

import pytest

from gqlnews.server.uvicorn import run
from gqlnews.server.uvicorn.run import raise_nofile_limit

FEW = 256


@pytest.fixture
def hard() -> Iterator[int]:
    """A low soft limit below a higher hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_maximum_is_allowed(hard: int) -> None:
    raise_nofile_limit()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == (run.MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, run.MAX_OPEN_FILES))


def test_a_higher_soft_limit_is_kept(hard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_OPEN_FILES", FEW // 2)
    raise_nofile_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (FEW, hard)


def test_a_failed_setrlimit_is_ignored(hard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refuse)
        raise_nofile_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (FEW, hard)
