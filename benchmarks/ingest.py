"""Speed and peak memory of an ingest. See README.md beside this file."""

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks import processes
from benchmarks.figures import Figure, at_least, at_most, megabytes, percent, seconds, show, times
from benchmarks.folders import article_paths, real_or_sample, write_sample_folder

_ADDED = re.compile(r"([\d,]+) added")


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as name:
        scratch = Path(name)
        folder, called = real_or_sample(scratch)
        title = (
            f"{len(article_paths(folder)):,} articles of {called}; Python {platform.python_version()}, "
            f"{len(os.sched_getaffinity(0))} cores, medians of {options.repeats}"
        )
        bench = Ingests(scratch)
        figures = [*_speed(bench, folder, options.repeats), *_memory(bench, folder)]
        if options.large > options.small:
            figures += _growth(bench, options.small, options.large)
    show(title, figures)


class Ingests:
    """Runs `gqlnews ingest`. Databases are created below `scratch`."""

    def __init__(self, scratch: Path) -> None:
        self._databases: Iterator[Path] = (scratch / f"store-{number}.db" for number in count())

    def new_database(self) -> Path:
        return next(self._databases)

    def command(self, folder: Path, database: Path) -> list[str]:
        return [sys.executable, "-m", "gqlnews", "ingest", str(folder), "--db", str(database)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs per figure (default: 3)")
    parser.add_argument(
        "--small", type=int, default=10_000, help="files in the small sample (default: 10000)"
    )
    parser.add_argument(
        "--large",
        type=int,
        default=100_000,
        help="files in the large sample (default: 100000); 0 skips both samples",
    )
    return parser.parse_args()


def _speed(bench: Ingests, folder: Path, repeats: int) -> list[Figure]:
    """Time the three kinds of run in turns, so that a slow minute of the machine affects all of them."""
    loads, cold_ingests, repeated_ingests = [], [], []
    for _ in range(repeats):
        database = bench.new_database()
        loads.append(processes.run_timed([sys.executable, "-m", "benchmarks.baseline", str(folder)]))
        cold_ingests.append(processes.run_timed(bench.command(folder, database)))
        _check_added(cold_ingests[-1], len(article_paths(folder)))
        repeated_ingests += [processes.run_timed(bench.command(folder, database)) for _ in range(2)]
    load = median(float(run.output) for run in loads)
    cold, repeated = (median(run.seconds for run in runs) for runs in (cold_ingests, repeated_ingests))
    return [
        Figure("python-frontmatter alone", seconds(load)),
        Figure("  CPU of its process", seconds(median(run.cpu for run in loads))),
        Figure("cold ingest", seconds(cold)),
        Figure("  CPU of its processes", seconds(median(run.cpu for run in cold_ingests))),
        at_least("speedup over python-frontmatter", load / cold, 5, times),
        at_most("repeated ingest, unchanged folder", repeated, 0.3, seconds),
    ]


def _memory(bench: Ingests, folder: Path) -> list[Figure]:
    peak = _peak(bench, folder)
    return [at_most("peak memory, cold ingest", peak, 300e6, megabytes)]


def _growth(bench: Ingests, small: int, large: int) -> list[Figure]:
    """Compare peak memory for two samples. Each folder is deleted before the next one is written."""
    peaks = []
    for articles in (small, large):
        with tempfile.TemporaryDirectory(prefix="gqlnews-bench-") as scratch:
            peaks.append(_peak(bench, write_sample_folder(Path(scratch), articles)))
    first, second = peaks
    return [
        at_most(f"peak memory, {small:,} sampled", first, 300e6, megabytes),
        at_most(f"peak memory, {large:,} sampled", second, 300e6, megabytes),
        at_most("growth between the two", second / first - 1, 0.2, percent),
    ]


def _peak(bench: Ingests, folder: Path) -> int:
    run = processes.run_with_memory(bench.command(folder, bench.new_database()))
    _check_added(run, len(article_paths(folder)))
    return run.peak


def _check_added(run: processes.Run, articles: int) -> None:
    """Raise SystemExit if the ingest did not add every article, since an incomplete run is not a result."""
    found = _ADDED.search(run.output)
    added = int(found[1].replace(",", "")) if found else 0
    if added != articles:
        raise SystemExit(f"The ingest added {added} of {articles} articles: {run.output.strip()}")


if __name__ == "__main__":
    main()
