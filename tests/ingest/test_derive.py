"""Stories: their articles, their fields, and the effect of edits."""

import shutil
import sqlite3
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder
from tests.ingest.histories import articles
from tests.ingest.model import run_ingest as take_in_folder
from tests.ingest.model import temporary_store

URL = "https://example.com/{}"


def listing(*names: str) -> list[dict[str, Any]]:
    return [{"title": "R", "webUrl": URL.format(name)} for name in names]


def write(folder: Folder, name: str, lists: str = "", **keys: Any) -> None:
    """Write an article called `name` that lists the articles with these one-letter names."""
    folder.article(f"{name}.md", URL.format(name), related=listing(*lists), **keys)


def groups(db: sqlite3.Connection, scope: int = 1) -> dict[str, str]:
    """Story → the concatenated slugs of its articles."""
    found: dict[str, str] = {}
    for story, slug in db.execute(
        "SELECT story, slug FROM story_article WHERE scope = ? ORDER BY story, slug", (scope,)
    ):
        found[story] = found.get(story, "") + slug
    sizes = dict(db.execute("SELECT slug, size FROM story WHERE scope = ?", (scope,)))
    assert sizes == {story: len(slugs) for story, slugs in found.items()}
    return found


GRAPHS: list[tuple[dict[str, str], dict[str, str]]] = [
    # (listed articles by article, expected stories)
    ({"a": "b", "b": "a"}, {"a": "ab"}),
    ({"a": "b", "b": ""}, {}),
    ({"a": "a", "b": ""}, {}),
    ({"a": "bb", "b": "abx"}, {"a": "ab"}),
    ({"a": "b", "b": "c", "c": "a"}, {}),
    ({"a": "b", "b": "ac", "c": "b", "d": "a"}, {"a": "abc"}),
    ({"a": "d", "b": "c", "c": "b", "d": "a"}, {"a": "ad", "b": "bc"}),
]


@pytest.mark.parametrize(("graph", "stories"), GRAPHS)
def test_articles_that_list_each_other_are_a_story(
    folder: Folder,
    run_ingest: RunIngest,
    db: sqlite3.Connection,
    graph: dict[str, str],
    stories: dict[str, str],
) -> None:
    for name, lists in graph.items():
        write(folder, name, lists)
    run_ingest()
    assert groups(db) == groups(db, scope=0) == stories


LEADS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "the hottest": ({"heat": 2}, {"heat": 3}, "b"),
    "whatever its quality": ({"heat": 3}, {"heat": 2, "quality": 100}, "a"),
    "some heat is above none": ({}, {"heat": 0}, "b"),
    "also below nothing": ({}, {"heat": -1}, "b"),
    "then the best": ({"heat": 1, "quality": 4}, {"heat": 1, "quality": 5}, "b"),
    "some quality is above none": ({"publishedDateTime": "2024-02-01"}, {"quality": 0}, "b"),
    "then the newest": ({}, {"publishedDateTime": "2024-01-01T00:00:00.1Z"}, "b"),
    "then the first slug": ({}, {"publishedDateTime": "2024-01-01T01:00:00+01:00"}, "a"),
}


@pytest.mark.parametrize(("one", "other", "lead"), LEADS.values(), ids=LEADS)
def test_the_lead(
    folder: Folder,
    run_ingest: RunIngest,
    db: sqlite3.Connection,
    one: dict[str, Any],
    other: dict[str, Any],
    lead: str,
) -> None:
    write(folder, "a", "b", **{"title": "of a", **one})
    write(folder, "b", "a", **{"title": "of b", **other})
    run_ingest()
    row = db.execute(
        "SELECT slug, lead_slug, story.title, lead_id = (SELECT id FROM article WHERE slug = lead_slug)"
        " FROM story WHERE scope = 1"
    ).fetchone()
    assert row == ("a", lead, f"of {lead}", 1)


