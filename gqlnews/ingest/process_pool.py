"""Pool of worker processes that parse files in batches; workers that crash or hang are replaced.

1. Each worker first sends an empty frame to report that it has started. If it exits before that, no batch is
   the cause.
2. A worker has up to two batches, one in progress and one queued. If it exits or times out, the cause is the
   batch in progress; the other one returns to the queue.
3. The files of a batch that caused an exit or a timeout are parsed again one at a time, after all other
   batches.
4. A file that is parsed alone is given up after `MAX_FILE_ATTEMPTS` exits, or one timeout. `give_up` builds
   its result. All other files are parsed.
5. After `MAX_CONSECUTIVE_EXITS` exits or `MAX_FAILED_STARTS` failed starts without a response from any worker
   in between, or if no worker can be started, no file is the cause, and ParserProcessError is raised. The
   count of exits starts again, however, if the last exit was on a single file and a new worker responds to an
   empty batch: then the files are the cause.
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

from gqlnews.content.models import FrozenStruct, ParseOptions, SourceFile
from gqlnews.errors import ParserProcessError

# Length-prefixed frames on the pipes to and from workers: a length of 4 bytes, then the payload.


_LENGTH_BYTES = 4


class Setup(FrozenStruct, frozen=True):
    """First frame to a worker: the content folder, the parse options, and the function to apply to results.

    `descriptor` is the file descriptor of the open folder, which the worker inherits. The function is named
    `convert_function` and defined at the top level of `convert_module`.
    """

    folder: str
    descriptor: int
    options: ParseOptions
    convert_module: str
    convert_function: str


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
    """Incremental frame decoder for input in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Append the data to the buffer and return the frames that it completes."""
        self._buffer += data
        frames, start = [], 0
        while (end := self._frame_end(start)) is not None:
            frames.append(bytes(self._buffer[start + _LENGTH_BYTES : end]))
            start = end
        del self._buffer[:start]
        return frames

    def _frame_end(self, start: int) -> int | None:
        payload = start + _LENGTH_BYTES
        end = payload + int.from_bytes(self._buffer[start:payload], "big")
        return end if payload <= len(self._buffer) and end <= len(self._buffer) else None


def read_frame(pipe: BinaryIO) -> bytes | None:
    """Read the next frame; return None if the input ends before the frame does."""
    length = _read_exactly(pipe, _LENGTH_BYTES)
    return None if length is None else _read_exactly(pipe, int.from_bytes(length, "big"))


def _read_exactly(pipe: BinaryIO, length: int) -> bytes | None:
    """Read `length` bytes, in several reads if needed; return None if the input ends earlier."""
    pieces = []
    while length and (piece := pipe.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return None if length else b"".join(pieces)


# Process pool.


BATCH_TIMEOUT = 60.0
"""Timeout in seconds of one batch; the slowest file within the limits takes about a second."""

START_TIMEOUT = 60.0
"""Timeout in seconds for the start of a worker, which may be slow on a busy machine."""

START_RETRY_SECONDS = (0.1, 0.2, 0.4)  # pauses, if no worker can be started
MAX_FILE_ATTEMPTS = 3  # exits on one file that is parsed alone
MAX_FAILED_STARTS = 3  # without a response in between
MAX_CONSECUTIVE_EXITS = 50  # without a response in between
MAX_PENDING_BATCHES = 2  # per worker: one in progress, one queued
_PIPE_BYTES = 1024 * 1024

_START_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from gqlnews.ingest.pool_worker import main; main()"
)

ResultT = TypeVar("ResultT")


class Batch(NamedTuple):
    """Files that are sent to a worker together; `attempts` counts the failed ones to parse a file alone."""

    files: list[SourceFile]
    attempts: int = 0


class Pool(Generic[ResultT]):
    """Pool of `count` workers; `timeout` is the timeout of one batch.

    `decode` decodes a response, the results of one batch; `give_up` builds the result of a file that was
    given up from the file and the reason.
    """

    def __init__(
        self,
        setup: Setup,
        decode: Callable[[bytes], list[ResultT]],
        give_up: Callable[[SourceFile, str], ResultT],
        count: int,
        timeout: float = BATCH_TIMEOUT,
    ) -> None:
        self._setup, self._decode, self._give_up = setup, decode, give_up
        self._count, self._timeout = count, timeout
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._requeued: deque[Batch] = deque()
        self._single_file_batches: deque[Batch] = deque()
        self._given_up: list[ResultT] = []
        self._failed_starts = self._exits_without_response = 0

    def run(self, batches: Iterator[list[SourceFile]]) -> Iterator[ResultT]:
        """Yield the result of each file, in no order. Raises ParserProcessError."""
        self._batches = map(Batch, batches)
        try:
            for _ in range(self._count):
                self._start()
            for max_pending in range(1, MAX_PENDING_BATCHES + 1):
                for worker in self._workers:
                    self._send_batches(worker, max_pending)
            while any(worker.pending for worker in self._workers):
                for worker in self._wait_for_workers():
                    yield from self._receive(worker)
                yield from self._take_given_up()
        finally:
            self._stop()

    def _wait_for_workers(self) -> "list[_Worker]":
        """Wait until workers respond or exit, and return them; at the deadline, kill the late workers."""
        deadline = min(worker.deadline(self._timeout) for worker in self._workers if worker.pending)
        wait = max(0.0, deadline - time.monotonic())
        if ready := self._selector.select(wait):
            return [key.data for key, _ in ready]
        for worker in tuple(self._workers):
            if worker.pending and time.monotonic() > worker.deadline(self._timeout):
                self._handle_exit(worker, worker.timeout_reason(self._timeout), attempts=MAX_FILE_ATTEMPTS)
        return []

    def _receive(self, worker: "_Worker") -> Iterator[ResultT]:
        responses = worker.receive()
        if responses is None:
            self._handle_exit(worker, worker.exit_reason(), attempts=1)
            return
        for response in responses:
            self._failed_starts = self._exits_without_response = 0
            self._send_batches(worker)
            yield from self._decode(response)

    def _take_given_up(self) -> Iterator[ResultT]:
        given_up, self._given_up = self._given_up, []
        yield from given_up

    def _send_batches(self, worker: "_Worker", max_pending: int = MAX_PENDING_BATCHES) -> None:
        while len(worker.pending) < max_pending and (batch := self._next_batch()) is not None:
            worker.send(batch)

    def _next_batch(self) -> Batch | None:
        if self._requeued:
            return self._requeued.popleft()
        batch = next(self._batches, None)
        if batch is None and self._single_file_batches:
            return self._single_file_batches.popleft()
        return batch

    def _handle_exit(self, worker: "_Worker", reason: str, *, attempts: int) -> None:
        """Reassign the batches of a worker that exited or timed out, and start another if work is left.

        `attempts` is the number of failed attempts that this counts as.
        """
        self._selector.unregister(worker.output)
        self._workers.remove(worker)
        worker.kill()
        self._exits_without_response += 1
        self._failed_starts += not worker.has_started
        pending = worker.pending
        if (
            self._exits_without_response >= MAX_CONSECUTIVE_EXITS
            and pending
            and len(pending[0].files) == 1
            and self._new_worker_responds()
        ):
            self._exits_without_response = 0
        if self._failed_starts >= MAX_FAILED_STARTS or self._exits_without_response >= MAX_CONSECUTIVE_EXITS:
            raise _repeated_exit_error(reason)
        if worker.has_started and pending:
            self._isolate_or_give_up(pending.popleft(), reason, attempts)
        self._requeued.extend(pending)
        if self._requeued or self._single_file_batches:
            self._start()
        for other in self._workers:
            self._send_batches(other)

    def _new_worker_responds(self) -> bool:
        """Return whether a new worker responds to an empty batch; if so, the files make the others exit."""
        try:
            worker = _Worker(self._setup)
        except OSError:
            return False
        try:
            worker.send(Batch([]))
            return worker.responds_within(START_TIMEOUT)
        finally:
            worker.kill()

    def _isolate_or_give_up(self, batch: Batch, reason: str, attempts: int) -> None:
        """Queue each file of the batch alone; give up a single file after too many attempts."""
        if len(batch.files) > 1:
            self._single_file_batches.extend(Batch([file]) for file in batch.files)
            return
        (file,) = batch.files
        if batch.attempts + attempts < MAX_FILE_ATTEMPTS:
            self._single_file_batches.append(Batch([file], batch.attempts + attempts))
        else:
            self._given_up.append(self._give_up(file, reason))

    def _start(self) -> None:
        """Start a worker; if that fails, continue with the running ones, or retry if there are none."""
        for delay in (*START_RETRY_SECONDS, None):
            try:
                worker = _Worker(self._setup)
            except OSError as error:
                if self._workers:
                    return
                if delay is None:
                    raise ParserProcessError(
                        f"no parser process can be started ({error.strerror or error}): raise the limits "
                        "of memory, processes and open files, or use --ingest-workers 1"
                    ) from error
                time.sleep(delay)
            else:
                self._workers.append(worker)
                self._selector.register(worker.output, selectors.EVENT_READ, worker)
                return

    def _stop(self) -> None:
        self._selector.close()
        for worker in self._workers:
            worker.kill()


class _Worker:
    """Worker process; `waiting_since` is when it began to start or to work on its oldest pending batch."""

    def __init__(self, setup: Setup) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module, run by our own interpreter
            [sys.executable, "-c", _START_CODE, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # a selector does not see buffered data
            process_group=0,  # Ctrl-C must reach only the parent process
            pass_fds=(setup.descriptor,),
        )
        self.input = cast("BinaryIO", self.process.stdin)
        self.output = cast("BinaryIO", self.process.stdout)
        self.pending: deque[Batch] = deque()
        self.has_started = False
        self.waiting_since = time.monotonic()
        self._frames = Frames()
        try:
            _enlarge_pipe(self.output)
            self._write(encode(setup))
        except BaseException:
            self.kill()
            raise

    def send(self, batch: Batch) -> None:
        if not self.pending and self.has_started:
            self.waiting_since = time.monotonic()
        self.pending.append(batch)
        self._write(encode(batch.files))

    def receive(self) -> list[bytes] | None:
        """Read from the worker and return the complete responses; None once it has exited."""
        data = os.read(self.output.fileno(), _PIPE_BYTES)
        if not data:
            return None
        frames = self._frames.feed(data)
        if frames:
            self.waiting_since = time.monotonic()
        if frames and not self.has_started:
            self.has_started = True
            del frames[0]
        for _ in frames:
            self.pending.popleft()
        return frames

    def deadline(self, timeout: float) -> float:
        """Return the deadline of the next response by time.monotonic(); `timeout` is the batch timeout."""
        return self.waiting_since + (timeout if self.has_started else START_TIMEOUT)

    def timeout_reason(self, timeout: float) -> str:
        return f"no response for {timeout:g} s" if self.has_started else "it did not start in time"

    def responds_within(self, timeout: float) -> bool:
        """Wait for a response; return False if the worker exits or the timeout expires."""
        deadline = time.monotonic() + timeout
        while select.select([self.output], [], [], max(0.0, deadline - time.monotonic()))[0]:
            frames = self.receive()
            if frames is None or frames:
                return bool(frames)
        return False

    def exit_reason(self) -> str:
        """Wait until the process has exited, and describe how."""
        status = self.process.wait()
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def kill(self) -> None:
        """Kill the process and release its resources."""
        self.process.kill()
        self.input.close()
        self.output.close()
        self.process.wait()

    def _write(self, content: bytes) -> None:
        with suppress(BrokenPipeError):  # the worker has exited; `receive` detects it
            write_frame(self.input, content)


def _enlarge_pipe(pipe: BinaryIO) -> None:
    """Enlarge a pipe to hold a whole response, so that a worker never waits for its reader; Linux only."""
    set_size: int | None = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        with suppress(OSError):  # the user's total pipe buffer limit is reached, or memory is short
            fcntl.fcntl(pipe, set_size, _PIPE_BYTES)


def _repeated_exit_error(reason: str) -> ParserProcessError:
    return ParserProcessError(
        f"the parser processes keep exiting ({reason}), perhaps because memory runs out: add memory, "
        "or set a smaller number with --ingest-workers"
    )
