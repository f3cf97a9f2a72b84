"""The full history of changes: from every version on, it leads to the content as the API shows it."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.database import change_history
from gqlnews.database.change_history import ChangeHistory, RecordedChange
from gqlnews.database.sqlite.history_source import SqliteHistory
from gqlnews.database.sqlite.migrations import migrations
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.database.state_fields import known_fields
from gqlnews.errors import Code, DatabaseError, NewerDatabaseError, SettingsError, VersionError
from gqlnews.ingest import change_log
from gqlnews.query.entities import Audience
from gqlnews.schema.inputs import ArticleFilter, collect_filter_fields
from tests.effort import WITHOUT_SHRINKING, examples
from tests.ingest.folder import Folder
from tests.ingest.histories import Edit, histories
from tests.ingest.model import open_careless, run_ingest
from tests.live import Live, open_live
from tests.product import Product

NAMES = tuple(known_fields(()))
AUDIENCES = (Audience.PUBLIC, Audience.OPEN)  # by scope
QUERY = """{ articles(first: 100) { nodes {
    slug title category type language topics { slug } authors { slug } section { path } provider { domain }
    publishedDateTime updatedAt modifiedDateTime quality heat published image { url } related { url } } } }"""

Copy = dict[str, Mapping[str, object]]
"""A consumer's copy: the articles by slug."""


def as_state(node: dict[str, Any]) -> dict[str, object]:
    """Return what a change must say about an article that the API shows so."""
    topics, authors, image = node.pop("topics"), node.pop("authors"), node.pop("image")
    section, provider, related = node.pop("section"), node.pop("provider"), node.pop("related")
    return {
        **node,
        "publishedDateTime": node["publishedDateTime"].replace(".0Z", "Z"),
        "topic": [topic["slug"] for topic in topics],
        "author": [author["slug"] for author in authors],
        "section": section and section["path"],
        "provider": provider and provider["domain"],
        "hasImage": image is not None,
        "hasRelated": bool(related),
    }


async def served(live: Live, scope: int) -> Copy:
    nodes = (await live.execute(QUERY, AUDIENCES[scope]))["articles"]["nodes"]
    return {node["slug"]: as_state(node) for node in nodes}


def read(
    database: Path, scope: int = 0, since: str | None = None, names: Iterable[str] = NAMES
) -> list[RecordedChange]:
    with closing(ChangeHistory(SqliteHistory(database), scope, tuple(names), since)) as history:
        return read_on(history)


def read_on(history: ChangeHistory) -> list[RecordedChange]:
    changes = list(history.read_articles()) if history.is_at_start else []
    while page := history.read_page():
        changes += page
    return changes


def apply(copy: Copy, changes: Iterable[RecordedChange]) -> Copy:
    """Return the copy after the changes; each must fit to what the copy has."""
    copy = dict(copy)
    for change in changes:
        assert copy.get(change.slug) == change.before, change
        if change.after is None:
            del copy[change.slug]
        else:
            copy[change.slug] = change.after
    return copy


@examples(60, phases=WITHOUT_SHRINKING)
@given(histories, st.sampled_from([1, 3, 200]))
def test_from_any_version_on_the_changes_lead_to_the_content(
    history: list[list[Edit]], page_size: int
) -> None:
    """Resumed from each version of each scope, and read while the content changes."""

    async def run() -> None:
        async with open_live() as live:
            known: list[list[tuple[str, Copy]]] = [[], []]
            followers = [ChangeHistory(SqliteHistory(live.database), scope, NAMES, None) for scope in (0, 1)]
            followed: list[Copy] = [{}, {}]
            for edits in history:
                for edit in edits:
                    edit.do(live.folder)
                live.ingest()
                for scope, follower in enumerate(followers):
                    content = await served(live, scope)
                    followed[scope] = apply(followed[scope], read_on(follower))
                    assert followed[scope] == content
                    known[scope].append((live.version(AUDIENCES[scope]), content))
            for scope, follower in enumerate(followers):
                follower.close()
                check_all(live.database, scope, known[scope])

    with patch.object(change_history, "PAGE_SIZE", page_size):
        asyncio.run(run())


