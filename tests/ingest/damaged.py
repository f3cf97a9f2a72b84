"""Damage a real database file: overwrite pages at their real offsets, or truncate it."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from gqlnews.database.sqlite.writer import PAGE_BYTES

GARBAGE = b"\xa5"
HEADER_BYTES = 100

Damage = Callable[[Path], None]


def root_page(database: Path, name: str) -> int:
    """Checkpoint the WAL, and return the root page number of a table or an index."""
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        return int(page)


def overwrite(database: Path, page: int, start: int = 0, end: int = PAGE_BYTES) -> None:
    """Fill bytes of a page with garbage, in place, as a failing disk does."""
    with database.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES + start)
        file.write(GARBAGE * (end - start))


def damage_root_page(name: str) -> Damage:
    return lambda database: overwrite(database, root_page(database, name))


def damage_last_leaf(name: str) -> Damage:
    """Damage the last leaf that the root of a large table points to."""

    def damage(database: Path) -> None:
        page = root_page(database, name)
        with database.open("rb") as file:
            file.seek((page - 1) * PAGE_BYTES)
            assert file.read(1) == b"\x05", "an interior page"
            file.seek(7, 1)
            leaf = int.from_bytes(file.read(4), "big")
        overwrite(database, leaf)

    return damage


def damage_schema(database: Path) -> None:
    overwrite(database, 1, HEADER_BYTES)


def damage_magic(database: Path) -> None:
    overwrite(database, 1, 0, 16)


def damage_first_page(database: Path) -> None:
    overwrite(database, 1)


def truncate(database: Path) -> None:
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.truncate(size // PAGE_BYTES // 2 * PAGE_BYTES)


KINDS: Mapping[str, Damage] = {
    "a table": damage_root_page("article"),
    "a leaf of a table": damage_last_leaf("article"),
    "an index": damage_root_page("article_newest_public"),
    "full text": damage_root_page("search_public_data"),
    "the list of sources": damage_root_page("source"),
    "the schema": damage_schema,
    "the magic string": damage_magic,
    "cut off": truncate,
}
"""Damage that is detected without a process that already had the database open."""
