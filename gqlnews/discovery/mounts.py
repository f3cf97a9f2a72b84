"""Detect file systems without change events, such as network file systems written by other machines."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

_SILENT = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|fuse(\..*|blk|ctl)?|virtiofs|vboxsf|prl_fs|afs|ceph|lustre"
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_MOUNTS = Path("/proc/self/mountinfo")


def supports_inotify(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Return whether the folder's file system, and each one mounted below it, reports changes.

    `mounts` has the format of Linux; other systems are assumed to report changes.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return True
    return not any(_SILENT.fullmatch(kind) for kind in _kinds(os.path.realpath(folder), lines))


def _kinds(folder: str, lines: list[str]) -> Iterator[str]:
    """Yield the types of the folder's file system and of each file system mounted below it."""
    own = ("", "")
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point, kind = _plain(fields.split(" ")[4]), rest.split(" ")[0]
        if _lies_in(folder, point) and len(point) >= len(own[0]):
            own = (point, kind)  # a later mount at the same path hides the earlier one
        elif _lies_in(point, folder):
            yield kind
    yield own[1]


def _lies_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _plain(text: str) -> str:
    """Decode octal escapes such as `\\040`, which mountinfo uses for spaces."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
