"""Derive the topics of each scope: scope 0 covers published articles only, scope 1 all."""

import sqlite3
from collections.abc import Iterator

from gqlnews.ingest.change_log import ScopeDelta
from gqlnews.ingest.rows import node_id

_FORGET = "DELETE FROM topic WHERE scope = ? AND slug IN (SELECT slug FROM affected_topic)"

# The name that most files use, then the first by code point.
_NAMES = """
SELECT topic, name FROM (
    SELECT topic, name, row_number() OVER (PARTITION BY topic ORDER BY sum(articles) DESC, name) AS place
    FROM topic_use
    WHERE topic IN (SELECT slug FROM affected_topic) AND (published OR ?)
    GROUP BY topic, name
) WHERE place = 1
"""


def derive_topics(db: sqlite3.Connection) -> ScopeDelta:
    """Derive the topics of `affected_topic`; return the growth per scope."""
    return ScopeDelta(*(_derive(db, scope) for scope in (0, 1)))


def _derive(db: sqlite3.Connection, scope: int) -> int:
    before = db.execute(_FORGET, (scope,)).rowcount
    return db.executemany("INSERT INTO topic VALUES (?, ?, ?, ?)", _topics(db, scope)).rowcount - before


def _topics(db: sqlite3.Connection, scope: int) -> Iterator[tuple[int, str, str, str]]:
    for slug, name in db.execute(_NAMES, (scope,)):
        yield scope, slug, node_id("Topic", slug), name
