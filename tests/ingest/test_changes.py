"""The change log after random histories and many removals."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder
from tests.ingest.histories import Edit, histories
from tests.ingest.model import Model, run_history, temporary_store
from tests.ingest.model import run_ingest as take_in_folder
from tests.ingest.replay import Replay, Visible, apply_changes, changes, read_change_log

AUDIENCE_SCOPES = [(0, 0), (1, 1), (2, 1)]
bounds = st.sampled_from([0, 1, 2, 100])


def visible(model: Model, scope: int) -> Visible:
    return {slug: model.bytes[slug] for slug, a in model.articles.items() if scope or a.published}


def site(db: sqlite3.Connection, audience: int) -> tuple[int, int]:
    """Return the numbers of the audience's version and of the newest pruned removal."""
    row = db.execute("SELECT number, forgotten FROM site WHERE audience = ?", (audience,)).fetchone()
    return int(row[0]), int(row[1])


@examples(20)
@given(histories, bounds)
def test_the_change_log_equals_a_replay(history: list[list[Edit]], max_removed: int) -> None:
    with temporary_store() as (_, db, model):
        replays = [Replay(max_removed), Replay(max_removed)]
        for _ in run_history(db, model, history, max_removed):
            for scope in (0, 1):
                replays[scope].step(visible(model, scope))
                assert read_change_log(db, scope) == replays[scope].memory
            for audience, scope in AUDIENCE_SCOPES:
                assert site(db, audience)[1] == replays[scope].last_pruned
            assert site(db, 0)[0] == replays[0].last
            replays[1].last = site(db, 2)[0]  # changed problems alone advance it too


@examples(20)
@given(histories, bounds)
def test_applying_changes_to_an_old_snapshot_gives_the_current_one(
    history: list[list[Edit]], max_removed: int
) -> None:
    with temporary_store() as (_, db, model):
        snapshots: list[dict[int, Visible]] = [{0: {}}, {0: {}}, {0: {}}]
        for _ in run_history(db, model, history, max_removed):
            for audience, scope in AUDIENCE_SCOPES:
                now, (number, last_pruned) = visible(model, scope), site(db, audience)
                snapshots[audience][number] = now
                for since, snapshot in snapshots[audience].items():
                    if since >= last_pruned or since == 0:
                        entries = changes(read_change_log(db, scope), since)
                        assert apply_changes(snapshot, entries, now) == now


@examples(20)
@given(histories)
def test_the_number_is_that_of_the_version(history: list[list[Edit]]) -> None:
    with temporary_store() as (_, db, model):
        for _ in run_history(db, model, history):
            rows = db.execute(
                "SELECT line || (audience > 0) || '-' || number, version FROM site JOIN store"
            ).fetchall()
            assert all(expected == version for expected, version in rows)


@examples(20)
@given(histories, bounds)
def test_public_changes_are_independent_of_hidden_articles(
    history: list[list[Edit]], max_removed: int
) -> None:
    with temporary_store() as (_, db, model), temporary_store() as (_, open_db, open_model):
        for _ in run_history(db, model, history, max_removed):
            hold(open_model.folder, visible(model, 0))
            take_in_folder(open_db, open_model.folder, max_removed)
            assert read_change_log(db, 0) == read_change_log(open_db, 0)
            assert site(db, 0) == site(open_db, 0)


def hold(folder: Folder, files: Visible) -> None:
    """Make the folder contain exactly these files."""
    held = {path.relative_to(folder.root).with_suffix("").as_posix() for path in folder.root.rglob("*.md")}
    for slug in held - files.keys():
        folder.remove(f"{slug}.md")
    for slug, content in files.items():
        folder.write(f"{slug}.md", content.decode())


@pytest.fixture
def emptied(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    """A folder in which two published and three unpublished articles were added and removed.

    These are the changes 1 to 5 and 6 to 10 if all articles are visible, and for the public 1 to 2 and
    3 to 4.
    """
    for name in "abcde":
        folder.article(f"{name}.md", f"https://example.com/{name}", published=name in "ae")
    run_ingest()
    for name in "abcde":
        folder.remove(f"{name}.md")
    run_ingest(max_removed=2)


def test_only_the_newest_removals_are_stored(emptied: None, db: sqlite3.Connection) -> None:
    rows = db.execute("SELECT scope, slug, version FROM article_change ORDER BY 1, 2").fetchall()
    assert rows == [(0, "a", 3), (0, "e", 4), (1, "d", 9), (1, "e", 10)]


def test_the_last_pruned_version_is_recorded_for_each_audience(emptied: None, db: sqlite3.Connection) -> None:
    assert [site(db, audience) for audience in range(3)] == [(4, 0), (10, 8), (10, 8)]


def test_an_article_whose_removal_was_pruned_comes_back_as_new(
    emptied: None, folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    for name in "ad":
        folder.article(f"{name}.md", f"https://example.com/{name}", published=False)
    run_ingest()
    rows = db.execute("SELECT * FROM article_change WHERE scope = 1 AND NOT removed").fetchall()
    assert rows == [(1, "a", 11, 11, 11, 0), (1, "d", 12, 4, 12, 0)]
