"""`python -m benchmarks.live`: delay from saving an article to seeing it, with and without subscribers."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import show
from benchmarks.live.alone import delays
from benchmarks.live.crowded import bare, crowded, statements
from benchmarks.live.edits import Edits, editing
from benchmarks.live.places import Place, given_place, sampled_place, serving
from benchmarks.live.report import delays as delay_figures
from benchmarks.live.report import goal_of, of_crowd, of_statements
from benchmarks.throughput.process import running
from benchmarks.throughput.progress import say

COUNTED = 10  # edits during which statements are counted
BARE = 50  # events sent by the bare server


def main() -> None:
    given = _options()
    with tempfile.TemporaryDirectory(prefix="gqlnews-live-") as scratch:
        for place in _places(given, Path(scratch)):
            with editing(place.folder, place.database, given.edits) as edits:
                _alone(place, edits, given.edits, Path(scratch))
                if given.subscribers:
                    _crowded(place, edits, given.edits, given.subscribers, Path(scratch))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--articles", type=int, nargs="+", default=[10_000, 100_000], help="of the samples")
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--subscribers", type=int, default=1000, help="0 leaves them out")
    parser.add_argument("--folder", type=Path, help="one that is there; every file is restored")
    parser.add_argument("--db", type=Path, help="its database, which is copied")
    return parser.parse_args()


def _places(given: argparse.Namespace, scratch: Path) -> Iterator[Place]:
    if given.folder is not None:
        yield given_place(scratch, given.folder, given.db)
        return
    for articles in given.articles:
        yield sampled_place(scratch, articles)


def _alone(place: Place, edits: Edits, number: int, scratch: Path) -> None:
    say(f"{number} edits, nobody watches")
    with serving(place, scratch / "alone.log") as server:
        found = delays(server.url, edits, number)
    title = f"{place.articles:,} articles, {number} edits, nobody watches"
    show(title, delay_figures("rename → answer", found, goal_of(place.articles)))


def _crowded(place: Place, edits: Edits, number: int, subscribers: int, scratch: Path) -> None:
    say(f"{number} edits, {subscribers:,} subscribers")
    with serving(place, scratch / "crowded.log") as server:
        found = crowded(server, edits, number, subscribers)
    say("what the client itself can take")
    command = [sys.executable, "-m", "benchmarks.live.bare", str(subscribers), str(BARE)]
    with running("a bare server", command, {}, scratch / "bare.log") as server:
        floor = bare(server, BARE, subscribers)
    figures = of_crowd(found, subscribers, goal_of(place.articles), floor)
    few, many = (_statements(place, edits, some, scratch) for some in (1, subscribers))
    title = f"{place.articles:,} articles, {number} edits, {subscribers:,} subscribers of one process"
    show(title, [*figures, *of_statements(few, many, subscribers)])


def _statements(place: Place, edits: Edits, subscribers: int, scratch: Path) -> float:
    say(f"statements a change, {subscribers:,} subscribers")
    count = scratch / "statements"
    by = ("-m", "benchmarks.live.counted", str(count))
    with serving(place, scratch / "counted.log", by) as server:
        return statements(server, count, edits, COUNTED, subscribers)


if __name__ == "__main__":
    main()
