"""Open regular files of the content folder, and compare their status. It imports no parser."""

import os
import stat
from io import FileIO
from typing import NamedTuple

from gqlnews.content.models import clamp_ns
from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import raise_if_exhausted


class FileStatus(NamedTuple):
    """Size and times in nanoseconds of a file; they change when it does."""

    size: int
    mtime_ns: int
    ctime_ns: int


NO_FILE = FileStatus(-1, 0, 0)
"""Status of a path at which there is no regular file inside the folder."""


def open_regular_file(folder: OpenFolder, path: str) -> FileIO | None:
    """Open the file at `path`; return None if there is no regular file that can be read inside the folder.

    It is the same file from then on, even if its path is replaced by a link. Raises ExhaustedError.
    """
    try:
        descriptor = folder.open_file(path)
    except OSError as error:
        raise_if_exhausted(error)
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)  # `FileIO` of a folder raises, and leaves it open
    return None


def status_of(file: FileIO) -> FileStatus:
    """Return the status of an open file."""
    status = os.fstat(file.fileno())
    return FileStatus(status.st_size, clamp_ns(status.st_mtime_ns), clamp_ns(status.st_ctime_ns))


def get_status(folder: OpenFolder, path: str) -> FileStatus:
    """Return the status of the regular file at `path`, `NO_FILE` without one. Raises ExhaustedError."""
    file = open_regular_file(folder, path)
    if file is None:
        return NO_FILE
    with file:
        return status_of(file)
