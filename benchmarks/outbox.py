"""What a consumer of the outbox costs an ingest: edits and cold ingests without and with one, alternating.

    python -m benchmarks.outbox --articles 20000

Two databases have the same content; one of them has a consumer. Each edit changes the title of a file, and is
ingested into both, in alternating order. The consumer then acknowledges it, which is timed separately.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, at_most, megabytes, milliseconds, seconds, show
from benchmarks.folders import article_paths, write_sample_folder
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.outbox import acknowledge, list_consumers, read_batches, register
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest

GOAL = 1.30
NAME = "benchmark"
WARM_UP = 5  # edits that do not count


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outbox", description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000, help="size of the sample (default: 100000)")
    parser.add_argument("--edits", type=int, default=200, help="number of edits (default: 200)")
    parser.add_argument("--cold", type=int, default=3, help="cold ingests of each kind (default: 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gqlnews-outbox-") as name:
        scratch = Path(name)
        folder = write_sample_folder(scratch, options.articles)
        cold, size = measure_cold(scratch, folder, options.cold)
        edits, read = measure_edits(scratch, folder, options.edits)
    show(
        f"Outbox, {options.articles:,} sampled articles",
        [
            Figure("cold ingest without a consumer", seconds(cold[False])),
            Figure("cold ingest with a consumer", seconds(cold[True])),
            Figure("ratio of cold ingests", _ratio(cold[True] / cold[False])),
            Figure("batch of the cold ingest", megabytes(size)),
            Figure("edit without a consumer", milliseconds(edits[False])),
            Figure("edit with a consumer", milliseconds(edits[True])),
            at_most("ratio of edits", edits[True] / edits[False], GOAL, _ratio),
            Figure("acknowledge an edit", milliseconds(read)),
        ],
    )


def measure_cold(scratch: Path, folder: Path, repeats: int) -> tuple[dict[bool, float], int]:
    """Return the median seconds without and with a consumer, and the bytes of the batch.

    The databases of the last cold ingests remain, for the edits.
    """
    durations: dict[bool, list[float]] = {False: [], True: []}
    size = 0
    for _ in range(repeats):
        for has_consumer, runs in durations.items():
            database = _database(scratch, has_consumer)
            database.unlink(missing_ok=True)
            with closing(open_writer(database)) as db:
                if has_consumer:
                    register(db, NAME)
                runs.append(_timed(lambda db=db: ingest(db, folder, ParseOptions())))  # type: ignore[misc]
                if has_consumer:
                    size = list_consumers(db)[0].bytes
                    _acknowledge_all(db)
    return {has_consumer: median(runs) for has_consumer, runs in durations.items()}, size


def measure_edits(scratch: Path, folder: Path, edits: int) -> tuple[dict[bool, float], float]:
    """Return the median seconds of an edit without and with a consumer, and of its acknowledgement."""
    rng = random.Random(1)  # noqa: S311 - the same files in every run
    paths = rng.choices(article_paths(folder), k=WARM_UP + edits)
    durations: dict[bool, list[float]] = {False: [], True: []}
    acknowledged: list[float] = []
    with (
        closing(open_writer(_database(scratch, has_consumer=False))) as plain,
        closing(open_writer(_database(scratch, has_consumer=True))) as recorded,
    ):
        for number, path in enumerate(paths):
            text = path.read_text("utf-8")
            path.write_text(text.replace("title: ", f"title: {number} ", 1), "utf-8")
            changed = [path.relative_to(folder).as_posix()]
            order = [(False, plain), (True, recorded)]
            for has_consumer, db in order if number % 2 else reversed(order):
                run = lambda db=db: ingest(db, folder, ParseOptions(), processes=1, paths=changed)  # noqa: E731, B023
                durations[has_consumer].append(_timed(run))
            acknowledged.append(_timed(lambda: _acknowledge_all(recorded)))
    medians = {has_consumer: median(runs[WARM_UP:]) for has_consumer, runs in durations.items()}
    return medians, median(acknowledged[WARM_UP:])


def _acknowledge_all(db: sqlite3.Connection) -> None:
    for batch in read_batches(db, NAME):
        acknowledge(db, NAME, batch.position)


def _database(scratch: Path, has_consumer: bool) -> Path:
    return scratch / ("recorded.db" if has_consumer else "plain.db")


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _ratio(value: float) -> str:
    return f"{value:.2f}"


if __name__ == "__main__":
    main()
