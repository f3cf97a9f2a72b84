"""Content folders and their databases, and servers over them."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.folders import write_sample_folder
from benchmarks.throughput.process import Server, run_server
from benchmarks.throughput.progress import report

GQLNEWS = ("-m", "gqlnews")
NO_OPTIONS: Mapping[str, str] = {}
DATABASE_SUFFIXES = ("", "-wal")  # of the files of a database


@dataclass(frozen=True, slots=True)
class Store:
    folder: Path
    database: Path
    articles: int


def sample_store(scratch: Path, articles: int) -> Store:
    """Generate and ingest a sample."""
    report(f"sample of {articles:,} articles")
    return _open_store(write_sample_folder(scratch, articles), scratch / f"{articles}.db")


def existing_store(scratch: Path, folder: Path, database: Path | None) -> Store:
    """Ingest an existing folder, into a copy of its database if it has one."""
    copy = scratch / f"{folder.name}.db"
    if database is not None:
        report(f"copy of {database}")
        for suffix in DATABASE_SUFFIXES:
            if (file := Path(f"{database}{suffix}")).exists():
                shutil.copyfile(file, f"{copy}{suffix}")
    return _open_store(folder, copy)


def _open_store(folder: Path, database: Path) -> Store:
    report(f"ingest of {folder}")
    command = [sys.executable, *GQLNEWS, "ingest", str(folder), "--db", str(database)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own module
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        (articles,) = db.execute("SELECT count(*) FROM article").fetchone()
    return Store(folder, database, articles)


@contextmanager
def serve_store(
    store: Store, log: Path, by: Sequence[str] = GQLNEWS, more: Mapping[str, str] = NO_OPTIONS
) -> Iterator[Server]:
    """Run `gqlnews serve` as a user does, but without the limit of streams per client address."""
    command = [sys.executable, *by, "serve", str(store.folder), "--db", str(store.database), "--port", "0"]
    with run_server("gqlnews", command, {"GQLNEWS_MAX_STREAMS_PER_CLIENT": "0", **more}, log) as server:
        yield server
