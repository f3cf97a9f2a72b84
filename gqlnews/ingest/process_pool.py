"""Pool of worker processes that parse files in batches; workers that crash or hang are replaced.

1. Each worker first sends an empty frame to report that it has started. If it exits before that, no batch is
   the cause.
2. A worker has up to two batches, one in progress and one queued. If it exits or times out, the cause is the
   batch in progress; the other one returns to the queue.
3. The files of a batch that caused an exit or a timeout are parsed again one at a time, after all other
   batches.
4. A file that is parsed alone is given up after `MAX_FILE_ATTEMPTS` exits, or one timeout. `give_up` builds
   its result. All other files are parsed.
5. After `MAX_BATCH_EXITS` exits on batches of several files or `MAX_FAILED_STARTS` failed starts without a
   response from any worker in between, or if no worker can be started, no file is the cause, and
   ParserProcessError is raised.

`concurrent.futures.ProcessPoolExecutor` cannot stop a task that hangs, does not report which task broke the
pool and how, runs the caller's main script again in each worker, and leaves its workers running when the
caller is killed.
"""

import fcntl
import os
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

from gqlnews.content.models import FrozenStruct, ParseOptions, ParseResult, SourceFile
from gqlnews.errors import ParserProcessError

ResultT = TypeVar("ResultT")
Convert = Callable[[ParseResult], ResultT]
"""A module-level function that converts a parse result; its return annotation must be a plain data type."""

_LENGTH_BYTES = 4
"""A frame on the pipes to and from workers is the length of its payload, and the payload."""


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
    pipe.write(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
    pipe.flush()


def read_frame(pipe: BinaryIO) -> bytes | None:
    """Read the next frame; return None if the input ends before the frame does."""
    header = pipe.read(_LENGTH_BYTES)
    length = int.from_bytes(header, "big")
    content = pipe.read(length)
    return content if len(header) == _LENGTH_BYTES and len(content) == length else None


def take_frame(buffer: bytearray) -> bytes | None:
    """Remove the first frame from the buffer and return it; None if it is not complete."""
    end = _LENGTH_BYTES + int.from_bytes(buffer[:_LENGTH_BYTES], "big")
    if len(buffer) < end:
        return None
    frame = bytes(buffer[_LENGTH_BYTES:end])
    del buffer[:end]
    return frame


BATCH_TIMEOUT = 60.0
"""Timeout in seconds of one batch; the slowest file within the limits takes about a second."""

START_TIMEOUT = 60.0
"""Timeout in seconds for the start of a worker, which may be slow on a busy machine."""

START_RETRY_SECONDS = (0.1, 0.2, 0.4)  # pauses, if no worker can be started
MAX_FILE_ATTEMPTS = 3  # exits on one file that is parsed alone
MAX_FAILED_STARTS = 3  # without a response in between
MAX_BATCH_EXITS = 50  # on batches of several files, without a response in between
MAX_PENDING_BATCHES = 2  # per worker: one in progress, one queued
_PIPE_BYTES = 1024 * 1024

_START_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from gqlnews.ingest.pool_worker import main; main()"
)


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
        self._results: list[ResultT] = []
        self._failed_starts = self._batch_exits = 0

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
                self._wait_for_workers()
                yield from self._results
                self._results.clear()
        finally:
            self._selector.close()
            for worker in self._workers:
                worker.kill()

    def _wait_for_workers(self) -> None:
        """Wait until workers respond or exit; at the deadline, kill the late ones."""
        deadline = min(worker.deadline(self._timeout) for worker in self._workers if worker.pending)
        ready = self._selector.select(max(0.0, deadline - time.monotonic()))
        for key, _ in ready:
            self._receive(key.data)
        if not ready:
            for worker in tuple(self._workers):
                if worker.pending and time.monotonic() > worker.deadline(self._timeout):
                    self._handle_exit(worker, worker.timeout_reason(self._timeout), MAX_FILE_ATTEMPTS)

    def _receive(self, worker: "_Worker") -> None:
        responses = worker.receive()
        if responses is None:
            self._handle_exit(worker, worker.exit_reason(), attempts=1)
            return
        for response in responses:
            self._failed_starts = self._batch_exits = 0
            self._send_batches(worker)
            self._results += self._decode(response)

    def _send_batches(self, worker: "_Worker", max_pending: int = MAX_PENDING_BATCHES) -> None:
        while len(worker.pending) < max_pending and (batch := self._next_batch()) is not None:
            worker.send(batch)

    def _next_batch(self) -> Batch | None:
        if self._requeued:
            return self._requeued.popleft()
        singles = self._single_file_batches
        return next(self._batches, None) or (singles.popleft() if singles else None)

    def _handle_exit(self, worker: "_Worker", reason: str, attempts: int) -> None:
        """Reassign the batches of a worker that exited or timed out, and start another if work is left.

        `attempts` is the number of failed attempts that this counts as.
        """
        self._selector.unregister(worker.output)
        self._workers.remove(worker)
        worker.kill()
        if not worker.has_started:
            self._failed_starts += 1
        elif worker.pending:
            self._isolate_or_give_up(worker.pending.popleft(), reason, attempts)
        if self._failed_starts >= MAX_FAILED_STARTS or self._batch_exits >= MAX_BATCH_EXITS:
            raise ParserProcessError(
                f"the parser processes keep exiting ({reason}), perhaps because memory runs out: add memory, "
                "or set a smaller number with --ingest-workers"
            )
        self._requeued.extend(worker.pending)
        if self._requeued or self._single_file_batches:
            self._start()
        for other in self._workers:
            self._send_batches(other)

    def _isolate_or_give_up(self, batch: Batch, reason: str, attempts: int) -> None:
        """Queue each file of the batch alone; give up a single file after too many attempts."""
        if len(batch.files) > 1:
            self._batch_exits += 1
            self._single_file_batches.extend(Batch([file]) for file in batch.files)
        elif batch.attempts + attempts < MAX_FILE_ATTEMPTS:
            self._single_file_batches.append(Batch(batch.files, batch.attempts + attempts))
        else:
            self._results.append(self._give_up(batch.files[0], reason))

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