def check_all(database: Path, scope: int, known: list[tuple[str, Copy]]) -> None:
    """Compare the changes from each version on with the versions after it."""
    now = known[-1][1]
    assert apply({}, read(database, scope)) == now
    for start, (version, content) in enumerate(known):
        if not version.endswith("-0"):
            copy, expected = content, dict(known[start + 1 :])
            for change in read(database, scope, version):
                copy = apply(copy, [change])
                assert copy == expected.pop(change.version, copy)
                assert apply(copy, read(database, scope, change.version)) == now
            assert copy == now


# A table of histories: edits of one article, and the kinds in each scope with the titles before and after.

SHOWN, HIDDEN = {"title": "shown"}, {"title": "hidden", "published": False}
TABLE: list[tuple[list[dict[str, Any] | None], list[str], list[str]]] = [
    ([SHOWN], ["ADDED None shown"], ["ADDED None shown"]),
    ([HIDDEN], [], ["ADDED None hidden"]),
    ([HIDDEN, SHOWN], ["ADDED None shown"], ["ADDED None hidden", "UPDATED hidden shown"]),
    (
        [SHOWN, HIDDEN],
        ["ADDED None shown", "REMOVED shown None"],
        ["ADDED None shown", "UPDATED shown hidden"],
    ),
    (
        [SHOWN, None, SHOWN],
        ["ADDED None shown", "REMOVED shown None", "ADDED None shown"],
        ["ADDED None shown", "REMOVED shown None", "ADDED None shown"],
    ),
    (
        [SHOWN, HIDDEN, None, HIDDEN, SHOWN],
        ["ADDED None shown", "REMOVED shown None", "ADDED None shown"],
        [
            "ADDED None shown",
            "UPDATED shown hidden",
            "REMOVED hidden None",
            "ADDED None hidden",
            "UPDATED hidden shown",
        ],
    ),
    ([SHOWN, SHOWN], ["ADDED None shown"], ["ADDED None shown"]),
]


@pytest.mark.parametrize(("steps", "public", "everything"), TABLE)
def test_each_change_has_its_kind_and_states(
    tmp_path: Path, steps: list[dict[str, Any] | None], public: list[str], everything: list[str]
) -> None:
    folder, database = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.article("other.md", url="https://example.com/other")
    with closing(open_careless(database)) as db:
        run_ingest(db, folder)
        since = [version for (version,) in db.execute("SELECT version FROM site ORDER BY audience")]
        for keys in steps:
            if keys is None:
                folder.remove("a.md")
            else:
                folder.article("a.md", **keys)
            run_ingest(db, folder)
    for scope, expected in enumerate((public, everything)):
        changes = read(database, scope, since[scope], ["title"])
        shown = [f"{one.kind} {title(one.before)} {title(one.after)}" for one in changes]
        assert shown == expected
        numbers = [int(change.version.rpartition("-")[2]) for change in changes]
        assert numbers == list(range(2, 2 + len(changes)))


def title(state: Mapping[str, object] | None) -> object:
    return state and state["title"]


# Fields.


def test_the_fields_are_those_of_filters() -> None:
    assert {*NAMES, "matches"} == collect_filter_fields(ArticleFilter).keys()


CONFIG = """
[fields.sponsor]
filter = true
[fields.labels]
type = ["String"]
filter = true
[fields.ratio]
type = "Float"
filter = true
[fields.checked]
type = "Boolean"
filter = true
[fields.day]
type = "Date"
filter = true
[fields.instant]
type = "DateTime"
filter = true
[fields.numbers]
type = ["Int"]
filter = true
[fields.internal]
filter = true
visible-to = "editors"
[fields.unfiltered]
"""
CUSTOM = ("sponsor", "labels", "ratio", "checked", "day", "instant", "numbers")


