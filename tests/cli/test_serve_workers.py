"""Worker processes that cannot be started: all or none, one line, and no process is left."""

import errno
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gqlnews.cli.serve import _start_workers
from gqlnews.cli.worker import start_worker
from gqlnews.config.settings import ConnectionSettings, ServerSettings
from gqlnews.config.values import LogFormat
from gqlnews.errors import CommandError

Process = subprocess.Popen[bytes]


def test_if_a_worker_cannot_be_started_the_others_are_killed() -> None:
    started: list[Process] = []

    def start() -> Process:
        if started:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        started.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return started[0]

    with pytest.raises(CommandError, match=r"cannot be started \(Resource temporarily unavailable\): raise"):
        _start_workers(start, 2)
    (process,) = started
    assert process.poll() is not None
    assert process.stdin is not None
    process.stdin.close()


def test_a_worker_that_does_not_take_its_configuration_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Process] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    def fail(*_: object, **__: object) -> bytes:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr(msgspec.json, "encode", fail)
    with closing(socket.socket()) as listener, pytest.raises(BrokenPipeError):
        start_worker(listener, LogFormat.TEXT, ServerSettings(tmp_path / "news.db"), ConnectionSettings())
    (process,) = started
    assert process.poll() is not None
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
