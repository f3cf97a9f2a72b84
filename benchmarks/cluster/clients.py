"""Clients that stay on one server while it answers, and check what they receive.

Each answer names the version that it belongs to (`site { version }` in the same query). Two answers to the
same query at the same version have to be equal, whichever server gave them, and no version that a client
sees on one server is older than the one before.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson

RETRY_SECONDS = 0.05
ANSWER_SECONDS = 10.0
MAX_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Request:
    """A request, which contains `site { version }`."""

    name: str
    query: str
    variables: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        return orjson.dumps({"query": self.query, "variables": self.variables})


@dataclass
class Answers:
    """All answers: the body by version and request, counts, and what was wrong.

    `failures` counts failed requests by reason. `longest_gap` is the longest time in which a client got no
    answer, and `longest_stale` the longest time without a new version while files change, both in seconds.
    """

    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    count: int = 0
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    longest_gap: float = 0.0
    newest: int = 0
    newest_at: float | None = None
    longest_stale: float = 0.0
    epochs: set[str] = field(default_factory=set)

    def add(self, request: Request, body: bytes, seconds: float) -> int:
        """Record an answer; return its version number."""
        self.count += 1
        self.latencies.append(seconds)
        version = str(orjson.loads(body)["data"]["site"]["version"])
        known = self.bodies.setdefault((version, request.name), body)
        if known != body:
            self.add_fault(f"two answers to {request.name} at version {version}")
        epoch, _, number = version.partition("-")
        self.epochs.add(epoch)
        if int(number) > self.newest:
            self._end_stale_time()
            self.newest = int(number)
        return int(number)

    def _end_stale_time(self) -> None:
        if self.newest_at is not None:
            now = time.monotonic()
            self.longest_stale = max(self.longest_stale, now - self.newest_at)
            self.newest_at = now

    def begin_edits(self) -> None:
        """Expect new versions from now on."""
        self.newest_at = time.monotonic()

    def end_edits(self) -> None:
        """Expect no more new versions."""
        self._end_stale_time()
        self.newest_at = None

    def add_fault(self, fault: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)

    def restart(self) -> None:
        """Begin a new phase: reset the figures, but not the bodies."""
        self.count, self.latencies, self.longest_gap, self.longest_stale = 0, [], 0.0, 0.0
        self.failures = Counter()


class ClusterClient:
    """A client with one keep-alive connection at a time. After a failure it tries the next server."""

    def __init__(
        self, number: int, urls: list[str], requests: Sequence[Request], answers: Answers, pause: float
    ) -> None:
        self._number, self._urls, self._requests, self._answers = number, urls, requests, answers
        self._pause = pause
        self._at = number
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._last = 0  # the newest version on this server
        self._answered_at = time.monotonic()

    async def run(self) -> None:
        """Send requests until cancelled."""
        turn = self._number
        while True:
            request = self._requests[turn % len(self._requests)]
            turn += 1
            started = time.monotonic()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    status, body = await self._send(request)
            except (OSError, EOFError, TimeoutError) as error:
                self._fail(type(error).__name__)
            else:
                if status == HTTPStatus.OK and b'"errors"' not in body:
                    self._accept(request, body, time.monotonic() - started)
                    await asyncio.sleep(self._pause)
                    continue
                self._fail(f"{status} {_code(body)}")
            await asyncio.sleep(RETRY_SECONDS)

    def _accept(self, request: Request, body: bytes, seconds: float) -> None:
        now = time.monotonic()
        self._answers.longest_gap = max(self._answers.longest_gap, now - self._answered_at)
        self._answered_at = now
        number = self._answers.add(request, body, seconds)
        if number < self._last:
            self._answers.add_fault(f"client {self._number}: version {number} after {self._last}")
        self._last = number

    def _fail(self, reason: str) -> None:
        """Count the failure and move to the next server, as a load balancer would."""
        self._answers.failures[reason] += 1
        self.close()
        self._at += 1
        self._last = 0

    async def _send(self, request: Request) -> tuple[int, bytes]:
        if self._streams is None:
            address = urlsplit(self._urls[self._at % len(self._urls)])
            self._streams = await asyncio.open_connection(address.hostname, address.port)
        reader, writer = self._streams
        body = request.body
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        output = await reader.readuntil(b"\r\n\r\n")
        length = int(output.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(output.split(b" ", 2)[1]), await reader.readexactly(length)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _code(body: bytes) -> str:
    """Return the code of the first error in a response."""
    try:
        errors = orjson.loads(body)["errors"]
    except (ValueError, KeyError):
        return "no JSON"
    return str(errors[0]["extensions"]["code"])
