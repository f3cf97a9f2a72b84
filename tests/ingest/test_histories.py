"""A store with a folder's whole history, compared with a store that sees only the present files.

Both are equal except for articles whose file is invalid now, which stay as they were. So the first
store is compared with a fresh one of a folder that holds the last valid version of each such file.
"""

import json
import shutil
import sqlite3

import pytest
from hypothesis import given

from tests.effort import examples
from tests.ingest import dump, oracle
from tests.ingest.histories import Edit, histories
from tests.ingest.model import (
    PathSelector,
    fresh,
    run_history,
    select_all,
    select_parents,
    select_touched,
    temporary_store,
)

WAYS = pytest.mark.parametrize("select_paths", [select_all, select_touched, select_parents])

PUBLIC = (
    "SELECT slug, revision, html FROM article WHERE published",
    "SELECT * FROM provider WHERE scope = 0",
    "SELECT * FROM topic WHERE scope = 0",
    "SELECT * FROM story WHERE scope = 0",
    "SELECT * FROM story_article WHERE scope = 0",
)
OPEN = (
    "SELECT slug, revision, html FROM article",
    "SELECT * FROM provider WHERE scope = 1",
    "SELECT * FROM topic WHERE scope = 1",
    "SELECT * FROM story WHERE scope = 1",
    "SELECT * FROM story_article WHERE scope = 1",
)
EDITOR = (*OPEN, "SELECT path AS file, line, column_, code, message FROM problem")


@WAYS
@examples(14)
@given(histories)
def test_the_content_equals_that_of_a_new_store(
    select_paths: PathSelector, history: list[list[Edit]]
) -> None:
    with temporary_store() as (root, db, model):
        for _ in run_history(db, model, history, select_paths=select_paths):
            served = model.served_folder(root / "served")
            with fresh(root, served) as other:
                assert dump.content(db) == dump.content(other)
            shutil.rmtree(served.root)


@WAYS
@examples(14)
@given(histories)
def test_the_source_table_equals_that_of_a_new_store(
    select_paths: PathSelector, history: list[list[Edit]]
) -> None:
    with temporary_store() as (root, db, model):
        for _ in run_history(db, model, history, select_paths=select_paths):
            with fresh(root, model.folder) as other:
                assert dump.files(db) == dump.files(other)


@examples(14)
@given(histories)
def test_derived_data_equals_the_oracle(history: list[list[Edit]]) -> None:
    with temporary_store() as (_, db, model):
        for _ in run_history(db, model, history):
            everyone = list(model.articles.values())
            assert dict(
                db.execute("SELECT o.url, slug FROM url_owner o JOIN article ON id = article_id")
            ) == (oracle.owners(everyone))
            assert targets(db) == oracle.targets(everyone)
            for scope, articles in enumerate((oracle.public(model.articles), everyone)):
                assert topics(db, scope) == oracle.topics(articles)
                assert providers(db, scope) == oracle.providers(articles)
                assert stories(db, scope) == oracle.stories(articles)


@examples(14)
@given(histories)
def test_versions_advance_exactly_on_visible_changes(history: list[list[Edit]]) -> None:
    with temporary_store() as (_, db, model):
        before, numbers = [views(db)], [versions(db)]
        for _ in run_history(db, model, history):
            before.append(views(db))
            numbers.append(versions(db))
            for audience in range(3):
                moved = before[-1][audience] != before[-2][audience]
                assert (numbers[-1][audience] > numbers[-2][audience]) == moved


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


def stories(db: sqlite3.Connection, scope: int) -> dict[str, oracle.Story]:
    members: dict[str, set[str]] = {}
    for story, slug in db.execute("SELECT story, slug FROM story_article WHERE scope = ?", (scope,)):
        members.setdefault(story, set()).add(slug)
    rows = db.execute(
        "SELECT slug, size, title, lead_slug, first_published, last_published, last_at"
        " FROM story WHERE scope = ?",
        (scope,),
    ).fetchall()
    assert {slug: size for slug, size, *_ in rows} == {slug: len(found) for slug, found in members.items()}
    return {slug: oracle.Story._make((*rest, frozenset(members[slug]))) for slug, _, *rest in rows}


def loads(text: str) -> list[str]:
    values: list[str] = json.loads(text)
    return values


def views(db: sqlite3.Connection) -> list[object]:
    """Return what each audience can see, except for version numbers."""
    return [[dump.rows(db, sql) for sql in view] for view in (PUBLIC, OPEN, EDITOR)]


def versions(db: sqlite3.Connection) -> list[int]:
    found = db.execute("SELECT version FROM site ORDER BY audience").fetchall()
    return [int(text.partition("-")[2]) for (text,) in found]