def test_custom_fields_have_the_values_of_the_api(tmp_path: Path) -> None:
    folder, database = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.article(
        "a.md",
        sponsor="S\nT",
        labels=["x\ny", "\\n"],
        ratio=1.5,
        checked=False,
        day="2021-04-15",
        instant="2021-04-15T13:00:00.50Z",
        numbers=[3, 1],
    )
    folder.article("b.md", url="https://example.com/b", labels=[])
    folder.write("gqlnews.toml", CONFIG)
    ingest_all(database, folder)
    with Product(database) as product:
        nodes = product.data(f"{{ articles {{ nodes {{ slug {' '.join(CUSTOM)} }} }} }}")["articles"]["nodes"]
    changes = read(database, names=("slug", *CUSTOM))
    by_slug = {change.slug: json.loads(orjson.dumps(change.after)) for change in changes}
    assert by_slug == {node["slug"]: node for node in nodes}


@pytest.mark.parametrize("name", ["internal", "unfiltered", "body", "Title"])
def test_an_unknown_field_is_an_error_that_lists_the_known_ones(tmp_path: Path, name: str) -> None:
    folder, database = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.write("gqlnews.toml", CONFIG)
    ingest_all(database, folder)
    with pytest.raises(SettingsError, match=f"'{name}' is not a field .*; use slug, title, .*, numbers$"):
        read(database, 1, names=["title", name])


def test_a_field_that_is_no_longer_declared_ends_the_history(tmp_path: Path) -> None:
    folder, database = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.write("gqlnews.toml", CONFIG)
    ingest_all(database, folder)
    with closing(ChangeHistory(SqliteHistory(database), 0, ["sponsor"], None)) as history:
        assert read_on(history) == []
        folder.article("a.md", sponsor="S")
        ingest_all(database, folder)
        assert [change.after for change in read_on(history)] == [{"sponsor": "S"}]
        folder.remove("gqlnews.toml")
        ingest_all(database, folder)
        with pytest.raises(SettingsError, match="'sponsor' is not a field"):
            read_on(history)


def test_a_custom_field_is_null_before_it_was_declared(tmp_path: Path) -> None:
    folder, database = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.article("a.md", sponsor="S")
    ingest_all(database, folder)
    since = read(database)[-1].version
    folder.write("gqlnews.toml", CONFIG)
    ingest_all(database, folder)
    (change,) = read(database, since=since, names=["sponsor"])
    assert (change.before, change.after) == ({"sponsor": None}, {"sponsor": "S"})


def test_a_custom_field_that_is_declared_again_has_no_earlier_values(tmp_path: Path) -> None:
    folder, database = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.write("gqlnews.toml", CONFIG)
    folder.article("a.md", sponsor="old")
    ingest_all(database, folder)
    since = read(database)[-1].version
    folder.remove("gqlnews.toml")
    ingest_all(database, folder)
    folder.article("a.md", sponsor="new")
    ingest_all(database, folder)
    folder.write("gqlnews.toml", CONFIG)
    ingest_all(database, folder)
    changes = read(database, since=since, names=["sponsor"])
    states = [(change.before, change.after) for change in changes]
    nothing, new = {"sponsor": None}, {"sponsor": "new"}
    assert states == [(nothing, nothing), (nothing, nothing), (nothing, new)]


# Where a history begins and ends.


def ingest_all(database: Path, folder: Folder) -> None:
    with closing(open_careless(database)) as db:
        run_ingest(db, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "content")


@pytest.fixture
def database(tmp_path: Path, folder: Folder) -> Path:
    """Two articles."""
    folder.article("a.md")
    folder.article("b.md", url="https://example.com/b")
    ingest_all(tmp_path / "news.db", folder)
    return tmp_path / "news.db"


def epoch_of(database: Path, scope: int = 0) -> str:
    return read(database, scope)[-1].version.rpartition("-")[0]


