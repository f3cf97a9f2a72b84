"""Links inside the content folder are followed, those that lead out of it are not."""

import os
from pathlib import Path


class LeadsOut(OSError):
    """A path whose file is outside the folder: reading it would publish any file of the host."""


def resolve_inside(folder: Path, path: str) -> str:
    """The file behind `path` below `folder`, without links on the way; OSError, LeadsOut."""
    root = os.path.realpath(folder, strict=True)
    real = os.path.realpath(os.path.join(root, path), strict=True)
    if not real.startswith(root if root.endswith("/") else f"{root}/"):
        raise LeadsOut(0, "it is a link to a place outside the folder")
    return real
