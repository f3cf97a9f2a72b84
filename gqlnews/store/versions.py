"""The change log, and what each audience is told of the whole."""

import sqlite3
from typing import NamedTuple

_LOG = """
INSERT INTO change
SELECT ? + row_number() OVER (ORDER BY slug), slug, kind, was_public, is_public FROM touched
"""

# ruff: noqa: S608 - the parts of this statement are this program's


def _describe(visible: str, scope: int) -> str:
    """What the audience is told of the articles that are `visible`; of equal instants the first slug's."""
    return f"""
UPDATE site SET
    version = (SELECT line FROM store) || '-' || :number,
    ingested_at = :now,
    article_count = (SELECT count(*) FROM article {visible}),
    provider_count = (SELECT count(*) FROM provider WHERE scope = {scope}),
    topic_count = (SELECT count(*) FROM topic WHERE scope = {scope}),
    first_published = (
        SELECT published_date_time FROM article {visible} ORDER BY published_at, slug LIMIT 1),
    last_published = (
        SELECT published_date_time FROM article {visible} ORDER BY published_at DESC, slug LIMIT 1)
WHERE audience = :audience
"""


_DESCRIBE = (_describe("WHERE published = 1", 0), _describe("", 1), _describe("", 1))


class Changes(NamedTuple):
    """How many articles an ingest added, changed and removed."""

    added: int
    changed: int
    removed: int


def log_changes(db: sqlite3.Connection, *, problems_changed: bool, now: str) -> Changes:
    """Give each entry of `touched` a version, by slug, and move on the versions of who may see a change.

    An editor also sees problems: where only these changed, a version without an entry stands for it.
    `now` is the served instant. Derived data must be up to date.
    """
    (last,) = db.execute("SELECT last_version FROM store").fetchone()
    count = db.execute(_LOG, (last,)).rowcount
    newest = last + (count or int(problems_changed))
    if newest == last:
        return Changes(0, 0, 0)
    db.execute("UPDATE store SET last_version = ?", (newest,))
    (public,) = db.execute(
        "SELECT max(version) FROM change WHERE version > ? AND (was_public OR is_public)", (last,)
    ).fetchone()
    for audience, number in ((0, public), (1, newest if count else None), (2, newest)):
        if number is not None:
            db.execute(_DESCRIBE[audience], {"audience": audience, "number": number, "now": now})
    kinds = dict(db.execute("SELECT kind, count(*) FROM touched GROUP BY kind").fetchall())
    return Changes(kinds.get("ADDED", 0), kinds.get("UPDATED", 0), kinds.get("REMOVED", 0))
