"""Run a command as a user would, and measure its time and the memory of its process tree.

Memory is the sum of PSS (`/proc/PID/smaps_rollup`) over the process and its descendants. PSS counts a
page shared by n processes as 1/n in each, so that it counts once in the sum; RSS would count it n
times. The peak is the largest sample, so a peak shorter than the sampling interval can be missed.
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
    """A finished run.

    `seconds` is wall-clock time, `cpu` the processor time of the process and its descendants, `peak`
    the peak memory in bytes (0 if it was not sampled), and `output` its standard output.
    """

    seconds: float
    cpu: float
    peak: int
    output: str


def run_timed(command: list[str]) -> Run:
    """Run without sampling memory, which would distort the timing. Raises CalledProcessError."""
    start, cpu = time.perf_counter(), _cpu()
    completed = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment())  # noqa: S603
    return Run(time.perf_counter() - start, _cpu() - cpu, 0, completed.stdout)


def run_with_memory(command: list[str]) -> Run:
    """Run and sample memory meanwhile. Raises CalledProcessError."""
    start, cpu = time.perf_counter(), _cpu()
    peak = 0
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    ) as process:
        while True:
            try:
                output, error_output = process.communicate(timeout=_SAMPLE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, sum(map(pss, process_tree(process.pid))))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output, error_output)
    return Run(time.perf_counter() - start, _cpu() - cpu, peak, output)


def _cpu() -> float:
    """Return the processor seconds of all children that have exited, including their descendants."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment() -> dict[str, str]:
    """Return the current environment without GQLNEWS_ options."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GQLNEWS_")}


def process_tree(root: int) -> list[int]:
    """Return the process ids of `root` and all its descendants."""
    children = defaultdict(list)
    for name in os.listdir(_PROC):
        if name.isdigit() and (parent := _parent(name)) is not None:
            children[parent].append(int(name))
    found = [root]
    for process in found:
        found.extend(children[process])
    return found


def _parent(process: str) -> int | None:
    """Return the parent's process id, or None if the process has exited."""
    try:
        stat = Path(f"{_PROC}/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[1])


def pss(process: int) -> int:
    """Return the PSS in bytes, or 0 if the process has exited."""
    try:
        lines = Path(f"{_PROC}/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
