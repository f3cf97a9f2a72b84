"""Claim the target folder of a sample: an empty one or an earlier sample, never a user's articles."""

import re
from collections.abc import Iterator
from pathlib import Path

from gqlnews.errors import ContentFolderError

_MARKER = ".gqlnews-sample"
_MARKER_TEXT = "This folder was written by `gqlnews sample`, which may replace what it wrote here.\n"
_MONTH_FOLDERS = "[0-9][0-9][0-9][0-9]/[0-9][0-9]"
_OUR_FILE = re.compile(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]*\d+\.md")


def claim(folder: Path) -> None:
    """Create `folder`, or delete an earlier sample from it; other files in it stay.

    Raises ContentFolderError if the folder is not empty and not a sample, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / _MARKER).is_file():
            _remove_sample(folder)
        elif any(folder.iterdir()):
            raise ContentFolderError(
                f"{folder} is not empty, and no earlier sample: give a new folder, or empty this one."
            )
        (folder / _MARKER).write_bytes(_MARKER_TEXT.encode())
    except OSError as error:
        raise ContentFolderError(f"Cannot write to {folder}: {error.strerror}. Give a new folder.") from error


def _remove_sample(folder: Path) -> None:
    for month in list(folder.glob(_MONTH_FOLDERS)):
        for file in _our_files(month):
            file.unlink()
        for emptied in (month, month.parent):
            if not any(emptied.iterdir()):
                emptied.rmdir()


def _our_files(month: Path) -> Iterator[Path]:
    return (file for file in list(month.iterdir()) if _OUR_FILE.fullmatch(file.name) and not file.is_dir())
