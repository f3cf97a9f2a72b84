"""`gqlnews ingest --watch` as a server starts it, and the expected content of the store."""

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.ingest.pipeline import ingest
from tests.ingest import dump
from tests.ingest.folder import Folder
from tests.ingest.model import open_careless
from tests.server import support
from tests.server.support import DEADLINE, Running, close_input, environment

StoreContent = tuple[dump.Dump, dump.Dump]


def command(folder: Folder, database: Path, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-m", "gqlnews", "ingest", str(folder.root), "--db", str(database)),
        *("--watch", "--until-eof", *arguments),
    ]


def running(command: Sequence[str], home: Path) -> AbstractContextManager[Running]:
    """Run a command for as long as the block runs; closing its standard input stops it."""
    return support.running(command, environment(home), close_input)


@contextmanager
def watching(folder: Folder, database: Path, *arguments: str) -> Iterator[Running]:
    """Start a watcher, and wait until it has ingested the folder."""
    with running(command(folder, database, *arguments), database.parent) as run:
        run.wait_for("watching")
        wait_until_ingested(folder, database)
        yield run


def wait_until_ingested(folder: Folder, database: Path, beside: Path | None = None) -> None:
    """Wait until the store equals a fresh ingest of the present files, made in `beside`."""
    expected = fresh_content(folder, (beside or database.parent) / "fresh.db")
    until(lambda: read_store(database) == expected, "the store differs from a fresh one")


def until(condition: Callable[[], bool], message: str) -> None:
    """Wait for a condition that no log line reports. The pause between two checks grows to 0.1 s."""
    deadline, pause = time.monotonic() + DEADLINE, 0.01
    while not condition():
        assert time.monotonic() < deadline, message
        threading.Event().wait(pause)
        pause = min(pause * 1.2, 0.1)


def read_store(database: Path) -> StoreContent | None:
    """Return the served content and the data about files, or None if the store is unreadable at present."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")
            return dump.content(db), dump.files(db)
    except sqlite3.OperationalError:
        return None


def fresh_content(folder: Folder, database: Path) -> StoreContent:
    with closing(open_careless(database)) as db:
        ingest(db, folder.root, ParseOptions(), processes=1)
        found = dump.content(db), dump.files(db)
    database.unlink()
    return found


def kill(run: Running) -> None:
    """Kill the process as the OOM killer does."""
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait(DEADLINE)
