"""Whether the system tells of changes in a folder: on what another machine may write to, it does not."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

_SILENT = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|fuse(\..*|blk|ctl)?|virtiofs|vboxsf|prl_fs|afs|ceph|lustre"
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_MOUNTS = Path("/proc/self/mountinfo")


def tells_changes(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether the file system of the folder, and of each that is mounted below it, does.

    `mounts` is in the format of Linux; other systems are taken to tell.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return True
    return not any(_SILENT.fullmatch(kind) for kind in _kinds(os.path.realpath(folder), lines))


def _kinds(folder: str, lines: list[str]) -> Iterator[str]:
    """The type of the file system that the folder is on, and of each that is mounted below it."""
    own = ("", "")
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point, kind = _plain(fields.split(" ")[4]), rest.split(" ")[0]
        if _lies_in(folder, point) and len(point) >= len(own[0]):
            own = (point, kind)  # of two at one place the later is seen
        elif _lies_in(point, folder):
            yield kind
    yield own[1]


def _lies_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _plain(text: str) -> str:
    """Blanks and the like are written as `\\040`."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