def test_only_the_last_article_has_the_current_version(database: Path) -> None:
    epoch = epoch_of(database)
    assert [change.version for change in read(database)] == [f"{epoch}-0", f"{epoch}-2"]


def test_an_ingest_during_the_listing_is_a_change_after_it(database: Path, folder: Folder) -> None:
    with closing(ChangeHistory(SqliteHistory(database), 0, ["title"], None)) as history:
        articles = history.read_articles()
        slugs = [next(articles).slug]
        folder.article("a.md", title="new")
        folder.remove("b.md")
        ingest_all(database, folder)
        slugs += [change.slug for change in articles]
        assert slugs == ["a", "b"]
        changes = [(change.kind, change.slug, change.after) for change in history.read_page()]
        assert changes == [("UPDATED", "a", {"title": "new"}), ("REMOVED", "b", None)]


def test_the_start_of_a_history_is_the_same_as_no_version(database: Path) -> None:
    assert read(database, since=f"{epoch_of(database)}-0") == read(database)


def test_a_version_continues_the_history_and_the_feed_of_the_api(database: Path) -> None:
    feed = "query ($since: String) { changes(since: $since) { nodes { slug } } }"
    with Product(database) as product:
        for scope, audience in enumerate(AUDIENCES):
            version = read(database, scope)[-1].version
            assert product.data("{ site { version } }", audience=audience)["site"]["version"] == version
            assert product.data(feed, {"since": version}, audience)["changes"]["nodes"] == []
            assert read(database, scope, version) == []


def test_an_editors_version_is_known_in_the_history_of_all_articles(database: Path, folder: Folder) -> None:
    folder.write("broken.md", "no article")
    ingest_all(database, folder)
    with Product(database) as product:
        version = product.data("{ site { version } }", audience=Audience.EDITOR)["site"]["version"]
    assert version > read(database, 1)[-1].version
    assert read(database, 1, version) == []
    folder.article("c.md", url="https://example.com/c")
    ingest_all(database, folder)
    assert [change.slug for change in read(database, 1, version)] == ["c"]


def test_a_version_of_unfinished_paging_continues_after_its_number(database: Path) -> None:
    epoch = epoch_of(database)
    assert [change.slug for change in read(database, since=f"{epoch}-1-2")] == ["b"]


@pytest.mark.parametrize(
    ("since", "code", "message"),
    [
        ("x", Code.BAD_VERSION, "'x' is not a version"),
        ("{epoch}-3", Code.BAD_VERSION, "is not a known one"),
        ("{epoch}-1-3", Code.BAD_VERSION, "is not a known one"),
        ("abc0-1", Code.VERSION_TOO_OLD, "start again without --since"),
        ("abc0-0", Code.VERSION_TOO_OLD, "rebuilt or replaced"),
        ("{other}-1", Code.VERSION_TOO_OLD, "--unpublished"),
    ],
)
def test_a_version_from_which_no_history_is_known_is_an_error(
    database: Path, since: str, code: Code, message: str
) -> None:
    since = since.format(epoch=epoch_of(database), other=epoch_of(database, 1))
    with pytest.raises(VersionError, match=message) as raised:
        read(database, since=since)
    assert raised.value.code == code
    assert str(raised.value).startswith(code)


def test_a_version_before_a_pruned_image_is_too_old(
    database: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "MAX_BEFORE_IMAGES", 1)
    since = read(database)[-1].version
    for name in ("one", "two", "three"):
        folder.article("a.md", title=name)
        ingest_all(database, folder)
    with pytest.raises(VersionError, match="older than the history"):
        read(database, since=since)
    assert [change.kind for change in read(database, since=f"{epoch_of(database)}-4")] == ["UPDATED"]


def test_a_version_before_a_pruned_removal_is_too_old(database: Path, folder: Folder) -> None:
    since = read(database)[-1].version
    folder.article("c.md", url="https://example.com/c")
    ingest_all(database, folder)
    folder.remove("c.md")
    with closing(open_careless(database)) as db:
        run_ingest(db, folder, max_removed=0)
    with pytest.raises(VersionError, match="older than the history"):
        read(database, since=since)


