"""Samples of memory and file sizes, and a check for unbounded growth."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.processes import process_tree, pss
from benchmarks.throughput.process import Server

WARM_UP_SECONDS = 120.0  # until memory should be stable
WINDOW = 60.0  # seconds: the mean of the first window is compared with that of the last one
MAX_GROWTH = 0.2
MAX_LOG_BYTES = 64 << 20  # bytes: twice the size at which the WAL is truncated


@dataclass(frozen=True, slots=True)
class Sample:
    """Sizes in bytes, `at` seconds after the start. `watcher` includes the watcher's child processes."""

    at: float
    server: int
    watcher: int
    database: int
    log: int


def sample(server: Server, database: Path, at: float) -> Sample:
    watchers = sum(pss(process) for process in process_tree(server.pid)[1:])
    return Sample(at, pss(server.pid), watchers, _size(database), _size(Path(f"{database}-wal")))


def growth_faults(samples: list[Sample]) -> list[str]:
    """Return the faults in the samples. Memory is checked only if there are samples after WARM_UP_SECONDS."""
    longest = max(one.log for one in samples)
    faults = [f"the -wal file grew to {longest / 1e6:.0f} MB"] if longest > MAX_LOG_BYTES else []
    late = [one for one in samples if one.at >= WARM_UP_SECONDS]
    if late:
        first = [one for one in late if one.at < late[0].at + WINDOW]
        last = [one for one in late if one.at > late[-1].at - WINDOW]
        pairs = (
            ("server", fmean(one.server for one in first), fmean(one.server for one in last)),
            ("watcher", fmean(one.watcher for one in first), fmean(one.watcher for one in last)),
        )
        faults += [
            f"memory of the {name} grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB"
            for name, before, after in pairs
            if after > before * (1 + MAX_GROWTH)
        ]
    return faults


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
