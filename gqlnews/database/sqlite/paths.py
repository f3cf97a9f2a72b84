"""Default path of a content folder's database, and the identity of a file."""

import hashlib
import os
from pathlib import Path


def default_database(folder: Path, cache: Path) -> Path:
    """Return the default database path in the user's cache folder.

    It depends on the resolved path of `folder`, so every path to the folder leads to the same database.
    """
    place = folder.resolve()
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    return cache / "gqlnews" / f"{place.name or 'root'}-{digest}.db"


Identity = tuple[int, int]
"""Device and inode; they change when the file at a path is replaced."""


def identity_of(path: Path | str) -> Identity | None:
    """Return the identity of the file at this path; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
