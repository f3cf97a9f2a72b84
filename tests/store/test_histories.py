"""A store that took in a folder's whole history against one that sees the files for the first time.

They are the same but for articles whose file has an error now: these are as they were. So the first store is
compared with a fresh one of a folder in which each such file still has what it had when it was last right.
"""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings

from gqlnews.content.discover import discover
from gqlnews.content.read import read_outcome
from gqlnews.content.records import Article, ReadOptions, SourceFile
from gqlnews.content.slugs import slug_of
from gqlnews.store.database import open_writer
from gqlnews.store.ingest import ingest
from tests.store import dump, oracle
from tests.store.folder import Folder, later_ns
from tests.store.histories import Edit, histories

OPTIONS = ReadOptions()
PUBLIC = (
    "SELECT slug, revision FROM article WHERE published",
    "SELECT * FROM provider WHERE scope = 0",
    "SELECT * FROM topic WHERE scope = 0",
)
OPEN = (
    "SELECT slug, revision FROM article",
    "SELECT * FROM provider WHERE scope = 1",
    "SELECT * FROM topic WHERE scope = 1",
)
EDITOR = (*OPEN, "SELECT path AS file, line, column_, code, message FROM problem")


class Model:
    """What must be served, worked out file by file: by slug the article, and the bytes it was read from."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.articles: dict[str, Article] = {}
        self.bytes: dict[str, bytes] = {}

    def follow(self) -> None:
        """Do as an ingest must do now."""
        first: dict[str, SourceFile] = {}
        for file in sorted(self.files(), key=lambda file: file.path):
            first.setdefault(slug_of(file.path), file)
        for slug in self.articles.keys() - first.keys():
            del self.articles[slug], self.bytes[slug]
        for slug, file in first.items():
            article = read_outcome(self.folder.root, file, OPTIONS).article
            if article is not None:
                self.articles[slug] = article
                self.bytes[slug] = (self.folder.root / file.path).read_bytes()

    def files(self) -> list[SourceFile]:
        return [found for found in discover(self.folder.root) if isinstance(found, SourceFile)]

    def served_folder(self, root: Path) -> Folder:
        """A folder that holds what must be served, and nothing else."""
        served = Folder(root)
        for slug, content in self.bytes.items():
            served.write(f"{slug}.md", content.decode())
        return served


def open_careless(database: Path) -> sqlite3.Connection:
    """A store that need not outlive a power cut: hundreds are made here."""
    db = open_writer(database)
    db.execute("PRAGMA synchronous = OFF")
    return db


def take_in(db: sqlite3.Connection, folder: Folder) -> None:
    ingest(db, folder.root, OPTIONS, processes=1, now_ns=later_ns)


@contextmanager
def place() -> Iterator[tuple[Path, sqlite3.Connection, Model]]:
    """A folder of our own for each history: pytest's `tmp_path` is one for all of them."""
    root = Path(tempfile.mkdtemp())
    db = open_careless(root / "store.db")
    try:
        yield root, db, Model(Folder(root / "content"))
    finally:
        db.close()
        shutil.rmtree(root)


def steps(db: sqlite3.Connection, model: Model, history: list[list[Edit]]) -> Iterator[None]:
    """Edit and ingest, step by step."""
    for edits in history:
        for edit in edits:
            edit(model.folder)
        take_in(db, model.folder)
        model.follow()
        yield


@contextmanager
def fresh(root: Path, folder: Folder) -> Iterator[sqlite3.Connection]:
    database = root / "fresh.db"
    db = open_careless(database)
    try:
        take_in(db, folder)
        yield db
    finally:
        db.close()
        database.unlink()


@settings(max_examples=30)
@given(histories)
def test_the_content_is_that_of_a_fresh_store(history: list[list[Edit]]) -> None:
    with place() as (root, db, model):
        for _ in steps(db, model, history):
            served = model.served_folder(root / "served")
            with fresh(root, served) as other:
                assert dump.content(db) == dump.content(other)
            shutil.rmtree(served.root)


