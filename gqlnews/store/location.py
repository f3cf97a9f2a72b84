"""Where the database of a content folder lies, where the user names none."""

import hashlib
import os
from pathlib import Path


def default_database(folder: Path, cache: Path) -> Path:
    """The file below the user's cache folder that belongs to `folder`, whatever name it is reached by."""
    place = folder.resolve()
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    return cache / "gqlnews" / f"{place.name or 'root'}-{digest}.db"


Identity = tuple[int, int]
"""Device and inode: whether the file at a path is still the same one."""


def identity_of(path: Path | str) -> Identity | None:
    """Of the file at this path; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
