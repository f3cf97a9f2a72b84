"""Run a command as a user would, and say what it took: wall clock, and the memory of its whole process tree.

Memory is the sum of PSS (`/proc/PID/smaps_rollup`) over the process and all its descendants: a page that n
of them share counts 1/n in each, so it counts once in the sum. RSS would count it n times. The peak is the
largest of many samples: what lasts less than the time between two can be missed.
"""

import os
import resource
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_SECONDS = 0.05
_PROC = "/proc"


@dataclass(frozen=True, slots=True)
class Run:
    """`seconds` of the whole process by the clock, `cpu` seconds of all cores in it and its descendants,
    `peak` in bytes (0 where it was not sampled), and what it printed."""

    seconds: float
    cpu: float
    peak: int
    output: str


def timed(command: list[str]) -> Run:
    """Run without sampling, so that sampling does not slow what is timed; CalledProcessError."""
    start, cpu = time.perf_counter(), _cpu()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment())  # noqa: S603
    return Run(time.perf_counter() - start, _cpu() - cpu, 0, done.stdout)


def sampled(command: list[str]) -> Run:
    """Run and sample the memory all the while; CalledProcessError."""
    start, cpu = time.perf_counter(), _cpu()
    peak = 0
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    ) as process:
        while True:
            try:
                output, complaint = process.communicate(timeout=_SAMPLE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, sum(map(pss, tree(process.pid))))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output, complaint)
    return Run(time.perf_counter() - start, _cpu() - cpu, peak, output)


def _cpu() -> float:
    """Seconds of all children that have ended, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment() -> dict[str, str]:
    """Ours, without what would set an option of gqlnews."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GQLNEWS_")}


def tree(root: int) -> list[int]:
    """The ids of `root` and of all that descend from it."""
    children = defaultdict(list)
    for name in os.listdir(_PROC):
        if name.isdigit() and (parent := _parent(name)) is not None:
            children[parent].append(int(name))
    found = [root]
    for process in found:
        found.extend(children[process])
    return found


def _parent(process: str) -> int | None:
    """The id of the parent; None where the process has ended meanwhile."""
    try:
        stat = Path(f"{_PROC}/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[1])


def pss(process: int) -> int:
    """Bytes; 0 where the process has ended meanwhile."""
    try:
        lines = Path(f"{_PROC}/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
