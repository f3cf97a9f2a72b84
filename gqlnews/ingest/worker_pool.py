"""Parse many files on all cores, and optionally map each outcome to another value.

1. A few files are parsed in this process, since starting a process takes longer. `isolate` prevents that, in
   case the parser crashes its process.
2. Otherwise each worker is a new Python process that imports only what it needs and is fed over pipes.
3. Every worker has one chunk in progress and one queued. A chunk is limited in files, bytes and length of
   names, so memory use does not depend on the folder, and a request never fills a pipe.
4. A worker gets its next chunk as soon as it answers. When the caller stops, the workers' input ends, and
   they exit.

This module uses its own processes because a standard library pool runs the caller's main script again in
each worker, holds every request in memory, and leaves its workers behind when the caller is killed.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.scan import opened
from gqlnews.ingest.process_pool import RESPONSE_TIMEOUT, Pool, Setup

_FEW = 256
_CHUNK_FILES = 64
_CHUNK_BYTES = 2 * 1024 * 1024
_CHUNK_NAMES = 16 * 1024
"""Two requests fit into a pipe's 64 KB buffer, so writing one never blocks."""

Chunk = list[SourceFile]
MadeT = TypeVar("MadeT")
Make = Callable[[ParseResult], MadeT]
"""A module-level function that converts an outcome; its return annotation must be a plain data type."""


def parse_all(
    folder: Path | OpenFolder,
    files: Iterable[SourceFile],
    options: ParseOptions,
    processes: int | None = None,
    *,
    isolate: bool = False,
) -> Iterator[ParseResult]:
    """Yield the outcome of each file, with the parameters of `map_files`."""
    return map_files(_identity, folder, files, options, processes, isolate=isolate)


def map_files(
    make: Make[MadeT],
    folder: Path | OpenFolder,
    files: Iterable[SourceFile],
    options: ParseOptions,
    processes: int | None = None,
    *,
    isolate: bool = False,
    seconds: float = RESPONSE_TIMEOUT,
) -> Iterator[MadeT]:
    """Yield `make(outcome)` for each file, in no order; `make` runs in the process that parses the file.

    `processes` is the number of workers, by default one per core. `isolate` parses no file in this process.
    `seconds` is the timeout of a chunk. Raises ParserProcessError, and ContentFolderError for an
    unusable folder.
    """
    wanted = processes if processes is not None else os.cpu_count() or 1
    rest = iter(files)
    first = list(islice(rest, _FEW))
    if not isolate and (wanted < 2 or len(first) < _FEW):  # noqa: PLR2004  # one worker is no faster than none
        return _read_here(make, folder, chain(first, rest), options)
    count = min(wanted, len(first))
    return _read_over(make, folder, _chunks(chain(first, rest)), options, count, seconds)


def _read_here(
    make: Make[MadeT], folder: Path | OpenFolder, files: Iterable[SourceFile], options: ParseOptions
) -> Iterator[MadeT]:
    from gqlnews.ingest.pool_worker import result_of  # a caller that uses only workers needs no parser

    with opened(folder) as inside:
        for file in files:
            yield result_of(make, inside, file, options)


def _read_over(
    make: Make[MadeT],
    folder: Path | OpenFolder,
    chunks: Iterator[Chunk],
    options: ParseOptions,
    count: int,
    seconds: float,
) -> Iterator[MadeT]:
    with opened(folder) as inside:
        setup = Setup(str(inside.path), inside.descriptor, options, make.__module__, make.__name__)
        yield from Pool(setup, _decoder_of(make), _giving_up(make), count, seconds).run(chunks)


def _giving_up(make: Make[MadeT]) -> Callable[[SourceFile, str], MadeT]:
    def give_up(file: SourceFile, reason: str) -> MadeT:
        from gqlnews.ingest.pool_worker import failed

        message = f"Parsing the file ended its process ({reason}): split it, or make it simpler."
        return make(failed(file, message))

    return give_up


def _identity(outcome: ParseResult) -> ParseResult:
    return outcome


def _decoder_of(make: Make[MadeT]) -> Callable[[bytes], list[MadeT]]:
    """Build the decoder of the workers' response frames."""
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


# Detect that an earlier ingest crashed while it parsed files.
#
# A marker file beside the database exists while files are parsed. A file whose content crashes the parsing
# process leaves the marker behind; the next ingest then parses in worker processes, and survives the crash.


def marker_file(database: str) -> Path:
    """Path of the marker: `news.db-parsing` for `news.db`."""
    return Path(f"{database}-parsing")


@contextmanager
def parsing(database: str) -> Iterator[bool]:
    """Yield whether an earlier process crashed while parsing; the marker exists until the block ends."""
    marker = marker_file(database)
    died = marker.exists()
    with suppress(OSError):  # the marker is optional
        marker.touch()
    try:
        yield died
    except BaseException:
        if not died:  # else keep it: the file that crashed the parser is not identified yet
            _remove(marker)
        raise
    _remove(marker)


def _remove(marker: Path) -> None:
    with suppress(OSError):
        marker.unlink(missing_ok=True)
