"""Topics, for each scope: 0 rests on published articles alone, 1 on all."""

import sqlite3
from collections.abc import Iterator

from gqlnews.store.rows import node_id

_FORGET = "DELETE FROM topic WHERE scope IN (0, 1) AND slug IN (SELECT slug FROM affected_topic)"

# As most files name it, then the first by code point.
_NAMES = """
SELECT topic, name FROM (
    SELECT topic, name, row_number() OVER (PARTITION BY topic ORDER BY sum(articles) DESC, name) AS place
    FROM topic_use
    WHERE topic IN (SELECT slug FROM affected_topic) AND (published OR ?)
    GROUP BY topic, name
) WHERE place = 1
"""


def derive_topics(db: sqlite3.Connection) -> None:
    """The topics of `affected_topic`."""
    db.execute(_FORGET)
    for scope in (0, 1):
        db.executemany("INSERT INTO topic VALUES (?, ?, ?, ?)", _topics(db, scope))


def _topics(db: sqlite3.Connection, scope: int) -> Iterator[tuple[int, str, str, str]]:
    for slug, name in db.execute(_NAMES, (scope,)):
        yield scope, slug, node_id("Topic", slug), name
