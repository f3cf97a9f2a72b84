"""What is edited and served: a content folder and its database."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.folders import sampled
from benchmarks.throughput.process import Server, running
from benchmarks.throughput.progress import say

GQLNEWS = ("-m", "gqlnews")
NOTHING: Mapping[str, str] = {}
FILES = ("", "-wal")  # suffixes of a database's files


@dataclass(frozen=True, slots=True)
class Place:
    folder: Path
    database: Path
    articles: int


def sampled_place(scratch: Path, articles: int) -> Place:
    """Generate and ingest a sample."""
    say(f"sample of {articles:,} articles")
    return _place(sampled(scratch, articles), scratch / f"{articles}.db")


def given_place(scratch: Path, folder: Path, database: Path | None) -> Place:
    """Ingest an existing folder, into a copy of its database if it has one."""
    own = scratch / f"{folder.name}.db"
    if database is not None:
        say(f"copy of {database}")
        for ending in FILES:
            if (file := Path(f"{database}{ending}")).exists():
                shutil.copyfile(file, f"{own}{ending}")
    return _place(folder, own)


def _place(folder: Path, database: Path) -> Place:
    say(f"ingest of {folder}")
    command = [sys.executable, *GQLNEWS, "ingest", str(folder), "--db", str(database)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        (articles,) = db.execute("SELECT count(*) FROM article").fetchone()
    return Place(folder, database, articles)


@contextmanager
def serving(
    place: Place, log: Path, by: Sequence[str] = GQLNEWS, more: Mapping[str, str] = NOTHING
) -> Iterator[Server]:
    """Run `gqlnews serve` as a user does, but without the limit of streams per client address."""
    command = [sys.executable, *by, "serve", str(place.folder), "--db", str(place.database), "--port", "0"]
    with running("gqlnews", command, {"GQLNEWS_MAX_STREAMS_PER_CLIENT": "0", **more}, log) as server:
        yield server