def test_a_reader_that_falls_behind_gets_an_error(
    database: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "MAX_BEFORE_IMAGES", 1)
    with closing(ChangeHistory(SqliteHistory(database), 0, ["title"], None)) as history:
        read_on(history)
        for name in ("one", "two", "three"):
            folder.article("a.md", title=name)
            ingest_all(database, folder)
        with pytest.raises(VersionError, match="VERSION_TOO_OLD"):
            history.read_page()


def test_a_rebuilt_database_ends_the_history(database: Path, folder: Folder) -> None:
    with closing(ChangeHistory(SqliteHistory(database), 0, ["title"], None)) as history:
        read_on(history)
        ingest_all(database.with_name("new.db"), folder)
        database.with_name("new.db").rename(database)
        with pytest.raises(VersionError, match="rebuilt or replaced"):
            history.read_page()


def test_a_copy_of_the_database_continues_the_history(database: Path, folder: Folder) -> None:
    with closing(ChangeHistory(SqliteHistory(database), 0, ["title"], None)) as history:
        read_on(history)
        copy = copied(database)
        folder.article("a.md", title="new")
        ingest_all(copy, folder)
        copy.rename(database)
        assert [change.after for change in history.read_page()] == [{"title": "new"}]


def test_an_older_copy_has_no_later_changes(
    database: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_history, "PAGE_SIZE", 1)
    since = read(database)[-1].version
    for name in ("one", "two"):
        folder.article("a.md", title=name)
        ingest_all(database, folder)
    copy = copied(database)
    folder.article("a.md", title="three")
    ingest_all(database, folder)
    with closing(ChangeHistory(SqliteHistory(database), 0, ["title"], since)) as history:
        assert [change.after for change in history.read_page()] == [{"title": "one"}]
        copy.rename(database)
        assert [change.after for change in read_on(history)] == [{"title": "two"}]


def copied(database: Path) -> Path:
    copy = database.with_name("copy.db")
    with closing(sqlite3.connect(database)) as db, closing(sqlite3.connect(copy)) as to:
        db.backup(to)
    return copy


def test_a_deleted_database_ends_the_history(database: Path) -> None:
    with closing(ChangeHistory(SqliteHistory(database), 0, [], None)) as history:
        database.unlink()
        with pytest.raises(DatabaseError, match=r"news\.db does not exist: run `gqlnews ingest"):
            history.read_page()


def test_a_migration_by_a_newer_program_ends_the_history(database: Path) -> None:
    with closing(ChangeHistory(SqliteHistory(database), 0, [], None)) as history:
        read_on(history)
        newest = max(version for version, _ in migrations())
        migrated = [*migrations(), (newest + 1, "DROP TABLE article_before;")]
        open_writer(database, known_migrations=migrated).close()
        with pytest.raises(NewerDatabaseError):
            history.read_page()


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(DatabaseError, match=r"empty\.db has no content: run `gqlnews ingest"):
        read(tmp_path / "empty.db")


def test_a_reader_that_waits_does_not_block_a_checkpoint(database: Path, folder: Folder) -> None:
    with closing(ChangeHistory(SqliteHistory(database), 0, ["title"], None)) as history:
        read_on(history)
        folder.article("a.md", title="new")
        ingest_all(database, folder)
        read_on(history)
        with closing(sqlite3.connect(database)) as db:
            assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def test_a_large_ingest_is_read_in_pages(
    database: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_history, "PAGE_SIZE", 10)
    since = read(database)[-1].version
    for number in range(35):
        folder.article(f"new/{number}.md", url=f"https://example.com/{number}")
    ingest_all(database, folder)
    with closing(ChangeHistory(SqliteHistory(database), 0, [], since)) as history:
        sizes = [len(history.read_page()) for _ in range(5)]
    assert sizes == [10, 10, 10, 5, 0]
