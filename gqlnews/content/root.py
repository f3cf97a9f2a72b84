"""The content folder itself: whether it is there, and is still the one that it was.

Where it goes while it is looked at (renamed, replaced, unmounted), every file seems to be gone. So whoever
concludes from what is missing asks at the end whether the folder still stands.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from gqlnews.content.exhausted import raise_if_exhausted
from gqlnews.errors import FolderError

Root = tuple[int, int]
"""Device and inode."""


Listing = AbstractContextManager[Iterator[os.DirEntry[str]]]


def root_of(folder: Path) -> Root:
    """Which folder this is; FolderError where it cannot be listed."""
    with list_root(folder):
        try:
            status = os.stat(folder)
        except OSError as error:
            raise FolderError(_unusable(folder, error)) from error
    return status.st_dev, status.st_ino


def list_root(folder: Path) -> Listing:
    """Its entries; FolderError."""
    try:
        return os.scandir(folder)
    except OSError as error:
        raise_if_exhausted(error)
        raise FolderError(_unusable(folder, error)) from error


def check_root(folder: Path, root: Root) -> None:
    """FolderError unless this still is the folder that it was."""
    if root_of(folder) != root:
        raise FolderError(f"The folder {folder} was replaced by another while it was looked at: try again.")


def _unusable(folder: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return f"There is no folder {folder}: give the path of your content folder."
        case NotADirectoryError():
            return f"{folder} is no folder: give the path of the folder that holds your articles."
        case _:
            return f"The folder {folder} cannot be read: {error.strerror or error}."