class _Worker:
    """Worker process; `waiting_since` is when it began to start or to work on its oldest pending batch."""

    def __init__(self, setup: Setup) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module, run by our own interpreter
            [sys.executable, "-c", _START_CODE, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C must reach only the parent process
            pass_fds=(setup.descriptor,),
        )
        self.input = cast("BinaryIO", self.process.stdin)
        self.output = cast("BinaryIO", self.process.stdout)
        self.pending: deque[Batch] = deque()
        self.has_started = False
        self.waiting_since = time.monotonic()
        self._received = bytearray()
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
        data = os.read(self.output.fileno(), _PIPE_BYTES)  # not buffered, as the selector sees no buffer
        if not data:
            return None
        self._received += data
        responses = []
        while (frame := take_frame(self._received)) is not None:
            self.waiting_since = time.monotonic()
            if self.has_started:
                self.pending.popleft()
                responses.append(frame)
            self.has_started = True
        return responses

    def deadline(self, timeout: float) -> float:
        """Return the deadline of the next response by time.monotonic(); `timeout` is the batch timeout."""
        return self.waiting_since + (timeout if self.has_started else START_TIMEOUT)

    def timeout_reason(self, timeout: float) -> str:
        return f"no response for {timeout:g} s" if self.has_started else "it did not start in time"

    def exit_reason(self) -> str:
        """Wait until the process has exited, and describe how."""
        status = self.process.wait()
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def kill(self) -> None:
        """Kill the process and release its resources."""
        self.process.kill()
        with suppress(BrokenPipeError):  # of a frame that could not be written
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
