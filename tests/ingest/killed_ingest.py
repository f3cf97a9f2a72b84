"""Ingest a folder, and die at a step: `python -m tests.ingest.killed_ingest DATABASE FOLDER STEPS [NOW]`.

A step is a Python call, or 50 steps of SQLite's virtual machine. After STEPS of them the process kills
itself, as `kill -9` would; with 0 it completes. It prints the number of steps. NOW is the time in
nanoseconds.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from tests.ingest.folder import later_ns


def main(database: Path, folder: Path, steps: int, now_ns: int) -> None:
    done = count(1)

    def step(*_: object) -> None:
        if next(done) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(step)
    db = open_writer(database)
    db.set_progress_handler(step, 50)
    ingest(db, folder, ParseOptions(), processes=1, now_ns=lambda: now_ns)
    db.close()
    sys.setprofile(None)
    print(next(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int((*sys.argv, str(later_ns()))[4]))
