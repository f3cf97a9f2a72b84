"""Schedule of a store: when its articles appear or expire, as the last ingest found it.

The watcher follows it. Without one, what falls due waits for the next ingest.
"""

import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import orjson

from gqlnews.database.protocol import Statement
from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.damage import translate_errors
from gqlnews.timestamps import from_epoch_ns

NO_WATCHER = (
    "no process watches the folder, so articles appear and expire only at the next ingest: run "
    "`gqlnews ingest FOLDER --watch`, or `gqlnews ingest FOLDER` when they are due"
)
MAX_OVERDUE = 1000
_SCHEDULE = f"""
SELECT json_object('next', min(due), 'overdue',
    (SELECT count(*) FROM (SELECT 1 FROM source WHERE due <= ? LIMIT {MAX_OVERDUE})))
FROM source WHERE due IS NOT NULL
"""  # noqa: S608 - built from constants only


class Schedule(NamedTuple):
    """When the next article appears or expires, and how many should have by now, at most `MAX_OVERDUE`."""

    next_due: str
    overdue: int


def schedule_statement() -> Statement:
    """Return the statement that reads the schedule as of now."""
    return _SCHEDULE, (from_epoch_ns(time.time_ns()).key,)


def decode_schedule(text: bytes | None) -> Schedule | None:
    """Decode the result of the statement; None if no article appears or expires."""
    found = orjson.loads(text or b"{}")
    return Schedule(f"{found['next']}Z", found["overdue"]) if found.get("next") else None


def read_schedule(database: Path) -> Schedule | None:
    """Return the schedule of a store. Raises DatabaseError or a subclass."""
    with translate_errors(database), closing(connect_to_read(database)) as db:
        row: tuple[bytes] | None = db.execute(*schedule_statement()).fetchone()
        return None if row is None else decode_schedule(row[0])
