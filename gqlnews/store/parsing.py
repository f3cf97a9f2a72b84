"""Detect that an earlier ingest died while it parsed files.

A marker file beside the database exists while files are parsed. A file whose content ends the process that
parses it leaves the marker behind: the next ingest then parses in worker processes, which survives it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def marker_file(database: str) -> Path:
    """`news.db` has `news.db-parsing`."""
    return Path(f"{database}-parsing")


@contextmanager
def parsing(database: str) -> Iterator[bool]:
    """Whether an earlier process died while it parsed files; the marker exists until the block ends."""
    marker = marker_file(database)
    died = marker.exists()
    with suppress(OSError):  # it only protects from a crash
        marker.touch()
    try:
        yield died
    except BaseException:
        if not died:  # else nothing is known yet of the file that did it
            _remove(marker)
        raise
    _remove(marker)


def _remove(marker: Path) -> None:
    with suppress(OSError):
        marker.unlink(missing_ok=True)
