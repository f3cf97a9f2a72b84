"""What the processes and files take, again and again, and whether it grows without end."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import pss, tree
from benchmarks.throughput.process import Server

BEGIN = 120.0  # seconds, after which memory should be what it will be
MOST_GROWTH = 0.2
LONGEST_LOG = 64 << 20  # bytes: twice what is emptied


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes, `at` so many seconds after the start; `follower` and what it started together."""

    at: float
    server: int
    follower: int
    database: int
    log: int


def sample(server: Server, database: Path, at: float) -> Sample:
    followers = sum(pss(process) for process in tree(server.pid)[1:])
    return Sample(at, pss(server.pid), followers, _size(database), _size(Path(f"{database}-wal")))


def growth_faults(samples: list[Sample]) -> list[str]:
    """What is wrong with them; memory is judged where there are some of after BEGIN."""
    longest = max(one.log for one in samples)
    faults = [f"the -wal file had {longest / 1e6:.0f} MB"] if longest > LONGEST_LOG else []
    late = [one for one in samples if one.at >= BEGIN]
    if late:
        first, last = late[0], late[-1]
        pairs = ("server", first.server, last.server), ("follower", first.follower, last.follower)
        faults += [
            f"memory of the {name} grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB"
            for name, before, after in pairs
            if after > before * (1 + MOST_GROWTH)
        ]
    return faults


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
