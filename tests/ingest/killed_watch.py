"""Run watch-ingest, and die at a step: `python -m tests.ingest.killed_watch DATABASE FOLDER STEPS`.

`tests.ingest.killed_ingest` defines a step.
"""

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.ingest.watch_ingest import WatchIngestOptions, run_watch_ingest


class _Silent:
    """Log that drops info messages and prints warnings."""

    def info(self, message: str, **fields: object) -> None:
        pass

    def warning(self, message: str, **fields: object) -> None:
        print(message, fields)


def main(database: Path, folder: Path, steps: int) -> None:
    done = count(1)

    def step(*_: object) -> None:
        if next(done) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    def prepare(db: sqlite3.Connection) -> None:
        db.set_progress_handler(step, 50)

    sys.setprofile(step)
    run_watch_ingest(WatchIngestOptions(folder, database, ParseOptions(), 1, False, _Silent(), prepare))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
