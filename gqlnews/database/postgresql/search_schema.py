"""Tables and the function of the full-text index in PostgreSQL, with the results of SQLite's FTS5.

1. `search_block` has the postings of each word in a scope (0: published articles, 1: all), in rows of 128
   articles (`article >> 7`). Postings of titles are stored again. The places of all instances serve phrases
   and the other columns. The values are those of postings.py.
2. An edit does not rewrite blocks. It marks the article's postings in them as outdated (`search_mask`), and
   adds the new ones to `search_fresh`. `merge` in search_index.py rewrites blocks later.
3. `search_hits` in search_function.py reads the postings and scores the hits.
"""

from collections.abc import Iterator

from gqlnews.database.postgresql.postings import BLOCK_SIZE
from gqlnews.database.postgresql.search_function import FUNCTION

# ruff: noqa: S608 - these statements are built from constants only

_CLEANED = "translate({}, chr(2) || chr(3), '  ')"
_JOINED = "string_agg({}, ' ' || chr(57344) || ' ' ORDER BY position)"
_TOPICS = f"SELECT {_CLEANED.format(_JOINED.format('name'))} FROM article_topic WHERE article_id = article.id"
_RELATED = f"SELECT {_CLEANED.format(_JOINED.format('title'))} FROM related WHERE article_id = article.id"

_VIEW = f"""
CREATE VIEW search_all_source AS
SELECT id, published, {_CLEANED.format("title")} AS title, {_CLEANED.format("excerpt")} AS excerpt,
    {_CLEANED.format("provider_name")} AS provider, ({_TOPICS}) AS topics,
    {_CLEANED.format("coalesce(prose, body)")} AS body, ({_RELATED}) AS related
FROM article
"""

_TABLES = (
    """
CREATE TABLE search_block (
    scope smallint NOT NULL, word text COLLATE "C" NOT NULL, block integer NOT NULL,
    postings bigint[] NOT NULL, title_postings bigint[], places bigint[] NOT NULL,
    PRIMARY KEY (scope, word, block))
""",
    # Postings of a block that are not outdated; no row: all.
    f"CREATE TABLE search_mask (block integer PRIMARY KEY, live bit({BLOCK_SIZE}) NOT NULL)",
    # Postings that are not in the blocks yet, a row for each word of an article.
    """
CREATE TABLE search_fresh (
    word text COLLATE "C" NOT NULL, article bigint NOT NULL, published boolean NOT NULL,
    postings bigint[] NOT NULL, title_postings bigint[], places bigint[] NOT NULL,
    PRIMARY KEY (word, article))
""",
    "CREATE INDEX search_fresh_article ON search_fresh (article)",
    # Indexed articles. `changed_at` is null if the postings are in the blocks. `words` are lines.
    """
CREATE TABLE search_article (
    article bigint PRIMARY KEY, length bigint NOT NULL, published boolean NOT NULL,
    changed_at timestamptz, words text COLLATE "C" NOT NULL)
""",
    "CREATE INDEX search_article_changed ON search_article (changed_at) WHERE changed_at IS NOT NULL",
    # Articles with outdated postings in the blocks, and the words of these postings.
    """
CREATE TABLE search_stale (
    article bigint PRIMARY KEY, changed_at timestamptz NOT NULL, words text COLLATE "C" NOT NULL)
""",
    """
CREATE TABLE search_statistics (
    scope bigint PRIMARY KEY, documents bigint NOT NULL, tokens bigint NOT NULL)
""",
    "INSERT INTO search_statistics VALUES (0, 0, 0), (1, 0, 0)",
    # Words by hash, to notice when two have the same. Words that no article has any more remain.
    """
CREATE TABLE search_vocabulary (
    hash bigint NOT NULL, word text COLLATE "C" NOT NULL, PRIMARY KEY (hash, word))
""",
)

# The type and the function remain when a store is loaded again: a statement that waits for its tables may
# have found them already.
_CREATE_TYPE = """
DO $$ BEGIN
    IF to_regtype('search_found') IS NULL THEN
        CREATE TYPE search_found AS (ids bigint[], parts bigint[]);
    END IF;
END $$
"""

TABLES = tuple(
    f"search_{name}" for name in ("block", "mask", "fresh", "article", "stale", "statistics", "vocabulary")
)
"""Tables of the index."""


def create_statements() -> Iterator[str]:
    """Yield the statements that create the view and the tables, after the other tables."""
    yield _VIEW
    yield from _TABLES


def function_statements() -> Iterator[str]:
    """Yield the statements that create the function, or replace it by its present definition."""
    yield _CREATE_TYPE
    yield FUNCTION
