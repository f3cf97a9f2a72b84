"""Update the change log, and mark the derived data that a change makes stale."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from gqlnews.ingest.before_images import MAX_BEFORE_IMAGES, prune_images, store_images

# ruff: noqa: S608 - these statements are built from constants only

# Change log: the latest change per article and scope, and the version and totals of each audience.


MAX_REMOVED = 10_000
"""Removals that the log of a scope keeps; a client whose version is older must load everything again."""

# Rows of `touched` by scope: scope 0 contains articles that are, or were, published.
_TOUCHED = (
    "SELECT slug, due, was_public AS was_there, is_public AS is_there FROM touched"
    " WHERE was_public OR is_public",
    "SELECT slug, due, kind <> 'ADDED' AS was_there, kind <> 'REMOVED' AS is_there FROM touched",
)


def _upsert_sql(scope: int) -> str:
    """Build SQL that upserts the scope's entries, numbered from `:last` + 1 on.

    Articles that appeared or expired come first, in the order of their instants, then all others by slug. An
    article that is added again after a removal gets a new `added`; `first_added` never changes.
    """
    return f"""
INSERT INTO article_change (scope, slug, version, first_added, added, removed)
SELECT {scope}, slug, number, number, number, NOT is_there
FROM (SELECT :last + row_number() OVER (ORDER BY due IS NULL, due, slug) AS number, seen.*
    FROM ({_TOUCHED[scope]}) AS seen)
WHERE true -- otherwise SQLite would parse ON as part of a join
ON CONFLICT (scope, slug) DO UPDATE SET
    version = excluded.version,
    added = iif(article_change.removed, excluded.added, article_change.added),
    removed = excluded.removed
"""


_UPSERT = (_upsert_sql(0), _upsert_sql(1))

# Each scope has its own numbers: a shared sequence would reveal how many articles are hidden from the public.
# The last number of scope 1 is that of the editors, who also get a new version if only problems change.
_LAST_NUMBERS = "SELECT number FROM site WHERE audience IN (0, 2) ORDER BY audience"

_NEWEST_TO_PRUNE = """
SELECT version FROM article_change WHERE scope = ? AND removed = 1 ORDER BY version DESC LIMIT 1 OFFSET ?
"""
_PRUNE = "DELETE FROM article_change WHERE scope = ? AND removed = 1 AND version <= ?"


def _update_site_sql(condition: str, scope: int) -> str:
    """Build SQL that updates an audience's row; `condition` selects the articles of the scope.

    The version contains the scope, so that versions of different scopes are never equal. Counts are
    incremented, not computed again. Of articles with equal dates, the first by slug is used.
    """
    return f"""
UPDATE site SET
    version = (SELECT line FROM store) || '{scope}-' || :number,
    number = :number,
    ingested_at = :now,
    article_count = article_count + (SELECT total(is_there) - total(was_there) FROM ({_TOUCHED[scope]})),
    provider_count = provider_count + :providers,
    topic_count = topic_count + :topics,
    first_published = (
        SELECT published_date_time FROM article {condition} ORDER BY published_at, slug LIMIT 1),
    last_published = (
        SELECT published_date_time FROM article {condition} ORDER BY published_at DESC, slug LIMIT 1)
WHERE audience = :audience
"""


_UPDATE_SITE = (_update_site_sql("WHERE published = 1", 0), _update_site_sql("", 1), _update_site_sql("", 1))

# Recount providers and topics, after all of them were derived.
RECOUNT = """
UPDATE site SET
    provider_count = (SELECT count(*) FROM provider WHERE scope = min(audience, 1)),
    topic_count = (SELECT count(*) FROM topic WHERE scope = min(audience, 1))
