"""Pool of parser processes: send batches, collect results, replace processes that crash or hang.

1. Each process first sends an empty frame to report that it has started. A crash before that is blamed on no
   file.
2. A process holds up to two batches and works in order, so a crash is blamed on the older one. The other
   batch goes back to the queue.
3. The files of a blamed batch are parsed again one at a time, after all other batches.
4. A file is given up if its process crashed `MAX_ATTEMPTS` times while parsing that file alone, or timed out
   on it. The caller turns it into a problem. All other files are parsed.
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
    """First frame to a worker: the content folder, the parse options, and the function to apply to results.

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
    remaining = memoryview(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
    while remaining:
        remaining = remaining[pipe.write(remaining) :]
    pipe.flush()


class Frames:
    """Incremental frame decoder for chunks of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Add a chunk and return the frames that it completes."""
        self._buffer += chunk
        frames, start = [], 0
        while (end := self._frame_end(start)) is not None:
            frames.append(bytes(self._buffer[start + _LENGTH_BYTES : end]))
            start = end
        del self._buffer[:start]
        return frames

    def _frame_end(self, start: int) -> int | None:
        body = start + _LENGTH_BYTES
        end = body + int.from_bytes(self._buffer[start:body], "big")
        return end if body <= len(self._buffer) and end <= len(self._buffer) else None


def read_frame(pipe: BinaryIO) -> bytes | None:
    """Read the next frame; return None at the end of the input."""
    head = _read_exactly(pipe, _LENGTH_BYTES)
    return None if head is None else _read_exactly(pipe, int.from_bytes(head, "big"))


def _read_exactly(pipe: BinaryIO, length: int) -> bytes | None:
    """Read `length` bytes, in several reads if needed; return None if the input ends earlier."""
    chunks = []
    while length and (chunk := pipe.read(length)):
        chunks.append(chunk)
        length -= len(chunk)
    return None if length else b"".join(chunks)


# Process pool.


RESPONSE_TIMEOUT = 60.0
"""Timeout of one batch; the slowest file within the limits takes about a second."""

START_TIMEOUT = 60.0
"""Timeout for the start of a process, which a busy machine delays more than a batch."""

MAX_ATTEMPTS = 3
MAX_FAILED_STARTS = 3  # consecutive
MAX_CRASHES = 50  # consecutive
PREFETCH = 2
_PIPE_BYTES = 1024 * 1024

_START_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from gqlnews.ingest.pool_worker import main; main()"
)

ResultT = TypeVar("ResultT")


class ParseTask(NamedTuple):
    """Files of one request; `crashes` counts the processes that crashed on this single file."""

    files: list[SourceFile]
    crashes: int = 0