def test_the_dates_of_a_story(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    write(folder, "a", "b", publishedDateTime="2024-01-01T01:00:00+01:00")
    write(folder, "b", "ac", publishedDateTime="2024-01-01T00:00:00.0Z")
    write(folder, "c", "bd", publishedDateTime="2024-01-02T00:00:00.50Z")
    write(folder, "d", "c", publishedDateTime="2024-01-02T00:00:00.5Z")
    run_ingest()
    assert db.execute(
        "SELECT first_published, last_published, last_at, node_id FROM story WHERE scope = 1"
    ).fetchall() == [
        ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00.50Z", "2024-01-02T00:00:00.5", "U3Rvcnk6YQ=="),
    ]


def test_the_public_has_stories_of_published_articles(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "a", "b")
    write(folder, "b", "ac", published=False)
    write(folder, "c", "bd")
    write(folder, "d", "c")
    run_ingest()
    assert (groups(db, scope=0), groups(db)) == ({"c": "cd"}, {"a": "abcd"})
    write(folder, "b", "ac")
    run_ingest()
    assert groups(db, scope=0) == {"a": "abcd"}


@pytest.fixture
def chain(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    """From a to d, each lists its neighbours; x and y list each other, and others without reciprocation."""
    for name, lists in {"a": "by", "b": "ac", "c": "bd", "d": "c", "x": "yd", "y": "x"}.items():
        write(folder, name, lists)
    run_ingest()
    assert groups(db) == {"a": "abcd", "x": "xy"}


EDITS: list[tuple[dict[str, str | None], dict[str, str]]] = [
    # Articles that are removed (None), added, or list others, and the stories afterwards.
    ({"b": None}, {"c": "cd", "x": "xy"}),
    ({"a": None}, {"b": "bcd", "x": "xy"}),
    ({"c": "b"}, {"a": "abc", "x": "xy"}),
    ({"b": "a"}, {"a": "ab", "c": "cd", "x": "xy"}),
    ({"d": "cx"}, {"a": "abcdxy"}),
    ({"y": "xa"}, {"a": "abcdxy"}),
    ({"d": "cx", "x": "y"}, {"a": "abcd", "x": "xy"}),
    ({"e": "d"}, {"a": "abcd", "x": "xy"}),
    ({"d": "ce", "e": "d"}, {"a": "abcde", "x": "xy"}),
    ({"x": None, "y": None}, {"a": "abcd"}),
    ({"x": ""}, {"a": "abcd"}),
    ({"b": "ax", "x": "b"}, {"a": "abx", "c": "cd"}),
]


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(("edit", "stories"), EDITS)
def test_an_edit_splits_and_joins_stories(
    folder: Folder,
    run_ingest: RunIngest,
    db: sqlite3.Connection,
    edit: dict[str, str | None],
    stories: dict[str, str],
) -> None:
    for name, lists in edit.items():
        if lists is None:
            folder.remove(f"{name}.md")
        else:
            write(folder, name, lists)
    run_ingest()
    assert groups(db) == groups(db, scope=0) == stories


@pytest.mark.usefixtures("chain")
def test_unaffected_stories_are_not_written(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    db.execute("UPDATE story SET title = 'as it was' WHERE slug = 'x'")
    write(folder, "b", "a", title="new")
    run_ingest()
    rows = db.execute("SELECT slug, title FROM story WHERE scope = 1 ORDER BY slug").fetchall()
    assert rows == [("a", "T"), ("c", "T"), ("x", "as it was")]


@pytest.mark.usefixtures("chain")
def test_a_changed_fingerprint_rebuilds_all_stories(run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    before = dump.content(db)
    db.execute("DELETE FROM story WHERE slug = 'a'")
    db.execute("UPDATE story_article SET story = 'x'")
    db.execute("UPDATE store SET fingerprint = 'of an older program'")
    run_ingest()
    assert dump.content(db) == before


@pytest.mark.usefixtures("chain")
def test_a_member_with_more_heat_becomes_the_lead(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "d", "c", heat=1, title="hot", publishedDateTime="2024-03-01")
    run_ingest()
    row = db.execute("SELECT lead_slug, title, last_published FROM story WHERE slug = 'a'").fetchone()
    assert row == ("d", "hot", "2024-03-01T00:00:00Z")


def test_a_new_owner_of_a_url_joins_the_story(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "a", "b")
    write(folder, "b", "a")
    run_ingest()
    folder.article("t.md", URL.format("b"), related=listing("a"), publishedDateTime="2024-06-01")
    run_ingest()
    assert groups(db) == {"a": "at"}
    folder.remove("t.md")
    run_ingest()
    assert groups(db) == {"a": "ab"}


names = st.sampled_from("abcdef")
links = st.lists(
    st.tuples(names, st.none() | st.lists(names, max_size=4, unique=True).map("".join)),
    min_size=6,
    max_size=14,
)


def mutual(lists: dict[str, str]) -> dict[str, str]:
    """Compute the stories by merging groups that share an article until none do."""
    found = [{one, two} for one in lists for two in lists[one] if one < two and one in lists.get(two, "")]
    while met := next(((a, b) for a, b in combinations(found, 2) if a & b), None):
        found = [group for group in found if group not in met] + [met[0] | met[1]]
    return {min(group): "".join(sorted(group)) for group in found}


@examples(25)
@given(links)
def test_after_any_edit_the_stories_equal_the_oracle(edits: list[tuple[str, str | None]]) -> None:
    with temporary_store() as (_, db, model):
        lists: dict[str, str] = {}
        for name, others in edits:
            lists.pop(name, None)
            (model.folder.root / f"{name}.md").unlink(missing_ok=True)
            if others is not None:
                write(model.folder, name, others)
                lists[name] = others
            take_in_folder(db, model.folder)
            assert groups(db) == groups(db, scope=0) == mutual(lists)


@examples(25)
@given(
    st.lists(articles, min_size=2, max_size=6).flatmap(
        lambda some: st.tuples(
            st.permutations(list(enumerate(some))), st.lists(st.integers(1, 3), min_size=6, max_size=6)
        )
    )
)
def test_the_order_of_ingests_does_not_matter(
    drawn: tuple[list[tuple[int, dict[str, Any]]], list[int]],
) -> None:
    order, portions = drawn
    with temporary_store() as (_, db, model):
        for number, keys in order:
            folder_write(model.folder, number, keys)
            portions[0] -= 1
            if portions[0] == 0:
                take_in_folder(db, model.folder)
                portions = portions[1:]
        take_in_folder(db, model.folder)
        in_portions = dump.content(db)
        empty = Folder(model.folder.root.parent / "empty")
        take_in_folder(db, empty)
        assert groups(db) == {}
        take_in_folder(db, model.folder)
        assert dump.content(db) == in_portions
        shutil.rmtree(empty.root)


def folder_write(folder: Folder, number: int, keys: dict[str, Any]) -> None:
    folder.article(f"{number}.md", keys["webUrl"], **{key: keys[key] for key in keys if key != "webUrl"})
