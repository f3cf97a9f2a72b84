"""A terminal for a guide: commands that share folder and variables, and servers that run until the end."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

DEADLINE = 600.0
"""Seconds for one block; installing packages takes most of it."""

STOPPING = 30.0

# Each block is a shell of its own, which begins with the folder and variables that the one before it left.
_BEGIN = """\
set -euo pipefail
[ -e "$TERMINAL/variables" ] && source "$TERMINAL/variables"
cd "$(cat "$TERMINAL/folder")"
"""
_LEAVE = """\
trap 'code=$?; declare -px > "$TERMINAL/variables"; pwd > "$TERMINAL/folder"; exit $code' EXIT
"""


class GuideError(AssertionError):
    """A block does not do what its guide says."""


class Terminal:
    """Run the commands of a guide in `project`; `state` is an empty folder for its own files."""

    def __init__(self, project: Path, state: Path, environment: dict[str, str]) -> None:
        self._environment = {**environment, "TERMINAL": str(state)}
        self._state = state
        self._servers: dict[str, subprocess.Popen[str]] = {}
        self.output = ""
        (state / "folder").write_text(str(project))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for shell in reversed(self._servers.values()):
            _stop(shell)

    def run(self, commands: str, expected_code: int = 0) -> None:
        """Run commands to their end, and keep their output."""
        with self._start(_LEAVE + commands, subprocess.PIPE) as shell:
            try:
                self.output, _ = shell.communicate(timeout=DEADLINE)
            except subprocess.TimeoutExpired:
                _kill(shell)
                raise GuideError(f"still running after {DEADLINE:.0f} s") from None
        if shell.returncode != expected_code:
            raise GuideError(
                f"exit code {shell.returncode}, expected {expected_code}:\n{self.output[-6000:]}"
            )

    def start(self, command: str, url: str) -> None:
        """Start a command in place of the one with the same URL, and wait until `url` responds."""
        if url in self._servers:
            _stop(self._servers.pop(url))
        log = (self._state / f"log-{len(list(self._state.iterdir()))}").open("w+b")
        shell = self._servers[url or command] = self._start(command, log)
        until = time.monotonic() + DEADLINE / 5
        while url and not responds(url):
            if shell.poll() is not None or time.monotonic() > until:
                log.seek(0)
                raise GuideError(f"{url} does not respond:\n{log.read().decode(errors='replace')[-6000:]}")
            time.sleep(0.1)

    def _start(self, commands: str, output: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - the commands of our guides
            ["bash", "-c", _BEGIN + commands],  # noqa: S607 - the guides are for a shell
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def responds(url: str) -> bool:
    """Return whether an HTTP server responds with anything but a server error."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - an address of the guide
            return bool(response.status)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _kill(shell: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()


def _stop(shell: subprocess.Popen[str]) -> None:
    """Stop a server and its children, as closing a terminal does."""
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        shell.wait(STOPPING)
    _kill(shell)


def matches(expected: str, output: str, language: str) -> bool:
    """Compare an expected output, in which `…` stands for any text."""
    if language == "json":
        return _same_json(json.loads(expected), json.loads(output))
    lines = "\n".join(line.rstrip() for line in output.strip().splitlines())
    return re.fullmatch(re.escape(expected.strip()).replace("…", ".*"), lines, re.DOTALL) is not None


def _same_json(expected: Any, value: Any) -> bool:
    if isinstance(expected, str) and isinstance(value, str):
        return matches(expected, value, "")
    if isinstance(expected, dict) and isinstance(value, dict):
        return list(expected) == list(value) and all(
            _same_json(expected[key], value[key]) for key in expected
        )
    if isinstance(expected, list) and isinstance(value, list):
        return len(expected) == len(value) and all(map(_same_json, expected, value))
    return bool(expected == value)
