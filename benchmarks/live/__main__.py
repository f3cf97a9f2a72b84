"""`python -m benchmarks.live`: delay from saving an article to seeing it, with and without subscribers."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import show
from benchmarks.live.crowded import measure_bare, measure_crowd, statements_per_change
from benchmarks.live.delay import delays
from benchmarks.live.edits import Edits, edit_articles
from benchmarks.live.report import crowd_figures, delay_goal, statement_figures
from benchmarks.live.report import delays as delay_figures
from benchmarks.live.stores import Store, existing_store, sample_store, serve_store
from benchmarks.throughput.process import run_server
from benchmarks.throughput.progress import report

COUNTED_EDITS = 10  # edits during which statements are counted
BARE_EVENTS = 50  # events sent by the bare server


def main() -> None:
    given = _options()
    with tempfile.TemporaryDirectory(prefix="gqlnews-live-") as scratch:
        for store in _stores(given, Path(scratch)):
            with edit_articles(store.folder, store.database, given.edits) as edits:
                _measure_alone(store, edits, given.edits, Path(scratch))
                if given.subscribers:
                    _measure_crowd(store, edits, given.edits, given.subscribers, Path(scratch))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument(
        "--articles", type=int, nargs="+", default=[10_000, 100_000], help="sizes of the samples"
    )
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument(
        "--subscribers", type=int, default=1000, help="number of subscribers; 0 skips these figures"
    )
    parser.add_argument("--folder", type=Path, help="existing folder to edit; every file is restored")
    parser.add_argument("--db", type=Path, help="database of the folder, which is copied")
    return parser.parse_args()


def _stores(given: argparse.Namespace, scratch: Path) -> Iterator[Store]:
    if given.folder is not None:
        yield existing_store(scratch, given.folder, given.db)
        return
    for articles in given.articles:
        yield sample_store(scratch, articles)


def _measure_alone(store: Store, edits: Edits, number: int, scratch: Path) -> None:
    report(f"{number} edits, no subscribers")
    with serve_store(store, scratch / "alone.log") as server:
        found = delays(server.url, edits, number)
    title = f"{store.articles:,} articles, {number} edits, no subscribers"
    show(title, delay_figures("rename → response", found, delay_goal(store.articles)))


def _measure_crowd(store: Store, edits: Edits, number: int, subscribers: int, scratch: Path) -> None:
    report(f"{number} edits, {subscribers:,} subscribers")
    with serve_store(store, scratch / "crowded.log") as server:
        found = measure_crowd(server, edits, number, subscribers)
    report("share of the client")
    command = [sys.executable, "-m", "benchmarks.live.bare", str(subscribers), str(BARE_EVENTS)]
    with run_server("a bare server", command, {}, scratch / "bare.log") as server:
        floor = measure_bare(server, BARE_EVENTS, subscribers)
    figures = crowd_figures(found, subscribers, delay_goal(store.articles), floor)
    few, many = (_statements(store, edits, some, scratch) for some in (1, subscribers))
    title = f"{store.articles:,} articles, {number} edits, {subscribers:,} subscribers of one process"
    show(title, [*figures, *statement_figures(few, many, subscribers)])


def _statements(store: Store, edits: Edits, subscribers: int, scratch: Path) -> float:
    report(f"statements per change, {subscribers:,} subscribers")
    count = scratch / "statements"
    by = ("-m", "benchmarks.live.statement_counter", str(count))
    with serve_store(store, scratch / "counted.log", by) as server:
        return statements_per_change(server, count, edits, COUNTED_EDITS, subscribers)


if __name__ == "__main__":
    main()
