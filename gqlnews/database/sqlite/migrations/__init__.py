"""Numbered schema migrations: `NNNN_name.sql` brings a database to version NNNN from the one before."""

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


def migrations(folder: Path = FOLDER) -> list[tuple[int, str]]:
    """Return (version, SQL text) of every migration, by version."""
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [(int(file.name[:4]), file.read_text("utf-8")) for file in files]


@cache
def newest_version() -> int:
    """Return the version of a database to which all migrations were applied."""
    return max(version for version, _ in migrations())


def statements(script: str) -> Iterator[str]:
    """Yield the statements of `script` one by one, because `executescript` would end the open transaction."""
    pending = ""
    for piece in re.findall(r"[^;]*;|[^;]+$", script):
        pending += piece
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        raise ValueError(f"a migration ends within a statement: {pending.strip()[:60]}")
