"""Ingest a folder, and die on the way: `python -m tests.store.killed DATABASE FOLDER STEPS`.

The process kills itself, as `kill -9` would, as soon as SQLite has done STEPS times 50 steps of its virtual
machine, making the database included; with 0 STEPS it lives. It prints how many it did.
"""

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from gqlnews.content.records import ReadOptions
from gqlnews.store.database import open_writer
from gqlnews.store.ingest import ingest
from tests.store.folder import later_ns


def main(database: Path, folder: Path, steps: int) -> None:
    done = count(1)

    def step() -> None:
        if next(done) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "sqlite3.connect/handle" and isinstance(arguments[0], sqlite3.Connection):
            arguments[0].set_progress_handler(step, 50)

    sys.addaudithook(hook)
    db = open_writer(database)
    ingest(db, folder, ReadOptions(), processes=1, now_ns=later_ns)
    db.close()
    print(next(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
