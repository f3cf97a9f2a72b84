"""Incremental ingest over a long random history of edits, compared with a fresh ingest after each step.

    python -m benchmarks.history --steps 1000 --articles 500 --seed 1

1. Generate a sample folder and a mirror. The mirror holds all valid files, and the last valid version
   of each broken file.
2. In each step, edit both (`editing.py`) and ingest only the changed paths.
3. Ingest the mirror into a new store. Both stores must serve the same content, and the store must list
   the same files as plain Python finds.

Parse results are memoized by path and content, because this benchmark does not check parsing.
"""

import argparse
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.editing import Content, step
from gqlnews.content import parse_file
from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.safe_open import OpenFolder
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from gqlnews.sample import write_sample
from tests.ingest import dump

OPTIONS = ParseOptions()
_AHEAD_NS = 10_000_000_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--steps", type=int, default=1000, help="number of edits (default: 1000)")
    parser.add_argument(
        "--articles", type=int, default=500, help="number of articles at the start (default: 500)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the random generator (default: 1)")
    options = parser.parse_args()
    durations = list(run(options.steps, options.articles, options.seed))
    milliseconds = sorted(1000 * seconds for seconds in durations)
    print(
        f"{len(durations)} steps over {options.articles} articles, seed {options.seed}: each equals a fresh "
        f"ingest; median {median(milliseconds):.1f} ms, longest {milliseconds[-1]:.1f} ms"
    )


def run(steps: int, articles: int, seed: int) -> Iterator[float]:
    """Yield the ingest time of each step in seconds. Raises AssertionError if the stores differ."""
    with tempfile.TemporaryDirectory(prefix="gqlnews-history-") as name, memoized_parsing():
        scratch = Path(name)
        rng = random.Random(seed)  # noqa: S311 - the same history for the same seed
        content = Content(scratch / "content", scratch / "mirror", rng)
        write_sample(content.folder, articles, seed)
        shutil.copytree(content.folder, content.mirror)
        with closing(_open(scratch / "store.db")) as db:
            _ingest(db, content.folder)
            for number in range(1, steps + 1):
                paths = step(content)
                start = time.perf_counter()
                _ingest(db, content.folder, paths)
                yield time.perf_counter() - start
                _compare(db, content, scratch / "fresh.db", f"step {number}, paths {sorted(paths)}")


@contextmanager
def memoized_parsing() -> Iterator[None]:
    """During the block, parse each combination of path and content only once."""
    real, known = parse_file.parse_file, dict[tuple[str, bytes], ParseResult]()

    def parse_once(folder: Path | OpenFolder, file: SourceFile, options: ParseOptions) -> ParseResult:
        path = folder.path if isinstance(folder, OpenFolder) else folder
        key = file.path, (path / file.path).read_bytes()
        if key not in known:
            known[key] = real(folder, file, options)
        return msgspec.structs.replace(known[key], source=file)

    parse_file.parse_file = parse_once
    try:
        yield
    finally:
        parse_file.parse_file = real


def _open(database: Path) -> sqlite3.Connection:
    db = open_writer(database)
    db.execute("PRAGMA synchronous = OFF")
    return db


def _ingest(db: sqlite3.Connection, folder: Path, paths: set[str] | None = None) -> None:
    ingest(db, folder, OPTIONS, processes=1, now_ns=_ahead_ns, paths=paths)


def _ahead_ns() -> int:
    """Return a time so far in the future that no file counts as recently written."""
    return time.time_ns() + _AHEAD_NS


def _compare(db: sqlite3.Connection, content: Content, database: Path, where: str) -> None:
    with closing(_open(database)) as fresh:
        _ingest(fresh, content.mirror)
        assert dump.content(db) == dump.content(fresh), where
        problems = set(_problems(fresh))
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    assert _sources(db) == _files(content.folder), where
    broken = {path for path, code in _problems(db) if code == "no-front-matter"}
    assert broken == set(content.broken), where
    of_others = {(path, code) for path, code in _problems(db) if path not in broken}
    assert of_others == {(path, code) for path, code in problems if path not in broken}, where


def _problems(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute("SELECT path, code FROM problem").fetchall()


def _sources(db: sqlite3.Connection) -> list[tuple[str, int, int, str]]:
    return db.execute("SELECT path, size, mtime_ns, revision FROM source ORDER BY path").fetchall()


def _files(folder: Path) -> list[tuple[str, int, int, str]]:
    return sorted(
        (
            str(path.relative_to(folder)),
            path.stat().st_size,
            path.stat().st_mtime_ns,
            blake2b(path.read_bytes(), digest_size=16).hexdigest(),
        )
        for path in folder.rglob("*.md")
    )


if __name__ == "__main__":
    main()
