"""Derive stories: groups of articles that list each other."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import NamedTuple

from gqlnews.database.sqlite.writer import execute_all
from gqlnews.ingest.rows import Row
from gqlnews.text_keys import node_id

# ruff: noqa: S608 - these statements are built from constants only

# Stories of each scope: scope 0 covers published articles only, scope 1 all.
#
# Two articles are linked if each lists the other. A story is a connected component of two or more articles,
# and its key is its least slug, so the order in which files are read does not matter.
#
# After a change, only the components that may be affected are computed again:
#
# 1. An article that was added, changed or removed, or whose related entries have another target, is affected.
# 2. Every article of a story with an affected article is affected too: the link that connected them may be
#    gone.
# 3. Add all articles that links now connect to these. If they include an article of another story, they
#    include all articles of that story, because its links have not changed: otherwise step 2 would have
#    added it.
# 4. Delete the stories of these articles, and insert the components that they form now.
#
# The links in scope 0 are a subset of those in scope 1, so each story of scope 0 is part of one of scope 1.
# Therefore the stories of scope 1 decide what to compute again in both scopes.


_STORIES_PER_BATCH = 1024

_MUTUAL = """
related.article_id <> related.target_id AND EXISTS (
    SELECT 1 FROM related AS back
    WHERE back.target_id = related.article_id AND back.article_id = related.target_id)
"""

# SQLite does not know that few rows are affected: CROSS JOIN sets the join order, INDEXED BY the index.
_AFFECTED = (
    "INSERT OR IGNORE INTO affected_story SELECT slug FROM touched",
    """
    INSERT OR IGNORE INTO affected_story
    SELECT slug FROM story_article INDEXED BY story_article_story WHERE scope = 1 AND story IN (
        SELECT story FROM story_article INDEXED BY story_article_slug
        WHERE scope = 1 AND slug IN (SELECT slug FROM affected_story))
    """,
    f"""
    INSERT INTO story_near
    WITH RECURSIVE reached (id) AS (
        SELECT id FROM article WHERE slug IN (SELECT slug FROM affected_story)
        UNION
        SELECT target_id FROM reached CROSS JOIN related ON article_id = reached.id WHERE {_MUTUAL}
    )
    SELECT id FROM reached
    """,
    """
    INSERT OR IGNORE INTO affected_story
    SELECT slug FROM story_article WHERE scope = 1 AND article_id IN (SELECT id FROM story_near)
    """,
)
# A story's slug is that of one of its articles, and either all of its articles are affected or none.
_DELETE_AFFECTED = (
    "DELETE FROM story WHERE scope IN (0, 1) AND slug IN (SELECT slug FROM affected_story)",
    "DELETE FROM story_article WHERE scope IN (0, 1) AND slug IN (SELECT slug FROM affected_story)",
)
_DELETE_ALL = ("DELETE FROM story", "DELETE FROM story_article")

_INSERT_PAIRS = f"""
INSERT INTO mutual
SELECT article_id, target_id,
    (SELECT published FROM article WHERE id = article_id)
    AND (SELECT published FROM article WHERE id = target_id)
FROM {{}} WHERE article_id < target_id AND {_MUTUAL}
"""
_INSERT_ALL_PAIRS = _INSERT_PAIRS.format("related")
_INSERT_REACHED_PAIRS = _INSERT_PAIRS.format("story_near CROSS JOIN related ON article_id = story_near.id")

_MEMBERS = """
SELECT scope, component, id, slug, title, published_at, published_date_time, heat, quality
FROM story_member JOIN article ON id = article_id
ORDER BY scope, component
"""


class _Member(NamedTuple):
    id: int
    slug: str
    title: str
    published_at: str
    published_date_time: str
    heat: int | None
    quality: int | None


def derive_stories(db: sqlite3.Connection, *, rebuild_all: bool) -> None:
    """Derive the stories of `touched` and `affected_story`, or all stories; links must be up to date."""
    execute_all(db, _DELETE_ALL if rebuild_all else (*_AFFECTED, *_DELETE_AFFECTED))
    db.execute(_INSERT_ALL_PAIRS if rebuild_all else _INSERT_REACHED_PAIRS)
    for scope in (0, 1):
        pairs = db.execute("SELECT article_id, other_id FROM mutual WHERE public OR ?", (scope,))
        members = components(pairs)
        db.executemany(f"INSERT INTO story_member VALUES ({scope}, ?, ?)", members)
    _insert_stories(db, _members(db))


def components(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield (component, member) for each number in `pairs`; one of its members identifies a component."""
    parents: dict[int, int] = {}

    def find_root(number: int) -> int:
        parents.setdefault(number, number)
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    for one, other in pairs:
        parents[find_root(one)] = find_root(other)
    return ((find_root(number), number) for number in parents)


def _members(db: sqlite3.Connection) -> Iterator[tuple[int, list[_Member]]]:
    """Yield (scope, articles sorted by slug) for each story."""
    for (scope, _), rows in groupby(db.execute(_MEMBERS), key=itemgetter(0, 1)):
        yield scope, sorted((_Member(*row[2:]) for row in rows), key=attrgetter("slug"))


def _insert_stories(db: sqlite3.Connection, stories: Iterator[tuple[int, list[_Member]]]) -> None:
    while batch := list(islice(stories, _STORIES_PER_BATCH)):
        db.executemany(
            "INSERT INTO story VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_story_row(scope, members) for scope, members in batch],
        )
        db.executemany(
            "INSERT INTO story_article VALUES (?, ?, ?, ?)",
            [(scope, one.id, members[0].slug, one.slug) for scope, members in batch for one in members],
        )


def _story_row(scope: int, members: list[_Member]) -> Row:
    """Build the story's row; of equal articles, `max` and `min` return the first by slug."""
    slug, lead = members[0].slug, max(members, key=_prominence_key)
    first = min(members, key=attrgetter("published_at"))
    last = max(members, key=attrgetter("published_at"))
    return (
        *(scope, slug, node_id("Story", slug), lead.title, lead.id, lead.slug, len(members)),
        *(first.published_date_time, last.published_date_time, last.published_at),
    )


def _prominence_key(member: _Member) -> tuple[bool, int, bool, int, str]:
    """Return a sort key by heat, then quality, then date; missing values rank lowest."""
    heat, quality = member.heat, member.quality
    return heat is not None, heat or 0, quality is not None, quality or 0, member.published_at
