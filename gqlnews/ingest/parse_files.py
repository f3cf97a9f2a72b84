"""Detect that an earlier ingest crashed while it parsed files.

A marker file beside the database exists while files are parsed. A file whose content crashes the parsing
process leaves the marker behind; the next ingest then parses in worker processes, and survives the crash.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
