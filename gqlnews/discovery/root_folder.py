"""Open the content folder and verify that it has not been replaced.

If the folder is renamed, replaced or unmounted during a scan, all of its files appear to be deleted. So code
that treats missing files as deleted must call `assert_unchanged` at the end.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import ContentFolderError
from gqlnews.resource_errors import raise_if_exhausted

Root = tuple[int, int]
"""Device and inode."""


def open_root(folder: Path) -> OpenFolder:
    """Open a content folder. Raises ContentFolderError if it cannot be listed."""
    try:
        return OpenFolder.at(folder)
    except OSError as error:
        raise_if_exhausted(error)
        raise ContentFolderError(_unusable(folder, error)) from error


@contextmanager
def opened(folder: Path | OpenFolder) -> Iterator[OpenFolder]:
    """Open the folder for the block, unless it is open already. Raises ContentFolderError."""
    if isinstance(folder, OpenFolder):
        yield folder
    else:
        with open_root(folder) as own:
            yield own


def root_identity(folder: Path | OpenFolder) -> Root:
    """Return the identity of a folder. Raises ContentFolderError if it cannot be listed."""
    with opened(folder) as inside:
        status = os.fstat(inside.descriptor)
    return status.st_dev, status.st_ino


def assert_unchanged(folder: Path | OpenFolder, root: Root) -> None:
    """Raise ContentFolderError unless the folder still has the identity `root`."""
    if root_identity(folder) != root:
        path = folder if isinstance(folder, Path) else folder.path
        raise ContentFolderError(
            f"The folder {path} was replaced by another while it was looked at: try again."
        )


def _unusable(folder: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return f"There is no folder {folder}: give the path of your content folder."
        case NotADirectoryError():
            return f"{folder} is no folder: give the path of the folder that holds your articles."
        case _:
            return f"The folder {folder} cannot be read: {error.strerror or error}."
