"""Links inside the content folder are followed, those that lead out of it are not."""

import errno
import os
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class LeadsOutError(OSError):
    """A path whose file is outside the folder: reading it would publish any file of the host."""


def resolve_inside(folder: Path, path: str) -> str:
    """The file behind `path` below `folder`, without links on the way; OSError, LeadsOutError."""
    root = os.path.realpath(folder, strict=True)
    real = os.path.realpath(os.path.join(root, path), strict=True)
    if not real.startswith(root if root.endswith("/") else f"{root}/"):
        raise LeadsOutError(0, "it is a link to a place outside the folder")
    return real


def open_inside(folder: Path, path: str) -> int:
    """A descriptor of the file behind `path`, opened without waiting for a writer; OSError, LeadsOutError."""
    if "/" not in path:
        try:
            return os.open(os.path.join(folder, path), _FLAGS)
        except OSError as error:
            if error.errno != errno.ELOOP:  # which says that it is a link
                raise
    return os.open(resolve_inside(folder, path), _FLAGS)
