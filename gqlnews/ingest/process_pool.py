"""Pool of parser processes: send batches, collect results, replace processes that crash or hang.

1. Each process first sends an empty frame to report that it has started. A crash before that is blamed on no
   file.
2. A process holds up to two batches and works in order, so a crash is blamed on the older one. The other
   batch goes back to the queue.
3. The files of a blamed batch are parsed again one at a time, after all other batches.
4. A file is given up if its process crashed `TRIES` times while parsing that file alone, or timed out on it.
   The caller turns it into a problem. All other files are parsed.
5. If processes keep exiting without any result in between, or none can be started, no file is the cause, and
   ParserProcessError is raised. The exception is a run of single files while a process without a file still
   answers: then the files are the cause, however many there are.
"""

import fcntl
import os
import select
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Generic, NamedTuple, TypeVar, cast

import msgspec

from gqlnews.content.models import ParseOptions, Record, SourceFile
from gqlnews.errors import ParserProcessError

# Length-prefixed frames on the pipes to and from parser processes: a length of 4 bytes, then the payload.


_LENGTH_BYTES = 4


class Setup(Record, frozen=True):
    """First frame to a worker: the content folder, the parse options, and the function to apply to outcomes.

    `descriptor` is the file descriptor of the open folder, which the worker inherits.
    """

    folder: str
    descriptor: int
    options: ParseOptions
    module: str
    function: str


encode = msgspec.msgpack.Encoder().encode
decode_setup = msgspec.msgpack.Decoder(Setup).decode
decode_files = msgspec.msgpack.Decoder(list[SourceFile]).decode


