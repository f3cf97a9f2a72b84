"""Many files → their outcomes, or what is made of these, over all cores.

1. A few files are read here: starting a process takes longer.
2. Otherwise each worker is a fresh Python that imports what it needs and nothing else, fed over pipes.
3. Every worker always has a chunk in hand and one waiting; a chunk is limited in files, bytes and length of
   names, so that memory stays the same whatever the folder holds, and no request ever fills a pipe.
4. Who answers first is fed first. When the caller stops, the workers' input ends, and with it they.

Processes of our own instead of a pool of the standard library: that one runs the caller's main script again
in each worker, keeps every request in memory, and leaves its workers behind when the caller is killed.
"""

import fcntl
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, cast, get_type_hints

import msgspec

from gqlnews.content.frames import Setup, encode, read_frame, write_frame
from gqlnews.content.inside import OpenFolder
from gqlnews.content.records import Outcome, ReadOptions, SourceFile
from gqlnews.content.root import opened
from gqlnews.errors import StartupError

_FEW = 256
_IN_HAND = 2
_CHUNK_FILES = 64
_CHUNK_BYTES = 2 * 1024 * 1024
_CHUNK_NAMES = 16 * 1024
"""Two requests fit into the 64 KB that a pipe holds, so writing one never waits."""

_PIPE_BYTES = 1024 * 1024

_START = "import sys; sys.path.insert(0, sys.argv[1]); from gqlnews.content.worker import main; main()"

Chunk = list[SourceFile]
MadeT = TypeVar("MadeT")
Make = Callable[[Outcome], MadeT]
"""A function at the top of a module; what it says that it returns must be plain data."""


def read_all(
    folder: Path | OpenFolder, files: Iterable[SourceFile], options: ReadOptions, processes: int | None = None
) -> Iterator[Outcome]:
    """The outcome of each file, as `read_into` gives it."""
    return read_into(_itself, folder, files, options, processes)


def read_into(
    make: Make[MadeT],
    folder: Path | OpenFolder,
    files: Iterable[SourceFile],
    options: ReadOptions,
    processes: int | None = None,
) -> Iterator[MadeT]:
    """What `make` makes of each file's outcome, in no order; it is called where the file is read.

    `processes` is the number of workers, all cores by default. FolderError where a path is no folder,
    StartupError where a worker is killed.
    """
    wanted = processes if processes is not None else os.cpu_count() or 1
    rest = iter(files)
    first = list(islice(rest, _FEW))
    if wanted < 2 or len(first) < _FEW:  # noqa: PLR2004  # one worker is no faster than none
        return _read_here(make, folder, chain(first, rest), options)
    return _read_over(make, folder, _chunks(chain(first, rest)), options, wanted)


def _read_here(
    make: Make[MadeT], folder: Path | OpenFolder, files: Iterable[SourceFile], options: ReadOptions
) -> Iterator[MadeT]:
    from gqlnews.content.read import read_outcome  # who leaves it to workers needs no parser

    with opened(folder) as inside:
        for file in files:
            yield make(read_outcome(inside, file, options))


def _itself(outcome: Outcome) -> Outcome:
    return outcome


def _decoder_of(make: Make[MadeT]) -> Callable[[bytes], list[MadeT]]:
    """From the frames that workers send back."""
    made: Any = get_type_hints(make)["return"]
    return msgspec.msgpack.Decoder(list[made]).decode


def _chunks(files: Iterator[SourceFile]) -> Iterator[Chunk]:
    chunk: Chunk = []
    size = names = 0
    for file in files:
        chunk.append(file)
        size += file.size
        names += len(file.path.encode()) + 32
        if len(chunk) >= _CHUNK_FILES or size >= _CHUNK_BYTES or names >= _CHUNK_NAMES:
            yield chunk
            chunk, size, names = [], 0, 0
    if chunk:
        yield chunk


def _read_over(
    make: Make[MadeT],
    folder: Path | OpenFolder,
    chunks: Iterator[Chunk],
    options: ReadOptions,
    count: int,
) -> Iterator[MadeT]:
    with opened(folder) as inside:
        setup = Setup(str(inside.path), inside.descriptor, options, make.__module__, make.__name__)
        yield from _answers(_Workers(setup, _decoder_of(make), count), chunks)


def _answers(workers: "_Workers[MadeT]", chunks: Iterator[Chunk]) -> Iterator[MadeT]:
    try:
        workers.start()
        for _ in range(_IN_HAND):
            for worker in workers.all:
                worker.feed(chunks)
        while any(worker.pending for worker in workers.all):
            for worker in workers.answering():
                made = worker.answer()
                worker.feed(chunks)
                yield from made
    finally:
        workers.stop()


class _Worker(Generic[MadeT]):
    """One process, `pending` counts the chunks that it has yet to answer."""

    def __init__(self, setup: Setup, decode: Callable[[bytes], list[MadeT]]) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own module, run by our own interpreter
            [sys.executable, "-c", _START, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what a buffer holds already, no selector sees
            process_group=0,  # Ctrl-C is for who started it
            pass_fds=(setup.descriptor,),
        )
        self.requests = cast("BinaryIO", self.process.stdin)
        self.answers = cast("BinaryIO", self.process.stdout)
        _widen(self.answers)
        self.pending = 0
        self._setup = setup
        self._decode = decode

    def begin(self) -> None:
        """Say what to read, and how."""
        self._send(encode(self._setup))

    def feed(self, chunks: Iterator[Chunk]) -> None:
        """Send the next chunk, if there is one."""
        chunk = next(chunks, None)
        if chunk is not None:
            self.pending += 1
            self._send(encode(chunk))

    def answer(self) -> list[MadeT]:
        """Wait for the answer to the oldest chunk."""
        frame = read_frame(self.answers)
        if frame is None:
            raise self._ended()
        self.pending -= 1
        return self._decode(frame)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.requests.close()
        self.answers.close()
        self.process.wait()

    def _send(self, content: bytes) -> None:
        try:
            write_frame(self.requests, content)
        except BrokenPipeError:
            raise self._ended() from None

    def _ended(self) -> StartupError:
        return StartupError(
            f"A process that reads articles ended early (status {self.process.wait()}), perhaps for want of "
            "memory: run the command again."
        )


def _widen(pipe: BinaryIO) -> None:
    """Have a pipe hold an answer, so that who gives it goes on while the caller is busy; Linux alone can."""
    set_size: int | None = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        with suppress(PermissionError):  # all pipes of a user may hold only so much
            fcntl.fcntl(pipe, set_size, _PIPE_BYTES)


class _Workers(Generic[MadeT]):
    def __init__(self, setup: Setup, decode: Callable[[bytes], list[MadeT]], count: int) -> None:
        self._setup = setup
        self._decode = decode
        self._count = count
        self.all: list[_Worker[MadeT]] = []
        self._ready = selectors.DefaultSelector()

    def start(self) -> None:
        for _ in range(self._count):
            worker = _Worker(self._setup, self._decode)
            self.all.append(worker)
            worker.begin()
            self._ready.register(worker.answers, selectors.EVENT_READ, worker)

    def answering(self) -> list[_Worker[MadeT]]:
        """Wait until a worker answers, or ends."""
        return [key.data for key, _ in self._ready.select()]

    def stop(self) -> None:
        self._ready.close()
        for worker in self.all:
            worker.end()
