"""Pool of processes that parse files: feed them, collect their answers, replace those that die or hang.

1. Each process first sends an empty frame: it has started. A death before that blames no file.
2. A process has up to two batches in hand and works in order, so its death is blamed on the older one. The
   other batch goes back to the queue.
3. The files of a batch that is blamed are parsed again, last of all and one at a time.
4. A file whose process died `TRIES` times while it parsed that file alone, or did not answer in time, is
   given up: the caller turns it into a problem. All other files are parsed.
5. Where processes keep ending although nothing is answered in between, or none can be started, the cause is
   not a file: ParserProcessError. Not so where single files are parsed and a process without a file answers:
   then these files are the cause, however many they are.
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

from gqlnews.content.frames import Frames, Setup, encode, write_frame
from gqlnews.content.records import SourceFile
from gqlnews.errors import ParserProcessError

ANSWER_SECONDS = 60.0
"""Deadline for one batch; the slowest file that the limits let through takes about a second."""

START_SECONDS = 60.0
"""Deadline for the start of a process, which a busy machine delays more than it does a batch."""

TRIES = 3
FAILED_STARTS = 3  # in a row
DEATHS = 50  # in a row
_IN_HAND = 2
_PIPE_BYTES = 1024 * 1024

_START = "import sys; sys.path.insert(0, sys.argv[1]); from gqlnews.content.worker import main; main()"

MadeT = TypeVar("MadeT")


class ParseTask(NamedTuple):
    """Files for one request; `deaths` counts the processes that died on this single file."""

    files: list[SourceFile]
    deaths: int = 0


class Pool(Generic[MadeT]):
    """`decode` reads an answer; `give_up` makes the result of a file from the reason why it has none."""

    def __init__(
        self,
        setup: Setup,
        decode: Callable[[bytes], list[MadeT]],
        give_up: Callable[[SourceFile, str], MadeT],
        count: int,
        seconds: float = ANSWER_SECONDS,
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
        """The result of each file, in no order. Raises ParserProcessError."""
        self._batches = map(ParseTask, batches)
        try:
            for _ in range(self._count):
                self._start()
            for most in range(1, _IN_HAND + 1):
                for worker in self._workers:
                    self._feed(worker, most)
            while any(worker.pending for worker in self._workers):
                for worker in self._readable():
                    yield from self._collect(worker)
                yield from self._drain()
        finally:
            self._stop()

    def _readable(self) -> "list[_Worker]":
        """Wait until a process answers or ends, and end those that do neither in time."""
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

    def _feed(self, worker: "_Worker", most: int = _IN_HAND) -> None:
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
        """Account for the batches of a process that ended, and start another one where there is work left."""
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
        """Whether a process without a file answers: then it is the files that end the others."""
        try:
            worker = _Worker(self._setup)
        except OSError:
            return False
        try:
            worker.send(ParseTask([]))
            return worker.answers_within(START_SECONDS)
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
        """Start a process; where that fails, go on with those that run."""
        try:
            worker = _Worker(self._setup)
        except OSError as error:
            if self._workers:
                return
            raise ParserProcessError(
                f"no process that parses files can be started ({error.strerror or error}): raise the limits "
                "of memory, processes and open files, or use --processes 1"
            ) from error
        self._workers.append(worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)

    def _stop(self) -> None:
        self._selector.close()
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process. `since` is when it began to work on what it has yet to answer."""

    def __init__(self, setup: Setup) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module, run by our own interpreter
            [sys.executable, "-c", _START, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # a selector does not see what a buffer holds
            process_group=0,  # Ctrl-C is for the process that started it
            pass_fds=(setup.descriptor,),
        )
        self.requests = cast("BinaryIO", self.process.stdin)
        self.answers = cast("BinaryIO", self.process.stdout)
        _widen(self.answers)
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
        """The answers that are complete now; None once the process has ended."""
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
        """By time.monotonic(), when the next answer is late; `seconds` are those for one batch."""
        return self.since + (seconds if self.has_started else START_SECONDS)

    def lateness(self, seconds: float) -> str:
        return f"it gave no answer for {seconds:g} s" if self.has_started else "it did not start in time"

    def answers_within(self, seconds: float) -> bool:
        """Wait for an answer; False where the process ends or is late."""
        until = time.monotonic() + seconds
        while select.select([self.answers], [], [], max(0.0, until - time.monotonic()))[0]:
            frames = self.receive()
            if frames is None or frames:
                return bool(frames)
        return False

    def ending(self) -> str:
        """How the process ended, in words."""
        status = self.process.wait()
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.requests.close()
        self.answers.close()
        self.process.wait()

    def _write(self, content: bytes) -> None:
        with suppress(BrokenPipeError):  # it has ended, which `receive` finds
            write_frame(self.requests, content)


def _widen(pipe: BinaryIO) -> None:
    """Let a pipe hold a whole answer, so that a process goes on while the caller is busy; Linux only."""
    set_size: int | None = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        with suppress(PermissionError):  # the pipes of a user may hold only so much in all
            fcntl.fcntl(pipe, set_size, _PIPE_BYTES)


def _keep_ending(reason: str) -> ParserProcessError:
    return ParserProcessError(
        f"the processes that parse files keep ending ({reason}), perhaps for want of memory: give them more, "
        "or use fewer by --processes"
    )