def write_frame(pipe: BinaryIO, content: bytes) -> None:
    """Send one frame. Raises BrokenPipeError if the reading end is closed."""
    rest = memoryview(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
    while rest:
        rest = rest[pipe.write(rest) :]
    pipe.flush()


class Frames:
    """Incremental frame decoder for chunks of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """Add a chunk and return the frames that it completes."""
        self._buffer += piece
        frames, start = [], 0
        while (end := self._end_of_frame(start)) is not None:
            frames.append(bytes(self._buffer[start + _LENGTH_BYTES : end]))
            start = end
        del self._buffer[:start]
        return frames

    def _end_of_frame(self, start: int) -> int | None:
        body = start + _LENGTH_BYTES
        end = body + int.from_bytes(self._buffer[start:body], "big")
        return end if body <= len(self._buffer) and end <= len(self._buffer) else None


def read_frame(pipe: BinaryIO) -> bytes | None:
    """Read the next frame; return None at the end of the input."""
    head = _read_exactly(pipe, _LENGTH_BYTES)
    return None if head is None else _read_exactly(pipe, int.from_bytes(head, "big"))


def _read_exactly(pipe: BinaryIO, length: int) -> bytes | None:
    """Read `length` bytes, in several reads if needed; return None if the input ends earlier."""
    pieces = []
    while length and (piece := pipe.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return None if length else b"".join(pieces)


RESPONSE_TIMEOUT = 60.0
"""Timeout of one batch; the slowest file within the limits takes about a second."""

START_TIMEOUT = 60.0
"""Timeout for the start of a process, which a busy machine delays more than a batch."""

TRIES = 3
FAILED_STARTS = 3  # consecutive
DEATHS = 50  # consecutive
PREFETCH = 2
_PIPE_BYTES = 1024 * 1024

_START = "import sys; sys.path.insert(0, sys.argv[1]); from gqlnews.ingest.pool_worker import main; main()"

MadeT = TypeVar("MadeT")


class ParseTask(NamedTuple):
    """Files of one request; `deaths` counts the processes that crashed on this single file."""

    files: list[SourceFile]
    deaths: int = 0


class Pool(Generic[MadeT]):
    """Process pool; `decode` decodes a response, `give_up` builds the result of a file that was given up."""

    def __init__(
        self,
        setup: Setup,
        decode: Callable[[bytes], list[MadeT]],
        give_up: Callable[[SourceFile, str], MadeT],
        count: int,
        seconds: float = RESPONSE_TIMEOUT,
    ) -> None:
        self._setup, self._decode, self._give_up = setup, decode, give_up
        self._count, self._seconds = count, seconds
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._returned: deque[ParseTask] = deque()
        self._suspects: deque[ParseTask] = deque()
        self._given_up: list[MadeT] = []
        self._failed_starts = self._deaths = 0

    def run(self, batches: Iterator[list[SourceFile]]) -> Iterator[MadeT]:
        """Yield the result of each file, in no order. Raises ParserProcessError."""
        self._batches = map(ParseTask, batches)
        try:
            for _ in range(self._count):
                self._start()
            for most in range(1, PREFETCH + 1):
                for worker in self._workers:
                    self._feed(worker, most)
            while any(worker.pending for worker in self._workers):
                for worker in self._readable():
                    yield from self._collect(worker)
                yield from self._drain()
        finally:
            self._stop()

    def _readable(self) -> "list[_Worker]":
        """Wait until a process responds or exits; after the timeout, kill the processes that are late."""
        due = min(worker.due(self._seconds) for worker in self._workers if worker.pending)
        wait = max(0.0, due - time.monotonic())
        if ready := self._selector.select(wait):
            return [key.data for key, _ in ready]
        for worker in tuple(self._workers):
            if worker.pending and time.monotonic() > worker.due(self._seconds):
                self._lose(worker, worker.lateness(self._seconds), TRIES)
        return []

    def _collect(self, worker: "_Worker") -> Iterator[MadeT]:
        answers = worker.receive()
        if answers is None:
            self._lose(worker, worker.ending(), 1)
            return
        for answer in answers:
            self._failed_starts = self._deaths = 0
            self._feed(worker)
            yield from self._decode(answer)

    def _drain(self) -> Iterator[MadeT]:
        given_up, self._given_up = self._given_up, []
        yield from given_up

    def _feed(self, worker: "_Worker", most: int = PREFETCH) -> None:
        while len(worker.pending) < most and (batch := self._next()) is not None:
            worker.send(batch)

    def _next(self) -> ParseTask | None:
        if self._returned:
            return self._returned.popleft()
        batch = next(self._batches, None)
        if batch is None and self._suspects:
            return self._suspects.popleft()
        return batch

    def _lose(self, worker: "_Worker", reason: str, deaths: int) -> None:
        """Reassign the batches of a lost process, and start a replacement if there is work left."""
        self._selector.unregister(worker.answers)
        self._workers.remove(worker)
        worker.end()
        self._deaths += 1
        self._failed_starts += not worker.has_started
        pending = worker.pending
        if self._deaths >= DEATHS and pending and len(pending[0].files) == 1 and self._can_run():
            self._deaths = 0
        if self._failed_starts >= FAILED_STARTS or self._deaths >= DEATHS:
            raise _keep_ending(reason)
        if worker.has_started and pending:
            self._blame(pending.popleft(), reason, deaths)
        self._returned.extend(pending)
        if self._returned or self._suspects:
            self._start()
        for other in self._workers:
            self._feed(other)

    def _can_run(self) -> bool:
        """Return whether a process without files responds, in which case the files crash the others."""
        try:
            worker = _Worker(self._setup)
        except OSError:
            return False
        try:
            worker.send(ParseTask([]))
            return worker.answers_within(START_TIMEOUT)
        finally:
            worker.end()

    def _blame(self, batch: ParseTask, reason: str, deaths: int) -> None:
        if len(batch.files) > 1:
            self._suspects.extend(ParseTask([file]) for file in batch.files)
            return
        (file,) = batch.files
        if batch.deaths + deaths < TRIES:
            self._suspects.append(ParseTask([file], batch.deaths + deaths))
        else:
            self._given_up.append(self._give_up(file, reason))

    def _start(self) -> None:
        """Start a process; if that fails, continue with the running ones, if any."""
        try:
            worker = _Worker(self._setup)
        except OSError as error:
            if self._workers:
                return
            raise ParserProcessError(
                f"no process that parses files can be started ({error.strerror or error}): raise the limits "
                "of memory, processes and open files, or use --ingest-workers 1"
            ) from error
        self._workers.append(worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)

    def _stop(self) -> None:
        self._selector.close()
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process; `since` is when it began to start or to work on its oldest pending batch."""

    def __init__(self, setup: Setup) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module, run by our own interpreter
            [sys.executable, "-c", _START, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # a selector does not see buffered data
            process_group=0,  # Ctrl-C must reach only the parent process
            pass_fds=(setup.descriptor,),
        )
        self.requests = cast("BinaryIO", self.process.stdin)
        self.answers = cast("BinaryIO", self.process.stdout)
        _enlarge_pipe(self.answers)
        self.pending: deque[ParseTask] = deque()
        self.has_started = False
        self.since = time.monotonic()
        self._frames = Frames()
        self._write(encode(setup))

    def send(self, batch: ParseTask) -> None:
        if not self.pending and self.has_started:
            self.since = time.monotonic()
        self.pending.append(batch)
        self._write(encode(batch.files))

    def receive(self) -> list[bytes] | None:
        """Read from the process and return the complete responses; None once it has exited."""
        piece = os.read(self.answers.fileno(), _PIPE_BYTES)
        if not piece:
            return None
        frames = self._frames.feed(piece)
        if frames:
            self.since = time.monotonic()
        if frames and not self.has_started:
            self.has_started = True
            del frames[0]
        for _ in frames:
            self.pending.popleft()
        return frames

    def due(self, seconds: float) -> float:
        """Return the deadline of the next response by time.monotonic(); `seconds` is the batch timeout."""
        return self.since + (seconds if self.has_started else START_TIMEOUT)

    def lateness(self, seconds: float) -> str:
        return f"it gave no answer for {seconds:g} s" if self.has_started else "it did not start in time"

    def answers_within(self, seconds: float) -> bool:
        """Wait for a response; return False if the process exits or times out."""
        until = time.monotonic() + seconds
        while select.select([self.answers], [], [], max(0.0, until - time.monotonic()))[0]:
            frames = self.receive()
            if frames is None or frames:
                return bool(frames)
        return False

    def ending(self) -> str:
        """Wait for the process and describe how it exited."""
        status = self.process.wait()
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def end(self) -> None:
        """Kill the process and release its resources."""
        self.process.kill()
        self.requests.close()
        self.answers.close()
        self.process.wait()

    def _write(self, content: bytes) -> None:
        with suppress(BrokenPipeError):  # the process has exited; `receive` detects it
            write_frame(self.requests, content)


def _enlarge_pipe(pipe: BinaryIO) -> None:
    """Enlarge a pipe to hold a whole response, so a process need not wait for a busy caller; Linux only."""
    set_size: int | None = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        with suppress(PermissionError):  # the user's total pipe buffer limit is reached
            fcntl.fcntl(pipe, set_size, _PIPE_BYTES)


def _keep_ending(reason: str) -> ParserProcessError:
    return ParserProcessError(
        f"the processes that parse files keep ending ({reason}), perhaps for want of memory: give them more, "
        "or use fewer by --ingest-workers"
    )
