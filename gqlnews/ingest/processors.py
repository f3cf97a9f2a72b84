"""The number of processors that this process may use, which containers and `taskset` limit.

It is the smallest of these:

1. the number of processors that the scheduler may choose (affinity, which cpusets limit too);
2. the quota of each control group that contains the process, rounded up. /proc/self/cgroup names the group,
   and /proc/self/mountinfo has the folder of the groups. Version 2 has the quota in `cpu.max`, version 1 in
   `cpu.cfs_quota_us` and `cpu.cfs_period_us`.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from math import ceil
from pathlib import Path, PurePosixPath

from gqlnews.discovery.scan import decode_mount_path

CGROUP_FILES = {"cgroup2": ("cpu.max",), "cgroup": ("cpu.cfs_quota_us", "cpu.cfs_period_us")}
"""Files with the quota and its period in microseconds, by file system type."""

_QUOTA = re.compile(r"([0-9]+)\s+([1-9][0-9]*)\s*")  # otherwise there is no limit


@cache  # counting takes up to a millisecond, and every ingest needs the number
def processor_count(root: Path = Path("/")) -> int:
    """Return the number of processors that this process may use; `root` contains /proc and /sys."""
    return max(1, min([_affinity(), *_quotas(root)]))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[int]:
    """Yield the quotas of all groups that contain this process, in processors."""
    groups = dict(_groups(root))
    for line in _read(root / "proc/self/mountinfo").splitlines():
        if " - cgroup" not in line:
            continue
        before, _, after = line.partition(" - ")
        top, mount = (decode_mount_path(field) for field in before.split()[3:5])
        kind, _, options = after.split(maxsplit=2)
        if kind in groups and (kind == "cgroup2" or "cpu" in options.split(",")):
            for folder in _folders(root / mount.lstrip("/"), top, groups[kind]):
                found = _QUOTA.fullmatch(" ".join(_read(folder / name) for name in CGROUP_FILES[kind]))
                if found:
                    yield ceil(int(found[1]) / int(found[2]))


def _groups(root: Path) -> Iterator[tuple[str, str]]:
    """Yield this process's groups for processors: the type of their file system, and their path."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield "cgroup2", path
        elif "cpu" in controllers.split(","):
            yield "cgroup", path


def _folders(mount: Path, top: str, group: str) -> Iterator[Path]:
    """Yield the folder of the group and those of its parents. The mount point is the folder of group `top`.

    A group outside of the mount is that of the container, whose root is mounted.
    """
    path = PurePosixPath(group)
    inside = path.is_relative_to(top) and ".." not in path.parts
    below = path.relative_to(top) if inside else PurePosixPath()
    yield mount / below
    yield from (mount / parent for parent in below.parents)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "surrogateescape")
    except OSError:  # there is no such file on other systems, in other versions, and in the topmost group
        return ""