@settings(max_examples=30)
@given(histories)
def test_what_is_known_of_the_files_is_that_of_a_fresh_store(history: list[list[Edit]]) -> None:
    with place() as (root, db, model):
        for _ in steps(db, model, history):
            with fresh(root, model.folder) as other:
                assert dump.files(db) == dump.files(other)


@settings(max_examples=30)
@given(histories)
def test_what_follows_from_several_files_is_what_plain_python_finds(history: list[list[Edit]]) -> None:
    with place() as (_, db, model):
        for _ in steps(db, model, history):
            everyone = list(model.articles.values())
            assert dict(
                db.execute("SELECT o.url, slug FROM url_owner o JOIN article ON id = article_id")
            ) == (oracle.owners(everyone))
            assert targets(db) == oracle.targets(everyone)
            for scope, articles in enumerate((oracle.public(model.articles), everyone)):
                assert topics(db, scope) == oracle.topics(articles)
                assert providers(db, scope) == oracle.providers(articles)


@settings(max_examples=30)
@given(histories)
def test_versions_move_when_and_only_when_something_visible_does(history: list[list[Edit]]) -> None:
    with place() as (_, db, model):
        before, numbers = [views(db)], [versions(db)]
        for _ in steps(db, model, history):
            before.append(views(db))
            numbers.append(versions(db))
            for audience in range(3):
                moved = before[-1][audience] != before[-2][audience]
                assert (numbers[-1][audience] > numbers[-2][audience]) == moved


@settings(max_examples=30)
@given(histories)
def test_the_change_log_replays_to_what_is_served(history: list[list[Edit]]) -> None:
    with place() as (_, db, model):
        for _ in steps(db, model, history):
            public, everyone = replayed(db)
            assert everyone == set(model.articles)
            assert public == {article.slug for article in oracle.public(model.articles)}


def targets(db: sqlite3.Connection) -> dict[tuple[str, int], str]:
    rows = db.execute(
        "SELECT a.slug, position, t.slug FROM related"
        " JOIN article a ON a.id = article_id JOIN article t ON t.id = target_id"
    )
    return {(slug, position): target for slug, position, target in rows}


def topics(db: sqlite3.Connection, scope: int) -> dict[str, str]:
    return dict(db.execute("SELECT slug, name FROM topic WHERE scope = ?", (scope,)))


def providers(db: sqlite3.Connection, scope: int) -> dict[str, tuple[list[str], str]]:
    rows = db.execute("SELECT domain, name, names, images FROM provider WHERE scope = ?", (scope,)).fetchall()
    assert all(name == loads(names)[0] for _, name, names, _ in rows)
    return {domain: (loads(names), images) for domain, _, names, images in rows}


def loads(text: str) -> list[str]:
    values: list[str] = json.loads(text)
    return values


def views(db: sqlite3.Connection) -> list[object]:
    """What each audience may see, apart from the numbers of versions."""
    return [[dump.rows(db, sql) for sql in view] for view in (PUBLIC, OPEN, EDITOR)]


def versions(db: sqlite3.Connection) -> list[int]:
    found = db.execute("SELECT version FROM site ORDER BY audience").fetchall()
    return [int(text.partition("-")[2]) for (text,) in found]


def replayed(db: sqlite3.Connection) -> tuple[set[str], set[str]]:
    """The published slugs and all slugs that the log ends with; each entry must fit those before it."""
    public: set[str] = set()
    everyone: set[str] = set()
    for slug, kind, was_public, is_public in db.execute(
        "SELECT slug, kind, was_public, is_public FROM change ORDER BY version"
    ):
        assert (kind == "ADDED") == (slug not in everyone)
        assert was_public == (slug in public)
        everyone.add(slug)
        public.add(slug)
        if kind == "REMOVED":
            everyone.remove(slug)
        if not is_public:
            public.remove(slug)
    return public, everyone
