"""The number of processors, with the files of Linux in folders like those of hosts and containers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gqlnews.ingest.processors import processor_count

PROCESSORS = 16
ALLOWED = os.sched_getaffinity(0)
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "33 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
MEMORY = "34 23 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
CPUSET = "35 23 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset"
V1_IN_CONTAINER = V1.replace(" / ", " /docker/abc ")
HYBRID = "36 23 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"
ODD = r"37 23 0:32 / /sys/fs/c\040group rw - cgroup2 cgroup2 rw"
OTHER = "22 1 8:1 / / rw - ext4 /dev/sda1 rw"
TOP = "sys/fs/cgroup/"

Files = dict[str, str]


def v1(folder: str, quota: int, period: int = 100_000) -> Files:
    top = f"{TOP}cpu,cpuacct/{folder}"
    return {f"{top}cpu.cfs_quota_us": f"{quota}\n", f"{top}cpu.cfs_period_us": f"{period}\n"}


@pytest.fixture(autouse=True)
def processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(PROCESSORS)))


# Groups of the process, mounts, files, number of processors.
CASES: dict[str, tuple[str, list[str], Files, int]] = {
    "no limit": ("0::/", [OTHER, V2], {}, PROCESSORS),
    "v2 max": ("0::/a", [V2], {f"{TOP}a/cpu.max": "max 100000\n"}, PROCESSORS),
    "v2 own": ("0::/a/b", [V2], {f"{TOP}a/b/cpu.max": "200000 100000\n"}, 2),
    "v2 rounded up": ("0::/a", [V2], {f"{TOP}a/cpu.max": "210000 100000\n"}, 3),
    "v2 less than one": ("0::/a", [V2], {f"{TOP}a/cpu.max": "1000 100000\n"}, 1),
    "v2 more than there are": ("0::/a", [V2], {f"{TOP}a/cpu.max": "9900000 100000\n"}, PROCESSORS),
    "v2 parent": (
        "0::/a/b/c",
        [V2],
        {f"{TOP}a/cpu.max": "300000 100000\n", f"{TOP}a/b/c/cpu.max": "800000 100000\n"},
        3,
    ),
    "v2 sibling": ("0::/a/b", [V2], {f"{TOP}a/c/cpu.max": "100000 100000\n"}, PROCESSORS),
    "v2 container": ("0::/", [V2], {f"{TOP}cpu.max": "150000 100000\n"}, 2),
    "v2 group of the host": ("0::/../pod/x", [V2], {f"{TOP}cpu.max": "400000 100000\n"}, 4),
    "v2 colon in the name": ("0::/a:b", [V2], {f"{TOP}a:b/cpu.max": "500000 100000\n"}, 5),
    "v2 escaped mount": ("0::/a", [ODD], {"sys/fs/c group/a/cpu.max": "500000 100000\n"}, 5),
    "v2 malformed": ("0::/a", [V2], {f"{TOP}a/cpu.max": "100000 0\n", f"{TOP}cpu.max": "?"}, PROCESSORS),
    "v1 own": ("3:cpu,cpuacct:/a", [V1], v1("a/", 250_000), 3),
    "v1 other period": ("3:cpu,cpuacct:/a", [V1], v1("a/", 100_000, 50_000), 2),
    "v1 no limit": ("3:cpuacct,cpu:/a", [V1], v1("a/", -1), PROCESSORS),
    "v1 parent": ("3:cpu,cpuacct:/a/b", [V1], {**v1("a/", 200_000), **v1("a/b/", -1)}, 2),
    "v1 container": ("3:cpu,cpuacct:/docker/abc", [V1_IN_CONTAINER], v1("", 100_000), 1),
    "v1 below the container": ("3:cpu,cpuacct:/docker/abc/d", [V1_IN_CONTAINER], v1("d/", 100_000), 1),
    "v1 group of the host": ("3:cpu,cpuacct:/other", [V1_IN_CONTAINER], v1("", 100_000), 1),
    "v1 other controllers": (
        "5:memory:/a\n4:cpuset:/a",
        [MEMORY, CPUSET, V1],
        {f"{TOP}cpuset/a/cpu.cfs_quota_us": "1", f"{TOP}cpuset/a/cpu.cfs_period_us": "1", **v1("a/", 1)},
        PROCESSORS,
    ),
    "both": (
        "3:cpu,cpuacct:/a\n5:memory:/b\n0::/c",
        [MEMORY, HYBRID, V1],
        {f"{TOP}unified/c/cpu.max": "700000 100000", **v1("a/", 600_000)},
        6,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_smallest_quota_counts(tmp_path: Path, case: str) -> None:
    groups, mounts, files, expected = CASES[case]
    proc = {"proc/self/cgroup": groups + "\n", "proc/self/mountinfo": "\n".join([OTHER, *mounts]) + "\n"}
    for name, text in {**proc, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert processor_count(tmp_path) == expected


def test_without_proc_the_affinity_counts(tmp_path: Path) -> None:
    assert processor_count(tmp_path) == PROCESSORS


@pytest.mark.parametrize(("count", "expected"), [(4, 4), (None, 1)])
def test_without_affinity_all_processors_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int | None, expected: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert processor_count(tmp_path) == expected


PRINT_WORKERS = """
from gqlnews.content.models import ParseOptions, SourceFile
from gqlnews.ingest import worker_pool
from gqlnews.ingest.rows import file_rows

class PrintCount:
    def __init__(self, setup, decode, give_up, count, timeout):
        print(count)

    def run(self, batches):
        return []

worker_pool.Pool = PrintCount
files = [SourceFile(f"{number}.md", 1, 1, 1) for number in range(1000)]
list(worker_pool.map_files(file_rows, ".", files, ParseOptions(), isolate=True))
"""


def test_under_taskset_there_are_as_many_workers_as_processors() -> None:
    command = ["taskset", "--cpu-list", str(min(ALLOWED)), sys.executable, "-c", PRINT_WORKERS]
    assert subprocess.run(command, check=True, capture_output=True).stdout == b"1\n"  # noqa: S603 - our own