"""


ScopeDelta = tuple[int, int]
"""Change in the number of rows of scope 0 and of scope 1."""


class ChangeCounts(NamedTuple):
    """Number of articles that an ingest added, changed and removed."""

    added: int
    changed: int
    removed: int


def append_changes(
    db: sqlite3.Connection,
    *,
    problems_changed: bool,
    site_changed: bool,
    providers: ScopeDelta,
    topics: ScopeDelta,
    now: str,
    max_removed: int,
    field_columns: Iterable[str],
) -> ChangeCounts:
    """Log the articles of `touched` in each scope, with what they were before; advance the versions.

    If only what everyone sees of the site changed, or only problems, which editors see, their versions
    advance without a log entry. `now` is the time of the ingest as clients see it, `max_removed` the number
    of removals that the log of a scope keeps, `field_columns` are the columns of custom fields. Derived data
    must be up to date.
    """
    last = [number for (number,) in db.execute(_LAST_NUMBERS)]
    public, all_articles = (db.execute(_UPSERT[scope], {"last": last[scope]}).rowcount for scope in (0, 1))
    editor = all_articles or int(problems_changed or site_changed)
    if not editor:
        return ChangeCounts(0, 0, 0)
    for audience, scope, entries in ((0, 0, public), (1, 1, all_articles), (2, 1, editor)):
        if new_entries := entries or int(site_changed):
            number, deltas = (
                last[scope] + new_entries,
                {"providers": providers[scope], "topics": topics[scope]},
            )
            db.execute(_UPDATE_SITE[audience], {"audience": audience, "number": number, "now": now, **deltas})
    last_old = store_images(db, field_columns)
    for scope, audiences in ((0, "(0)"), (1, "(1, 2)")):
        _prune_removals(db, scope, audiences, max_removed)
    prune_images(db, last_old, MAX_BEFORE_IMAGES)
    kinds = dict(db.execute("SELECT kind, count(*) FROM touched GROUP BY kind").fetchall())
    return ChangeCounts(kinds.get("ADDED", 0), kinds.get("UPDATED", 0), kinds.get("REMOVED", 0))


def _prune_removals(db: sqlite3.Connection, scope: int, audiences: str, max_removed: int) -> None:
    """Delete all but the newest `max_removed` removals, and record the newest version that was deleted."""
    newest = db.execute(_NEWEST_TO_PRUNE, (scope, max_removed)).fetchone()
    if newest is not None:
        db.execute(_PRUNE, (scope, *newest))
        db.execute(f"UPDATE site SET forgotten = ? WHERE audience IN {audiences}", newest)


# Dirty keys: the keys of derived data to update because an article was added, changed or removed.


# The keys in the current rows of the articles in `batch`; before and after the rows change, so that old and
# new keys are marked.
MARK_DIRTY = (
    "INSERT OR IGNORE INTO affected_url SELECT url FROM article_url WHERE article_id IN batch",
    "INSERT OR IGNORE INTO affected_domain SELECT provider_domain FROM article"
    " WHERE id IN batch AND provider_domain IS NOT NULL",
    "INSERT OR IGNORE INTO affected_domain SELECT provider_domain FROM related"
    " WHERE article_id IN batch AND provider_domain IS NOT NULL",
    "INSERT OR IGNORE INTO affected_topic SELECT topic FROM article_topic WHERE article_id IN batch",
    "INSERT OR IGNORE INTO affected_author SELECT author FROM article_author WHERE article_id IN batch",
    "INSERT OR IGNORE INTO affected_section SELECT section FROM article_section WHERE article_id IN batch",
)

# Includes keys that only derived rows still have, because their articles are gone.
MARK_ALL_URLS_DIRTY = (
    "INSERT OR IGNORE INTO affected_url SELECT url FROM article_url UNION SELECT url FROM url_owner"
)
# Every slug, domain, topic, author and section; fast only while the indexes exist.
MARK_ALL_NAMES_DIRTY = (
    "INSERT OR IGNORE INTO affected_slug SELECT slug FROM source",
    "INSERT OR IGNORE INTO affected_domain"
    " SELECT provider_domain FROM article WHERE provider_domain IS NOT NULL"
    " UNION SELECT provider_domain FROM related WHERE provider_domain IS NOT NULL"
    " UNION SELECT domain FROM provider",
    "INSERT OR IGNORE INTO affected_topic SELECT topic FROM article_topic UNION SELECT slug FROM topic",
    "INSERT OR IGNORE INTO affected_author SELECT author FROM article_author UNION SELECT slug FROM author",
    "INSERT OR IGNORE INTO affected_section"
    " SELECT section FROM article_section UNION SELECT path FROM section",
)


def fill_batch(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Replace the content of `batch` with these article ids."""
    db.execute("DELETE FROM batch")
    db.executemany("INSERT INTO batch VALUES (?)", ((number,) for number in ids))
