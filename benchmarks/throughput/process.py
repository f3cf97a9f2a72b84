"""A server in a separate process: start, wait until ready, read its processor time, stop."""

import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

START_SECONDS = 30.0
STOP_SECONDS = 15.0
_URL = re.compile(rb"http://127\.0\.0\.1:\d+/graphql")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class ThreadShare:
    value: float = 0.0  # 0 to 1


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that accepts requests at `url`."""

    name: str
    url: str
    pid: int

    def cpu(self) -> float:
        """Return the processor time of all its threads so far, in seconds."""
        return _cpu(Path(f"/proc/{self.pid}/stat"))

    @contextmanager
    def measure_threads(self) -> Iterator[ThreadShare]:
        """Set the share of the processor time that other threads than the main one spend in this block."""
        share = ThreadShare()
        main_thread = Path(f"/proc/{self.pid}/task/{self.pid}/stat")
        before, main_before = self.cpu(), _cpu(main_thread)
        yield share
        spent, main_spent = self.cpu() - before, _cpu(main_thread) - main_before
        share.value = max(0.0, 1 - main_spent / spent) if spent else 0.0


def _cpu(stat: Path) -> float:
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def run_server(
    name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """Start a server, yield once it has printed its URL, and stop it afterwards.

    Standard error goes to `log`. Raises SystemExit if the server is not ready within START_SECONDS.
    """
    with log.open("wb") as error_log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=error_log, env=_environment(environment)
        )
        assert process.stdout is not None
        try:
            url = _url(process.stdout)
            if url is None:
                raise SystemExit(f"{name} did not start:\n{log.read_text()[-2000:]}")
            yield Server(name, url, process.pid)
        finally:
            _stop(process)


def _url(output: IO[bytes]) -> str | None:
    """Read the URL from the output; None if the process exits or prints none in time."""
    output_so_far, until = b"", time.monotonic() + START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while selector.select(max(0.0, until - time.monotonic())):
            chunk = os.read(output.fileno(), 4096)
            output_so_far += chunk
            if found := _URL.search(output_so_far):
                return found[0].decode()
            if not chunk:
                return None
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the current environment without GQLNEWS_ options, plus what this server needs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GQLNEWS_")}
    return inherited | {"NODE_ENV": "production"} | dict(more)