class Pool(Generic[ResultT]):
    """Process pool; `decode` decodes a response, `give_up` builds the result of a file that was given up."""

    def __init__(
        self,
        setup: Setup,
        decode: Callable[[bytes], list[ResultT]],
        give_up: Callable[[SourceFile, str], ResultT],
        count: int,
        timeout: float = RESPONSE_TIMEOUT,
    ) -> None:
        self._setup, self._decode, self._give_up = setup, decode, give_up
        self._count, self._timeout = count, timeout
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._returned: deque[ParseTask] = deque()
        self._suspects: deque[ParseTask] = deque()
        self._given_up: list[ResultT] = []
        self._failed_starts = self._crashes = 0

    def run(self, batches: Iterator[list[SourceFile]]) -> Iterator[ResultT]:
        """Yield the result of each file, in no order. Raises ParserProcessError."""
        self._batches = map(ParseTask, batches)
        try:
            for _ in range(self._count):
                self._start()
            for max_pending in range(1, PREFETCH + 1):
                for worker in self._workers:
                    self._feed(worker, max_pending)
            while any(worker.pending for worker in self._workers):
                for worker in self._readable():
                    yield from self._collect(worker)
                yield from self._drain()
        finally:
            self._stop()

    def _readable(self) -> "list[_Worker]":
        """Wait until a process responds or exits; after the timeout, kill the processes that are late."""
        deadline = min(worker.deadline(self._timeout) for worker in self._workers if worker.pending)
        wait = max(0.0, deadline - time.monotonic())
        if ready := self._selector.select(wait):
            return [key.data for key, _ in ready]
        for worker in tuple(self._workers):
            if worker.pending and time.monotonic() > worker.deadline(self._timeout):
                self._handle_exit(worker, worker.timeout_reason(self._timeout), MAX_ATTEMPTS)
        return []

    def _collect(self, worker: "_Worker") -> Iterator[ResultT]:
        responses = worker.receive()
        if responses is None:
            self._handle_exit(worker, worker.exit_reason(), 1)
            return
        for response in responses:
            self._failed_starts = self._crashes = 0
            self._feed(worker)
            yield from self._decode(response)

    def _drain(self) -> Iterator[ResultT]:
        given_up, self._given_up = self._given_up, []
        yield from given_up

    def _feed(self, worker: "_Worker", max_pending: int = PREFETCH) -> None:
        while len(worker.pending) < max_pending and (batch := self._next()) is not None:
            worker.send(batch)

    def _next(self) -> ParseTask | None:
        if self._returned:
            return self._returned.popleft()
        batch = next(self._batches, None)
        if batch is None and self._suspects:
            return self._suspects.popleft()
        return batch

    def _handle_exit(self, worker: "_Worker", reason: str, crashes: int) -> None:
        """Reassign the batches of a lost process, and start a replacement if there is work left."""
        self._selector.unregister(worker.responses)
        self._workers.remove(worker)
        worker.kill()
        self._crashes += 1
        self._failed_starts += not worker.has_started
        pending = worker.pending
        if (
            self._crashes >= MAX_CRASHES
            and pending
            and len(pending[0].files) == 1
            and self._responds_without_files()
        ):
            self._crashes = 0
        if self._failed_starts >= MAX_FAILED_STARTS or self._crashes >= MAX_CRASHES:
            raise _keep_exiting_error(reason)
        if worker.has_started and pending:
            self._blame_batch(pending.popleft(), reason, crashes)
        self._returned.extend(pending)
        if self._returned or self._suspects:
            self._start()
        for other in self._workers:
            self._feed(other)

    def _responds_without_files(self) -> bool:
        """Return whether a process without files responds, in which case the files crash the others."""
        try:
            worker = _Worker(self._setup)
        except OSError:
            return False
        try:
            worker.send(ParseTask([]))
            return worker.responds_within(START_TIMEOUT)
        finally:
            worker.kill()

    def _blame_batch(self, batch: ParseTask, reason: str, crashes: int) -> None:
        if len(batch.files) > 1:
            self._suspects.extend(ParseTask([file]) for file in batch.files)
            return
        (file,) = batch.files
        if batch.crashes + crashes < MAX_ATTEMPTS:
            self._suspects.append(ParseTask([file], batch.crashes + crashes))
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
                f"no parser process can be started ({error.strerror or error}): raise the limits "
                "of memory, processes and open files, or use --ingest-workers 1"
            ) from error
        self._workers.append(worker)
        self._selector.register(worker.responses, selectors.EVENT_READ, worker)

    def _stop(self) -> None:
        self._selector.close()
        for worker in self._workers:
            worker.kill()


class _Worker:
    """One process; `since` is when it began to start or to work on its oldest pending batch."""

    def __init__(self, setup: Setup) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module, run by our own interpreter
            [sys.executable, "-c", _START_CODE, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # a selector does not see buffered data
            process_group=0,  # Ctrl-C must reach only the parent process
            pass_fds=(setup.descriptor,),
        )
        self.requests = cast("BinaryIO", self.process.stdin)
        self.responses = cast("BinaryIO", self.process.stdout)
        _enlarge_pipe(self.responses)
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
        chunk = os.read(self.responses.fileno(), _PIPE_BYTES)
        if not chunk:
            return None
        frames = self._frames.feed(chunk)
        if frames:
            self.since = time.monotonic()
        if frames and not self.has_started:
            self.has_started = True
            del frames[0]
        for _ in frames:
            self.pending.popleft()
        return frames

    def deadline(self, timeout: float) -> float:
        """Return the deadline of the next response by time.monotonic(); `timeout` is the batch timeout."""
        return self.since + (timeout if self.has_started else START_TIMEOUT)

    def timeout_reason(self, timeout: float) -> str:
        return f"no response for {timeout:g} s" if self.has_started else "it did not start in time"

    def responds_within(self, timeout: float) -> bool:
        """Wait for a response; return False if the process exits or times out."""
        deadline = time.monotonic() + timeout
        while select.select([self.responses], [], [], max(0.0, deadline - time.monotonic()))[0]:
            frames = self.receive()
            if frames is None or frames:
                return bool(frames)
        return False

    def exit_reason(self) -> str:
        """Wait for the process and describe how it exited."""
        status = self.process.wait()
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def kill(self) -> None:
        """Kill the process and release its resources."""
        self.process.kill()
        self.requests.close()
        self.responses.close()
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


def _keep_exiting_error(reason: str) -> ParserProcessError:
    return ParserProcessError(
        f"the parser processes keep exiting ({reason}), perhaps because memory runs out: add memory, "
        "or use fewer with --ingest-workers"
    )
