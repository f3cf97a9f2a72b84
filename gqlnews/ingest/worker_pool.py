"""Parse many files on all cores, and convert each result.

1. A few files are parsed in this process, since starting a process takes longer. `isolate` prevents that, in
   case the parser crashes its process.
2. Otherwise each worker is a new Python process that imports only what it needs and gets its files over a
   pipe.
3. Every worker has one batch in progress and one queued. A batch is limited in files, bytes and length of
   names, so memory use does not depend on the size of the folder, and a batch never fills a pipe.
4. A worker gets its next batch as soon as it responds. When the caller exits, even if it is killed, the
   workers' input ends, and they exit.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from gqlnews.content.models import ParseOptions, SourceFile
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.scan import as_open_folder
from gqlnews.ingest.process_pool import BATCH_TIMEOUT, Convert, Pool, ResultT, Setup
from gqlnews.ingest.processors import processor_count

_MIN_WORKER_FILES = 256
_BATCH_FILES = 64
_BATCH_BYTES = 2 * 1024 * 1024
_BATCH_NAME_BYTES = 16 * 1024
"""Two batches fit into a pipe's 64 KiB buffer, so writing one never blocks."""


def map_files(
    convert: Convert[ResultT],
    folder: Path | OpenFolder,
    files: Iterable[SourceFile],
    options: ParseOptions,
    processes: int | None = None,
    *,
    isolate: bool = False,
    timeout: float = BATCH_TIMEOUT,
) -> Iterator[ResultT]:
    """Yield `convert(result)` for each file, in no order; `convert` runs in the process that parses the file.

    `processes` is the number of workers, by default one per processor. With `isolate`, no file is parsed in
    this process. `timeout` is the timeout of a batch in seconds. Raises ParserProcessError, ExhaustedError,
    and ContentFolderError if the folder cannot be listed.
    """
    workers = processes if processes is not None else processor_count()
    rest = iter(files)
    first = list(islice(rest, _MIN_WORKER_FILES))
    uses_workers = workers > 1 and len(first) >= _MIN_WORKER_FILES  # one worker is no faster than none
    with as_open_folder(folder) as content:
        if isolate or uses_workers:
            setup = Setup(
                str(content.path), content.descriptor, options, convert.__module__, convert.__name__
            )
            result_type: Any = get_type_hints(convert)["return"]
            decode = msgspec.msgpack.Decoder(list[result_type]).decode
            pool = Pool(setup, decode, partial(_give_up, convert), min(workers, len(first)), timeout)
            yield from pool.run(_split_into_batches(chain(first, rest)))
            return
        # Imported here, since a caller that uses only workers needs no parser.
        from gqlnews.ingest.pool_worker import parse_and_convert

        for file in chain(first, rest):
            yield parse_and_convert(convert, content, file, options)


def _give_up(convert: Convert[ResultT], file: SourceFile, reason: str) -> ResultT:
    from gqlnews.ingest.pool_worker import failed_result

    message = f"The process that parsed this file failed ({reason}): split the file, or make it simpler."
    return convert(failed_result(file, message))


def _split_into_batches(files: Iterator[SourceFile]) -> Iterator[list[SourceFile]]:
    batch: list[SourceFile] = []
    size = names = 0
    for file in files:
        batch.append(file)
        size += file.size
        names += len(file.path.encode()) + 32
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES or names >= _BATCH_NAME_BYTES:
            yield batch
            batch, size, names = [], 0, 0
    if batch:
        yield batch


# Crash marker, which shows that an earlier ingest crashed while it parsed files.
#
# The marker file beside the database exists while files are parsed. If a file crashes the process, the marker
# remains; the next ingest then parses in worker processes, and survives the crash.


def marker_path(database: str) -> Path:
    """Return the path of the marker: `news.db-parsing` for `news.db`."""
    return Path(f"{database}-parsing")


@contextmanager
def crash_marker(database: str) -> Iterator[bool]:
    """Yield whether an earlier process crashed while parsing; delete the marker when the block ends.

    If the block raises, a marker that existed before remains.
    """
    marker = marker_path(database)
    crashed_before = marker.exists()
    with suppress(OSError):  # the marker is optional
        marker.touch()
    try:
        yield crashed_before
    except BaseException:
        if not crashed_before:  # otherwise the file that crashed the parser is not identified yet
            _remove(marker)
        raise
    _remove(marker)


def _remove(marker: Path) -> None:
    with suppress(OSError):
        marker.unlink(missing_ok=True)
