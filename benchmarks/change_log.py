"""What before-images and a consumer of the outbox cost an ingest: edits and cold ingests, alternating.

    python -m benchmarks.change_log --articles 20000

Three databases have the same content: one is written without before-images, one with them, and one with a
consumer too. Each edit changes the title of a file, and is ingested into all, in changing order. The consumer
then acknowledges it, which is timed separately.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from unittest.mock import patch

from benchmarks.figures import Figure, at_most, megabytes, milliseconds, seconds, show
from benchmarks.folders import article_paths, write_sample_folder
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.outbox import acknowledge, list_consumers, read_batches, register
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest import apply_schedule, change_log, upsert
from gqlnews.ingest.pipeline import ingest

IMAGES_GOAL, CONSUMER_GOAL, COLD_GOAL = 1.10, 1.30, 1.05
NAME = "benchmark"
WARM_UP = 5  # edits that do not count
BARE, IMAGES, CONSUMER = VARIANTS = ("bare", "images", "consumer")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.change_log", description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000, help="size of the sample (default: 100000)")
    parser.add_argument("--edits", type=int, default=200, help="number of edits (default: 200)")
    parser.add_argument("--cold", type=int, default=3, help="cold ingests of each kind (default: 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gqlnews-change-log-") as name:
        scratch = Path(name)
        folder = write_sample_folder(scratch, options.articles)
        cold, size = measure_cold(scratch, folder, options.cold)
        edits, acknowledged = measure_edits(scratch, folder, options.edits)
    show(
        f"Change log, {options.articles:,} sampled articles",
        [
            *(Figure(f"cold ingest, {variant}", seconds(cold[variant])) for variant in VARIANTS),
            at_most("cold ingest, images / bare", cold[IMAGES] / cold[BARE], COLD_GOAL, _ratio),
            Figure("cold ingest, consumer / images", _ratio(cold[CONSUMER] / cold[IMAGES])),
            Figure("batch of the cold ingest", megabytes(size)),
            *(Figure(f"edit, {variant}", milliseconds(edits[variant])) for variant in VARIANTS),
            at_most("edit, images / bare", edits[IMAGES] / edits[BARE], IMAGES_GOAL, _ratio),
            at_most("edit, consumer / images", edits[CONSUMER] / edits[IMAGES], CONSUMER_GOAL, _ratio),
            Figure("acknowledge an edit", milliseconds(acknowledged)),
        ],
    )


def measure_cold(scratch: Path, folder: Path, repeats: int) -> tuple[dict[str, float], int]:
    """Return the median seconds of each variant, and the bytes of the consumer's batch.

    The databases of the last cold ingests remain, for the edits.
    """
    durations: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    size = 0
    for number in range(repeats):
        for variant in _turn(number):
            database = scratch / f"{variant}.db"
            database.unlink(missing_ok=True)
            with closing(open_writer(database)) as db, _variant(variant):
                if variant == CONSUMER:
                    register(db, NAME)
                durations[variant].append(_timed(lambda db=db: ingest(db, folder, ParseOptions())))  # type: ignore[misc]
                if variant == CONSUMER:
                    size = list_consumers(db)[0].bytes
                    _acknowledge_all(db)
    return {variant: median(runs) for variant, runs in durations.items()}, size


def measure_edits(scratch: Path, folder: Path, edits: int) -> tuple[dict[str, float], float]:
    """Return the median seconds of an edit by variant, and of its acknowledgement."""
    rng = random.Random(1)  # noqa: S311 - the same files in every run
    paths = rng.choices(article_paths(folder), k=WARM_UP + edits)
    durations: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    acknowledged: list[float] = []
    with ExitStack() as stack:
        stores = {
            variant: stack.enter_context(closing(open_writer(scratch / f"{variant}.db")))
            for variant in VARIANTS
        }
        for number, path in enumerate(paths):
            text = path.read_text("utf-8")
            path.write_text(text.replace("title: ", f"title: {number} ", 1), "utf-8")
            changed = [path.relative_to(folder).as_posix()]
            for variant in _turn(number):
                db = stores[variant]
                run = lambda db=db: ingest(db, folder, ParseOptions(), processes=1, paths=changed)  # noqa: E731, B023
                with _variant(variant):
                    durations[variant].append(_timed(run))
            acknowledged.append(_timed(lambda: _acknowledge_all(stores[CONSUMER])))
    medians = {variant: median(runs[WARM_UP:]) for variant, runs in durations.items()}
    return medians, median(acknowledged[WARM_UP:])


def _turn(number: int) -> tuple[str, ...]:
    """Return the variants in the order of a turn; each comes first equally often."""
    first = number % len(VARIANTS)
    return (*VARIANTS[first:], *VARIANTS[:first])


@contextmanager
def _variant(variant: str) -> Iterator[None]:
    """Ingest without before-images in the block, if that is the variant."""
    if variant != BARE:
        yield
        return
    with (
        patch.object(upsert, "capture_images", _do_nothing),
        patch.object(apply_schedule, "capture_images", _do_nothing),
        patch.object(change_log, "store_images", _do_nothing),
    ):
        yield


def _do_nothing(*_: object) -> None:
    pass


def _acknowledge_all(db: sqlite3.Connection) -> None:
    for batch in read_batches(db, NAME):
        acknowledge(db, NAME, batch.position)


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _ratio(value: float) -> str:
    return f"{value:.2f}"


if __name__ == "__main__":
    main()
