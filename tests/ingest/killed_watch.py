"""Run watch-ingest, and die at a step: `python -m tests.ingest.killed_watch DATABASE FOLDER STEPS`.

`tests.ingest.killed_ingest` defines a step.
"""

import logging
import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.ingest.watch_ingest import WatchIngestOptions, run_watch_ingest


def _log(message: str, level: int = logging.INFO, **fields: object) -> None:
    """Print warnings."""
    if level >= logging.WARNING:
        print(message, fields)


def main(database: Path, folder: Path, steps: int) -> None:
    done = count(1)

    def step(*_: object) -> None:
        if next(done) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    def prepare(db: sqlite3.Connection) -> None:
        db.set_progress_handler(step, 50)

    sys.setprofile(step)
    run_watch_ingest(WatchIngestOptions(folder, database, ParseOptions(), 1, False, _log, prepare))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
