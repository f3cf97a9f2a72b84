"""What changed, as the latest state of each article and scope; what each audience is told of the whole."""

import sqlite3
from typing import NamedTuple

MOST_REMOVED = 10_000
"""How many articles that are gone a scope remembers: who left off before one it forgot starts afresh."""

# Scope 0 sees an article come, change or go where it is, or was, published. An article that comes back was
# `added` anew; since when it is known at all stays `first_added`.
_KEEP = """
INSERT INTO article_change (scope, slug, version, first_added, added, removed)
SELECT scope, slug, version, version, version, NOT is_there
FROM (
    SELECT 0 AS scope, slug, version, was_public AS was_there, is_public AS is_there FROM numbered
    UNION ALL
    SELECT 1, slug, version, kind <> 'ADDED', kind <> 'REMOVED' FROM numbered
)
WHERE was_there OR is_there
ON CONFLICT (scope, slug) DO UPDATE SET
    version = excluded.version,
    added = iif(article_change.removed, excluded.added, article_change.added),
    removed = excluded.removed
"""
_NUMBER = "INSERT INTO numbered SELECT ? + row_number() OVER (ORDER BY slug), touched.* FROM touched"

_NEWEST_TO_FORGET = """
SELECT version FROM article_change WHERE scope = ? AND removed = 1 ORDER BY version DESC LIMIT 1 OFFSET ?
"""
_FORGET = "DELETE FROM article_change WHERE scope = ? AND removed = 1 AND version <= ?"

# ruff: noqa: S608 - the parts of this statement are this program's


def _describe(visible: str, scope: int) -> str:
    """What the audience is told of the articles that are `visible`; of equal instants the first slug's."""
    return f"""
UPDATE site SET
    version = (SELECT line FROM store) || '-' || :number,
    number = :number,
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


def log_changes(db: sqlite3.Connection, *, problems_changed: bool, now: str, most_removed: int) -> Changes:
    """Give each entry of `touched` a version, by slug, and move on the versions of who may see a change.

    An editor also sees problems: where only these changed, a version without an entry stands for it.
    `now` is the served instant, `most_removed` how many removals a scope remembers. Derived data must be up
    to date.
    """
    (last,) = db.execute("SELECT last_version FROM store").fetchone()
    count = db.execute(_NUMBER, (last,)).rowcount
    newest = last + (count or int(problems_changed))
    if newest == last:
        return Changes(0, 0, 0)
    db.execute("UPDATE store SET last_version = ?", (newest,))
    db.execute(_KEEP)
    (public,) = db.execute("SELECT max(version) FROM numbered WHERE was_public OR is_public").fetchone()
    for audience, number in ((0, public), (1, newest if count else None), (2, newest)):
        if number is not None:
            db.execute(_DESCRIBE[audience], {"audience": audience, "number": number, "now": now})
    for scope, audiences in ((0, "(0)"), (1, "(1, 2)")):
        _forget(db, scope, audiences, most_removed)
    kinds = dict(db.execute("SELECT kind, count(*) FROM touched GROUP BY kind").fetchall())
    return Changes(kinds.get("ADDED", 0), kinds.get("UPDATED", 0), kinds.get("REMOVED", 0))


def _forget(db: sqlite3.Connection, scope: int, audiences: str, most_removed: int) -> None:
    """Keep the newest removals alone, and say how far back the scope's memory goes."""
    found = db.execute(_NEWEST_TO_FORGET, (scope, most_removed)).fetchone()
    if found is not None:
        db.execute(_FORGET, (scope, *found))
        db.execute(f"UPDATE site SET forgotten = ? WHERE audience IN {audiences}", found)
