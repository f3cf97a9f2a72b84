"""The cost of one path is the same in a store of two thousand articles as in one of two hundred."""

import sqlite3
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.outbox import register
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from gqlnews.ingest.upsert import temp_tables
from tests.ingest.folder import BROKEN, Folder, later_ns

EDITS = ["change", "add", "remove", "break", "second file of a slug", "first file of a slug goes"]


def fill(folder: Folder, articles: int) -> None:
    for number in range(articles):
        group = number // 5
        folder.article(
            f"{group % 10}/{number}.md",
            f"https://example.com/{number}",
            title=f"word{number} other{number}",
            published=number % 4 != 0,
            publishedDateTime=f"{2000 + number}-01-01",
            provider={"name": f"P{group}", "domain": f"p{group}.example"},
            topics=[f"Topic {group}"],
            related=[{"title": "R", "webUrl": f"https://example.com/{group * 5 + (number + 1) % 5}"}],
        )
    folder.article("0/2.markdown", "https://example.com/2", publishedDateTime="2002-01-01")


def edit(folder: Folder, how: str) -> str:
    match how:
        case "change":
            folder.article("0/1.md", "https://example.com/1", title="new")
        case "add":
            folder.article("0/new.md", "https://example.com/new")
            return "0/new.md"
        case "remove":
            folder.remove("0/1.md")
        case "break":
            folder.write("0/1.md", BROKEN)
        case "second file of a slug":
            folder.article("0/1.markdown", "https://example.com/1")
            return "0/1.markdown"
        case _:
            folder.remove("0/2.markdown")
            return "0/2.markdown"
    return "0/1.md"


def steps(folder: Folder, database: Path, how: str, consumers: Sequence[str] = ()) -> int:
    """Return the steps of SQLite's virtual machine that the edit takes, in tens."""
    db = open_writer(database)
    ingest(db, folder.root, ParseOptions(), processes=1, now_ns=later_ns)
    for name in consumers:
        register(db, name)
    path = edit(folder, how)
    done = count()

    def step() -> int:
        next(done)
        return 0

    db.set_progress_handler(step, 10)
    try:
        ingest(db, folder.root, ParseOptions(), processes=1, now_ns=later_ns, paths=[path])
    finally:
        db.set_progress_handler(None, 0)
        db.close()
    return next(done)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Folder, Path]]:
    made = []
    for articles in (200, 2000):
        home = tmp_path_factory.mktemp(f"{articles}")
        folder = Folder(home / "content")
        fill(folder, articles)
        made.append((folder, home / "store.db"))
    return made


@pytest.mark.parametrize("how", EDITS)
def test_an_edit_takes_the_same_steps_in_a_large_store(stores: list[tuple[Folder, Path]], how: str) -> None:
    small, large = (steps(folder, database, how) for folder, database in stores)
    assert large < small * 1.1 + 50


def test_an_edit_with_a_consumer_takes_the_same_steps_in_a_large_store(
    stores: list[tuple[Folder, Path]],
) -> None:
    small, large = (steps(folder, database, "change", ["consumer"]) for folder, database in stores)
    assert large < small * 1.1 + 50


def test_no_statement_reads_all_sources(stores: list[tuple[Folder, Path]]) -> None:
    folder, database = stores[0]
    statements: list[str] = []
    db = open_writer(database)
    ingest(db, folder.root, ParseOptions(), processes=1, now_ns=later_ns)
    folder.article("1/5.md", "https://example.com/5", title="other")
    db.set_trace_callback(statements.append)
    ingest(db, folder.root, ParseOptions(), processes=1, now_ns=later_ns, paths=["1/5.md"])
    db.set_trace_callback(None)
    assert "SCAN source" not in " ".join(plan(db, statements))
    db.close()


def plan(db: sqlite3.Connection, statements: list[str]) -> list[str]:
    """Return the query plan of every statement, with the temporary tables of an ingest."""
    with temp_tables(db):
        return [
            step
            for statement in statements
            if statement.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))
            for *_, step in db.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
