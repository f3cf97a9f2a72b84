"""A small content folder, and `gqlnews` as users run it: in a separate process with its own port."""

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gqlnews.cli.app import run

DEADLINE = 60.0
SOON = 6.0  # well under the 8 s of a drain; other tests keep the processors busy meanwhile
"""Seconds, for what takes some hundredths of a second on an idle machine."""

QUIETLY = {
    "GQLNEWS_INGEST_WORKERS": "1",
    "GQLNEWS_WATCH": "0",
}  # starts fewer processes if watching is not under test
TOKEN = "a-token-for-tests"  # noqa: S105 - opens nothing
TOKEN_HASH = "9237b94c86ee59b8e51197999c04d4570522a9bfb16047aa5b59613faefa515d"  # noqa: S105 - of the above, by sha256sum

PUBLISHED = """\
---
title: Published
publishedDateTime: 2021-04-15T13:00:00Z
webUrl: https://example.com/published
topics: [Computer Vision]
provider: {name: Example, domain: example.com}
related:
- {title: Unpublished, webUrl: https://example.com/unpublished}
---
A body.
"""
UNPUBLISHED = """\
---
title: Unpublished
publishedDateTime: 2021-04-14T13:00:00Z
webUrl: https://example.com/unpublished
published: false
---
"""
BROKEN = """\
---
title: Broken
publishedDateTime: yesterday
webUrl: https://example.com/broken
---
"""
ARTICLES = {"published.md": PUBLISHED, "unpublished.md": UNPUBLISHED, "broken.md": BROKEN}


def write_articles(folder: Path, articles: Mapping[str, str] = ARTICLES) -> Path:
    """Write the files into a new `folder`; by default two valid ones and a broken one."""
    for name, text in articles.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def environment(home: Path, changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment with an empty home, no gqlnews settings, and `changes`."""
    ours = ("GQLNEWS_", "XDG_", "NO_COLOR", "FORCE_COLOR")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "HOME": str(home), **QUIETLY, **(changes or {})}


def run_cli(home: Path, *arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command until it exits."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "gqlnews", *map(str, arguments)],
        env=environment(home, changes),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def run_here(home: Path, *arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process: most of the time of a short command is the start of its process."""
    given = [str(argument) for argument in arguments]
    with (
        patch.dict(os.environ, environment(home, changes), clear=True),
        redirect_stdout(StringIO()) as output,
        redirect_stderr(StringIO()) as errors,
    ):
        code = run(given)
    return subprocess.CompletedProcess(given, code, output.getvalue(), errors.getvalue())


@dataclass
class Running:
    """A running command and its output, line by line."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _unread: "queue.Queue[str | None]" = field(default_factory=queue.Queue)

    def collect(self) -> None:
        """Move the output lines to the queue, then None. Runs on a thread."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._unread.put(line.rstrip("\n"))
        self._unread.put(None)

    def wait_for(self, pattern: str) -> str:
        """Return the first match of `pattern` in the lines that were not read yet."""
        until = time.monotonic() + DEADLINE
        while (line := self._unread.get(timeout=until - time.monotonic())) is not None:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found[0]
        raise AssertionError(f"{pattern} does not stand in:\n" + "\n".join(self.lines))

    def next(self) -> str | None:
        """Return the next unread line, or None at the end of the output."""
        line = self._unread.get(timeout=DEADLINE)
        if line is not None:
            self.lines.append(line)
        return line

    def output_so_far(self) -> list[str]:
        """Return all lines so far."""
        while not self._unread.empty() and (line := self._unread.get()) is not None:
            self.lines.append(line)
        return self.lines

    def stop(self, number: int) -> float:
        """Send a signal, and return the seconds until the process exits."""
        start = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(DEADLINE)
        return time.monotonic() - start

    def remaining_output(self) -> str:
        """Return all lines, once the process has exited."""
        while self.next() is not None:
            pass
        return "\n".join(self.lines)


def stop_process(process: subprocess.Popen[Any]) -> None:
    """Wait for the process to exit; kill it and raise if it does not."""
    try:
        process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def close_input(process: subprocess.Popen[str]) -> None:
    """Close the standard input of a process that exits then."""
    assert process.stdin is not None
    process.stdin.close()


@contextmanager
def running(
    command: Sequence[str],
    env: Mapping[str, str],
    finish: Callable[[subprocess.Popen[str]], None] = subprocess.Popen.terminate,
    *,
    stderr: int | None = subprocess.STDOUT,
    folder: Path | None = None,
) -> Iterator[Running]:
    """Run a command in `folder` while the block runs; `finish` then stops it if it is still running.

    The default is SIGTERM, so that it drains and coverage is written.
    """
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=folder,
        text=True,
    ) as process:
        run = Running(process)
        collector = threading.Thread(target=run.collect)
        collector.start()
        try:
            yield run
        finally:
            if process.poll() is None:
                finish(process)
                stop_process(process)
            collector.join()


@contextmanager
def serving(
    home: Path, folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Running]]:
    """Serve `folder` on a free port; yield the base URL, once requests are accepted, and the process."""
    command = [sys.executable, "-m", "gqlnews", "serve", str(folder), "--port", "0", *arguments]
    with running(command, environment(home, env)) as run:
        yield run.wait_for(r"http://[^\s\"]+/graphql").removesuffix("/graphql"), run


def processes_of(database: Path) -> list[str]:
    """Return the command lines of the processes that have the path of this database among their arguments."""
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # the process has ended
            commands.append(file.read_bytes().decode(errors="replace").split("\0"))
    return [" ".join(command) for command in commands if str(database) in command]
