"""Derive providers, topics, usage counts and stories from the articles."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import NamedTuple

import msgspec

from gqlnews.database.sqlite.writer import execute_all
from gqlnews.ingest.change_log import ScopeDelta
from gqlnews.ingest.rows import Row
from gqlnews.text_keys import node_id

# ruff: noqa: S608 - these statements are built from constants only

DeriveRows = Callable[[sqlite3.Connection, int], Iterator[Row]]
"""Function that yields the rows of a scope."""

# Providers of each scope: scope 0 covers published articles only, scope 1 all.
#
# A provider exists if an article of the scope has it as its own provider or in a related entry. Its names are
# ordered:
#
# 1. first the names from articles' own `provider`: by number of articles, then by the newest of these
#    articles (of articles with equal dates, the first by slug);
# 2. then the names that only related entries have: by number of articles with such an entry, then by the date
#    of the newest of these articles, then by code point.


_DELETE_PROVIDERS = "DELETE FROM provider WHERE scope = ? AND domain IN (SELECT domain FROM affected_domain)"

# The newest article is looked up only to decide a tie.
_PROVIDER_NAMES = """
SELECT domain, name,
    CASE WHEN ties = 1 THEN NULL WHEN own THEN (
        SELECT published_at FROM article
        WHERE provider_domain = domain AND provider_name = name AND (published OR ?1)
        ORDER BY published_at DESC, slug LIMIT 1
    ) ELSE (
        SELECT max(article.published_at) FROM related CROSS JOIN article ON id = article_id
        WHERE related.provider_domain = domain AND related.provider_name = name AND (published OR ?1)
    ) END AS newest,
    CASE WHEN ties > 1 AND own THEN (
        SELECT slug FROM article
        WHERE provider_domain = domain AND provider_name = name AND (published OR ?1)
        ORDER BY published_at DESC, slug LIMIT 1
    ) END AS newest_slug
FROM (
    SELECT domain, name, own, articles, count(*) OVER (PARTITION BY domain, own, articles) AS ties
    FROM (
        SELECT domain, name, max(own) AS own,
            coalesce(sum(articles) FILTER (WHERE own), sum(articles)) AS articles
        FROM provider_use
        WHERE domain IN (SELECT domain FROM affected_domain) AND (published OR ?1)
        GROUP BY domain, name
    )
)
ORDER BY domain, own DESC, articles DESC, newest DESC, newest_slug, name
"""

# The images are those of the newest article whose own provider has any.
_INSERT_PROVIDER = """
INSERT INTO provider VALUES (?1, ?2, ?3, ?4, ?5, coalesce((
    SELECT provider_images FROM article INDEXED BY article_provider_images
    WHERE provider_domain = ?2 AND (published OR ?1) AND provider_images IS NOT NULL
    ORDER BY published_at DESC, slug LIMIT 1), '[]'), folded(?2), folded(?4), coalesce((
    SELECT sum(articles) FROM provider_use WHERE domain = ?2 AND own = 1 AND (published OR ?1)), 0))
"""


def derive_providers(db: sqlite3.Connection) -> ScopeDelta:
    """Derive the providers of `affected_domain`; return by how many their number changed."""
    return _replace_rows(db, _DELETE_PROVIDERS, _INSERT_PROVIDER, _providers)


def _replace_rows(db: sqlite3.Connection, delete: str, insert: str, derive: DeriveRows) -> ScopeDelta:
    """Replace the rows of each scope; return by how many their number changed."""
    deleted = [db.execute(delete, (scope,)).rowcount for scope in (0, 1)]
    inserted = [db.executemany(insert, derive(db, scope)).rowcount for scope in (0, 1)]
    return inserted[0] - deleted[0], inserted[1] - deleted[1]


def _providers(db: sqlite3.Connection, scope: int) -> Iterator[Row]:
    for domain, uses in groupby(db.execute(_PROVIDER_NAMES, (scope,)), key=itemgetter(0)):
        names = [name for _, name, *_ in uses]
        yield scope, domain, node_id("Provider", domain), names[0], msgspec.json.encode(names).decode()


# Topics of each scope: scope 0 covers published articles only, scope 1 all.


_DELETE_TOPICS = "DELETE FROM topic WHERE scope = ? AND slug IN (SELECT slug FROM affected_topic)"

# The name that most articles use; of equally frequent names, the first by code point.
_TOPIC_NAMES = """
SELECT topic, name FROM (
    SELECT topic, name, row_number() OVER (PARTITION BY topic ORDER BY sum(articles) DESC, name) AS nth
    FROM topic_use
    WHERE topic IN (SELECT slug FROM affected_topic) AND (published OR ?)
    GROUP BY topic, name
) WHERE nth = 1
"""


_INSERT_TOPIC = """
INSERT INTO topic VALUES (?1, ?2, ?3, ?4, coalesce((
    SELECT sum(articles) FROM topic_use WHERE topic = ?2 AND (published OR ?1)), 0))
"""


def derive_topics(db: sqlite3.Connection) -> ScopeDelta:
    """Derive the topics of `affected_topic`; return by how many their number changed."""
    return _replace_rows(db, _DELETE_TOPICS, _INSERT_TOPIC, _topics)


def _topics(db: sqlite3.Connection, scope: int) -> Iterator[Row]:
    for slug, name in db.execute(_TOPIC_NAMES, (scope,)):
        yield scope, slug, node_id("Topic", slug), name


# Usage counts: number of articles per name of a topic or provider, updated incrementally.
#
# As with the full-text indexes, the articles of `batch` are subtracted before their rows change, and added
# afterwards.


def _usage_sql(sign: str) -> tuple[str, ...]:
    return (
        f"""
        INSERT INTO topic_use
        SELECT topic, name, published, {sign}count(*) FROM article_topic
        WHERE article_id IN batch GROUP BY topic, name, published
        ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
        """,
        f"""
        INSERT INTO provider_use
        SELECT provider_domain, provider_name, 1, published, {sign}count(*) FROM article
        WHERE id IN batch AND provider_domain IS NOT NULL
        GROUP BY provider_domain, provider_name, published
        ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
        """,
        # An article with several related entries of the same name counts once.
        f"""
        INSERT INTO provider_use
        SELECT related.provider_domain, related.provider_name, 0, published, {sign}count(DISTINCT id)
        FROM batch CROSS JOIN article USING (id) CROSS JOIN related ON article_id = id
        WHERE related.provider_domain IS NOT NULL
        GROUP BY related.provider_domain, related.provider_name, published
        ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
        """,
    )


DECREMENT_USAGE = _usage_sql("-")  # by the articles of `batch`, before their rows change
INCREMENT_USAGE = _usage_sql("")  # by the articles of `batch`, with their current rows
DELETE_UNUSED = (
    "DELETE FROM topic_use WHERE topic IN (SELECT slug FROM affected_topic) AND articles = 0",
    "DELETE FROM provider_use WHERE domain IN (SELECT domain FROM affected_domain) AND articles = 0",
)


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
