"""Derive providers, topics, authors, sections and usage counts from the articles."""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter

import msgspec

from gqlnews.ingest.change_log import ScopeDelta
from gqlnews.ingest.rows import Row
from gqlnews.text_keys import node_id, section_of, section_title

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
    SELECT sum(articles) FROM provider_use WHERE domain = ?2 AND own = 1 AND (published OR ?1)), 0),
    (SELECT url FROM site_url WHERE site_url.domain = ?2))
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


# Authors and sections of each scope, as topics.

# Names are ordered like those of topics, but one that is more than a byline wins: that of the newest article.
_AUTHOR_NAMES = """
SELECT author, coalesce((
    SELECT described.name FROM article_author AS described INDEXED BY article_author_described
    WHERE described.author = nth.author AND is_described = 1 AND (described.published OR ?1)
    ORDER BY published_at DESC, slug LIMIT 1), name)
FROM (
    SELECT author, name, row_number() OVER (PARTITION BY author ORDER BY sum(articles) DESC, name) AS number
    FROM author_use
    WHERE author IN (SELECT slug FROM affected_author) AND (published OR ?1)
    GROUP BY author, name
) AS nth WHERE number = 1
"""


def _newest(column: str, condition: str) -> str:
    """Select a column of the newest article of the scope that has a value; the index contains only these."""
    return f"""
    SELECT {column} FROM article_author INDEXED BY article_author_{column}
    WHERE author = ?2 AND (published OR ?1) AND {condition}
    ORDER BY published_at DESC, slug LIMIT 1
    """


INSERT_AUTHOR = f"""
INSERT INTO author (scope, slug, node_id, name, name_folded, url, image, bio, article_count)
VALUES (?1, ?2, ?3, ?4, folded(?4),
    ({_newest("url", "url IS NOT NULL")}),
    coalesce(({_newest("image", "image <> '[]'")}), '[]'),
    ({_newest("bio", "bio IS NOT NULL")}),
    (SELECT sum(articles) FROM author_use WHERE author = ?2 AND (published OR ?1)))
"""
_DELETE_AUTHORS = "DELETE FROM author WHERE scope = ? AND slug IN (SELECT slug FROM affected_author)"

_SECTION_COUNTS = """
SELECT section, sum(articles) FROM section_use
WHERE section IN (SELECT path FROM affected_section) AND (published OR ?)
GROUP BY section
"""
_INSERT_SECTION = """
INSERT INTO section (scope, path, node_id, title, parent, article_count) VALUES (?, ?, ?, ?, ?, ?)
"""
_DELETE_SECTIONS = "DELETE FROM section WHERE scope = ? AND path IN (SELECT path FROM affected_section)"


def derive_authors(db: sqlite3.Connection) -> None:
    """Derive the authors of `affected_author`."""
    _replace_rows(db, _DELETE_AUTHORS, INSERT_AUTHOR, _authors)


def derive_sections(db: sqlite3.Connection) -> None:
    """Derive the sections of `affected_section`."""
    _replace_rows(db, _DELETE_SECTIONS, _INSERT_SECTION, _sections)


def _authors(db: sqlite3.Connection, scope: int) -> Iterator[Row]:
    for slug, name in db.execute(_AUTHOR_NAMES, (scope,)):
        yield scope, slug, node_id("Author", slug), name


def _sections(db: sqlite3.Connection, scope: int) -> Iterator[Row]:
    for path, articles in db.execute(_SECTION_COUNTS, (scope,)):
        yield scope, path, node_id("Section", path), section_title(path), section_of(path), articles


# Usage counts: number of articles per section, and per name of a topic, author or provider, updated
# incrementally.
#
# As with the full-text indexes, the articles of `batch` are subtracted before their rows change, and added
# afterwards.

_USAGE_COLUMNS = (("topic", "topic, name"), ("author", "author, name"), ("section", "section"))


def _usage_sql(sign: str) -> tuple[str, ...]:
    return (
        *(
            f"""
            INSERT INTO {group}_use
            SELECT {columns}, published, {sign}count(*) FROM article_{group}
            WHERE article_id IN batch GROUP BY {columns}, published
            ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
            """
            for group, columns in _USAGE_COLUMNS
        ),
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
    "DELETE FROM author_use WHERE author IN (SELECT slug FROM affected_author) AND articles = 0",
    "DELETE FROM section_use WHERE section IN (SELECT path FROM affected_section) AND articles = 0",
    "DELETE FROM provider_use WHERE domain IN (SELECT domain FROM affected_domain) AND articles = 0",
)
