"""Derive the stories of each scope: scope 0 covers published articles only, scope 1 all.

Two articles are linked if each lists the other. A story is a connected component of two or more articles, and
its key is its least slug, so the order in which files are read does not matter.

After a change, only the components that may be affected are computed again:

1. An article that was added, changed or removed, or whose related entries have another target, is affected.
2. So is every article of a story that contained an affected one: the link that connected them may be gone.
3. Add all articles that links now reach from these. If this reaches another story, it reaches all of it,
   because none of its own links changed: otherwise it would be affected already.
4. Delete the stories of these articles, and insert the components that they form now.

Scope 0 has a subset of scope 1's links, so each of its stories lies within one of scope 1. Therefore scope 1
decides what to compute again in both.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import NamedTuple

from gqlnews.ingest.rows import Row, node_id

_AT_ONCE = 1024

# ruff: noqa: S608 - the parts of these statements are this program's

_MUTUAL = """
related.article_id <> related.target_id AND EXISTS (
    SELECT 1 FROM related AS back
    WHERE back.target_id = related.article_id AND back.article_id = related.target_id)
"""

# SQLite does not know how few rows are affected: CROSS JOIN fixes the join order, INDEXED BY the index.
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
# A story's slug is that of one of its articles, and either all of them are affected or none.
_FORGET_AFFECTED = (
    "DELETE FROM story WHERE scope IN (0, 1) AND slug IN (SELECT slug FROM affected_story)",
    "DELETE FROM story_article WHERE scope IN (0, 1) AND slug IN (SELECT slug FROM affected_story)",
)
_FORGET_ALL = ("DELETE FROM story", "DELETE FROM story_article")

_PAIR = f"""
INSERT INTO mutual
SELECT article_id, target_id,
    (SELECT published FROM article WHERE id = article_id)
    AND (SELECT published FROM article WHERE id = target_id)
FROM {{}} WHERE article_id < target_id AND {_MUTUAL}
"""
_PAIR_ALL = _PAIR.format("related")
_PAIR_NEAR = _PAIR.format("story_near CROSS JOIN related ON article_id = story_near.id")

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


def derive_stories(db: sqlite3.Connection, *, everything: bool) -> None:
    """Derive the stories of `touched` and `affected_story`, or all; links must be up to date."""
    for statement in _FORGET_ALL if everything else (*_AFFECTED, *_FORGET_AFFECTED):
        db.execute(statement)
    db.execute(_PAIR_ALL if everything else _PAIR_NEAR)
    for scope in (0, 1):
        pairs = db.execute("SELECT article_id, other_id FROM mutual WHERE public OR ?", (scope,))
        members = components(pairs)
        db.executemany(f"INSERT INTO story_member VALUES ({scope}, ?, ?)", members)
    _insert(db, _members(db))


def components(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield (component, member) for each number in `pairs`; one of the members identifies a component."""
    above: dict[int, int] = {}

    def top(number: int) -> int:
        above.setdefault(number, number)
        while above[number] != number:
            above[number] = number = above[above[number]]
        return number

    for one, other in pairs:
        above[top(one)] = top(other)
    return ((top(number), number) for number in above)


def _members(db: sqlite3.Connection) -> Iterator[tuple[int, list[_Member]]]:
    """Yield (scope, articles by slug) for each story."""
    for (scope, _), rows in groupby(db.execute(_MEMBERS), key=itemgetter(0, 1)):
        yield scope, sorted((_Member(*row[2:]) for row in rows), key=attrgetter("slug"))


def _insert(db: sqlite3.Connection, stories: Iterator[tuple[int, list[_Member]]]) -> None:
    while some := list(islice(stories, _AT_ONCE)):
        db.executemany(
            "INSERT INTO story VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_story_row(scope, members) for scope, members in some],
        )
        db.executemany(
            "INSERT INTO story_article VALUES (?, ?, ?, ?)",
            [
                (scope, member.id, members[0].slug, member.slug)
                for scope, members in some
                for member in members
            ],
        )


def _story_row(scope: int, members: list[_Member]) -> Row:
    """Build the story's row; on ties, `max` and `min` take the first article by slug."""
    slug, lead = members[0].slug, max(members, key=_prominence)
    first = min(members, key=attrgetter("published_at"))
    last = max(members, key=attrgetter("published_at"))
    return (
        scope,
        slug,
        node_id("Story", slug),
        lead.title,
        lead.id,
        lead.slug,
        len(members),
        first.published_date_time,
        last.published_date_time,
        last.published_at,
    )


def _prominence(member: _Member) -> tuple[bool, int, bool, int, str]:
    """Sort key: highest heat, then highest quality, then newest; missing values rank lowest."""
    heat, quality = member.heat, member.quality
    return heat is not None, heat or 0, quality is not None, quality or 0, member.published_at
