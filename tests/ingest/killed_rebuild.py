"""Rebuild a store, and die at a step: `python -m tests.ingest.killed_rebuild DATABASE FOLDER STEPS`.

`tests.ingest.killed_ingest` defines a step.
"""

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.rebuild import rebuild
from gqlnews.ingest.pipeline import IngestReport, ingest


def main(database: Path, folder: Path, steps: int) -> None:
    done = count(1)

    def step(*_: object) -> None:
        if next(done) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    def fill(db: sqlite3.Connection) -> IngestReport:
        db.set_progress_handler(step, 50)
        return ingest(db, folder, ParseOptions(), processes=1)

    sys.setprofile(step)
    rebuild(database, fill)
    sys.setprofile(None)
    print(next(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
