"""`python -m benchmarks.live.statement_counter FILE serve …`: run gqlnews and count content statements.

FILE holds the number of content statements that the readers ran, in eight bytes. The watcher process is
not counted, nor are the version polls, which run whether anything changes or not.
"""

import mmap
import sqlite3
import struct
import sys
from pathlib import Path

from gqlnews.database.sqlite import connection

NUMBER = struct.Struct("=q")
_POLL_STATEMENTS = ("FROM site", "PRAGMA", "BEGIN", "ROLLBACK")


def read_count(file: Path) -> int:
    (number,) = NUMBER.unpack(file.read_bytes())
    return int(number)


def count_into(file: Path) -> None:
    """Count every statement of each read connection that is opened from now on."""
    file.write_bytes(NUMBER.pack(0))
    with file.open("r+b") as opened:
        page = mmap.mmap(opened.fileno(), NUMBER.size)
    connect = connection._connect

    def trace(sql: str) -> None:
        if not any(look in sql for look in _POLL_STATEMENTS):
            NUMBER.pack_into(page, 0, NUMBER.unpack_from(page)[0] + 1)

    def connect_and_count(path: Path, busy_timeout: float) -> sqlite3.Connection:
        db = connect(path, busy_timeout)
        db.set_trace_callback(trace)
        return db

    connection._connect = connect_and_count


if __name__ == "__main__":
    from gqlnews.cli import main

    count_into(Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
