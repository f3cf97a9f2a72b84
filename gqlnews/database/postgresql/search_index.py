"""Build and update the full-text index of the PostgreSQL store.

`build` fills the blocks after a load. `update` belongs into the transaction of each published batch: it takes
the articles' postings out and adds the new ones to `search_fresh`. `merge` moves them to the blocks later.
All functions read and write in the connection's search_path.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import asyncpg

from gqlnews.columns import TEXT_COLUMNS, TOKENIZER
from gqlnews.database.postgresql.postings import (
    BLOCK_BITS,
    BLOCK_SIZE,
    COLUMN_BITS,
    COLUMNS,
    COUNT_BITS,
    HASH_BITS,
    TOKEN_BITS,
    WEIGHTS,
    pack_place,
    pack_posting,
    position,
    word_hash,
    word_key,
)
from gqlnews.database.postgresql.search_schema import TABLES

# ruff: noqa: S608 - these statements are built from constants only

BLOCKS_AT_A_TIME = 8
"""Blocks that are built at a time; this bounds the memory."""

FRESH_ARTICLES = 64
"""`merge` waits for as many changed articles."""

MAX_FRESH_SECONDS = 60
"""`merge` does not wait for more when the oldest change is older."""

MERGED_ARTICLES = 16
"""Changed articles that one call of `merge` moves to the blocks, in about a third of a second."""

SEPARATOR = "\n"
"""Separates the words in `search_article` and `search_stale`; chr(10) in SQL."""

_TITLE = 0
_SOURCE = f"SELECT id, published, {TEXT_COLUMNS} FROM search_all_source WHERE "

Posting = tuple[str, int, int, int, list[int]]
"""Word, article, weighted number of instances, number of instances in the title, places."""

Record = tuple[Any, ...]


@dataclass(slots=True)
class TokenizedArticles:
    """Postings of some articles, ordered by word and article. `lengths` are their numbers of tokens."""

    published: dict[int, bool]
    lengths: dict[int, int]
    words: dict[int, list[str]]
    postings: list[Posting]

    def blocks(self) -> Iterator[Record]:
        """Yield rows of `search_block`."""
        published = [posting for posting in self.postings if self.published[posting[1]]]
        for scope, postings in enumerate((published, self.postings)):
            for row in self._rows(postings, BLOCK_BITS):
                yield scope, *row

    def fresh(self) -> Iterator[Record]:
        """Yield rows of `search_fresh`."""
        for word, article, *arrays in self._rows(self.postings, 0):
            yield word, article, self.published[article], *arrays

    def articles(self, changed_at: Any) -> Iterator[Record]:
        """Yield rows of `search_article`."""
        for article, published in self.published.items():
            yield article, self.lengths[article], published, changed_at, SEPARATOR.join(self.words[article])

    def _rows(self, found: Sequence[Posting], shift: int) -> Iterator[Record]:
        for (word, number), some in groupby(found, lambda posting: (posting[0], posting[1] >> shift)):
            postings: list[int] = []
            titles: list[int] = []
            places: list[int] = []
            for _, article, frequency, in_title, own_places in some:
                length = self.lengths[article]
                postings.append(pack_posting(article, frequency, length))
                if in_title:
                    titles.append(pack_posting(article, in_title * WEIGHTS[_TITLE], length))
                places += own_places
            yield word, number, postings, titles or None, places


def tokenize(rows: Sequence[Sequence[Any]]) -> TokenizedArticles:
    """Tokenize rows of `id`, `published` and the texts as SQLite's full-text indexes do."""
    ids = [row[0] for row in rows]
    result = TokenizedArticles(
        {row[0]: bool(row[1]) for row in rows}, dict.fromkeys(ids, 0), {article: [] for article in ids}, []
    )
    numbers = {name.encode(): number for number, name in enumerate(COLUMNS)}
    with closing(sqlite3.connect(":memory:")) as db:
        db.text_factory = bytes
        db.execute(
            f"CREATE VIRTUAL TABLE texts USING fts5 ({TEXT_COLUMNS}, content = '', tokenize = '{TOKENIZER}')"
        )
        db.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab (texts, instance)")
        db.executemany(
            f"INSERT INTO texts (rowid, {TEXT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((row[0], *row[2:]) for row in rows),
        )
        instances = db.execute("SELECT term, doc, col, offset FROM tokens")
        hashes: dict[int, int] = {}  # by position
        for term, of_term in groupby(instances, itemgetter(0)):
            word = word_key(term)
            hashed = word_hash(word)
            for article, of_article in groupby(of_term, itemgetter(1)):
                frequency = in_title = 0
                positions = []
                for _, _, name, offset in of_article:
                    column = numbers[name]
                    frequency += WEIGHTS[column]
                    in_title += column == _TITLE
                    positions.append(position(article, column, offset))
                hashes.update(dict.fromkeys(positions, hashed))
                result.lengths[article] += len(positions)
                result.words[article].append(word)
                result.postings.append((word, article, frequency, in_title, positions))
    for posting in result.postings:
        places = posting[-1]
        places[:] = [pack_place(place, hashes.get(place + 1, 0)) for place in places]
    return result


async def build(connection: asyncpg.Connection) -> None:
    """Build the whole index from the rows of the articles. Call it in a transaction."""
    await connection.execute(f"TRUNCATE {', '.join(TABLES)}")
    statistics = {scope: [0, 0] for scope in (0, 1)}
    last = -1
    while (first := await connection.fetchval("SELECT min(id) FROM article WHERE id > $1", last)) is not None:
        start = first >> BLOCK_BITS << BLOCK_BITS
        last = start + BLOCKS_AT_A_TIME * BLOCK_SIZE - 1
        articles = tokenize(await connection.fetch(_SOURCE + "id BETWEEN $1 AND $2", start, last))
        await _copy(connection, "search_block", articles.blocks())
        await _copy(connection, "search_article", articles.articles(None))
        await _add_words(connection, articles)
        for article, published in articles.published.items():
            for scope in range(0 if published else 1, 2):
                statistics[scope][0] += 1
                statistics[scope][1] += articles.lengths[article]
    await _copy(connection, "search_statistics", ((scope, *counts) for scope, counts in statistics.items()))
    await connection.execute(f"ANALYZE {', '.join(TABLES)}")


async def _copy(connection: asyncpg.Connection, table: str, rows: Iterable[Record]) -> None:
    schema = await connection.fetchval("SELECT current_schema()")
    await connection.copy_records_to_table(table, records=rows, schema_name=schema)


async def _add_words(connection: asyncpg.Connection, articles: TokenizedArticles) -> None:
    words = sorted({posting[0] for posting in articles.postings})
    await connection.execute(_ADD_WORDS, [word_hash(word) for word in words], words)


_ADD_WORDS = """
INSERT INTO search_vocabulary SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING
"""
_NONE = f"B'{'0' * BLOCK_SIZE}'"
_UNMASK = "DELETE FROM search_mask WHERE block = ANY ($1::integer[])"
_MASK = f"""
INSERT INTO search_mask
SELECT (article >> {BLOCK_BITS})::integer,
    ~ bit_or(set_bit({_NONE}, (article & {BLOCK_SIZE - 1})::integer, 1))
FROM search_stale WHERE (article >> {BLOCK_BITS})::integer = ANY ($1::integer[]) GROUP BY 1
"""

_SUBTRACT = """
UPDATE search_statistics AS s SET documents = s.documents - x.documents, tokens = s.tokens - x.tokens
FROM (
    SELECT s.scope, count(*) AS documents, sum(a.length)::bigint AS tokens
    FROM (VALUES (0), (1)) AS s(scope), search_article AS a
    WHERE a.article = ANY ($1::bigint[]) AND (a.published OR s.scope = 1) GROUP BY 1
) AS x WHERE x.scope = s.scope
"""
_ADD = _SUBTRACT.replace("s.documents -", "s.documents +").replace("s.tokens -", "s.tokens +")
_REMOVE = (
    "DELETE FROM search_fresh WHERE article = ANY ($1::bigint[])",
    _SUBTRACT,
    """
    INSERT INTO search_stale SELECT article, now(), words FROM search_article
    WHERE article = ANY ($1::bigint[]) AND changed_at IS NULL
    """,
    "DELETE FROM search_article WHERE article = ANY ($1::bigint[])",
)


async def update(connection: asyncpg.Connection, article_ids: Collection[int]) -> None:
    """Index the present texts of these articles, whether they were added, changed or removed.

    Call it in the transaction that changed them. It is idempotent.
    """
    ids = sorted(set(article_ids))
    for start in range(0, len(ids), BLOCK_SIZE):
        await _update_some(connection, ids[start : start + BLOCK_SIZE])


async def _update_some(connection: asyncpg.Connection, ids: list[int]) -> None:
    for statement in _REMOVE:
        await connection.execute(statement, ids)
    articles = tokenize(await connection.fetch(_SOURCE + "id = ANY ($1::bigint[])", ids))
    await _copy(connection, "search_fresh", articles.fresh())
    now = await connection.fetchval("SELECT now()")
    await _copy(connection, "search_article", articles.articles(now))
    await _add_words(connection, articles)
    await connection.execute(_ADD, ids)
    await _update_masks(connection, ids)


async def _update_masks(connection: asyncpg.Connection, ids: Collection[int]) -> None:
    blocks = sorted({article >> BLOCK_BITS for article in ids})
    await connection.execute(_UNMASK, blocks)
    await connection.execute(_MASK, blocks)


# Merging: rewrite the rows of all words that the articles had or have.

_CHANGED = """
SELECT article, min(changed_at) AS changed_at
FROM (
    SELECT article, changed_at FROM search_article WHERE changed_at IS NOT NULL
    UNION ALL SELECT article, changed_at FROM search_stale
) AS either GROUP BY article
"""
_OLDEST = f"""
SELECT count(*), coalesce(extract(epoch FROM now() - min(changed_at)), 0)::float8 FROM ({_CHANGED}) AS changed
"""
_CHOOSE = f"SELECT article FROM ({_CHANGED}) AS changed ORDER BY changed_at, article LIMIT $1"

_KEYS = f"""
SELECT s.scope, x.word, x.block
FROM (VALUES (0::smallint), (1::smallint)) AS s(scope), (
    SELECT word, (article >> {BLOCK_BITS})::integer AS block
    FROM search_fresh WHERE article = ANY ($1::bigint[])
    UNION
    SELECT w.word, (s.article >> {BLOCK_BITS})::integer
    FROM search_stale AS s, unnest(string_to_array(s.words, chr(10))) AS w(word)
    WHERE s.article = ANY ($1::bigint[])
) AS x
"""
_RANGE = f"BETWEEN k.block::bigint << {BLOCK_BITS} AND (k.block::bigint << {BLOCK_BITS}) + {BLOCK_SIZE - 1}"


def _merged(column: str, article: str) -> str:
    """Select the values of a column in the blocks, without the articles in `$1`, and their fresh values."""
    return (
        f"ARRAY(SELECT h FROM unnest(b.{column}) AS h WHERE {article} <> ALL ($1::bigint[])"
        f" UNION ALL SELECT unnest(f.{column}) FROM search_fresh AS f WHERE f.word = k.word"
        f" AND f.article {_RANGE} AND f.article = ANY ($1::bigint[]) AND (f.published OR k.scope = 1)"
        " ORDER BY 1)"
    )


_OF_POSTING = f"(k.block::bigint << {BLOCK_BITS} | (h >> {2 * COUNT_BITS}))"
_OF_PLACE = f"(k.block::bigint << {BLOCK_BITS} | (h >> {COLUMN_BITS + TOKEN_BITS + HASH_BITS}))"
_MERGE = (
    f"""
INSERT INTO search_block
SELECT k.scope, k.word, k.block, {_merged("postings", _OF_POSTING)},
    nullif({_merged("title_postings", _OF_POSTING)}, '{{}}'),
    {_merged("places", _OF_PLACE)}
FROM ({_KEYS}) AS k
    LEFT JOIN search_block AS b ON b.scope = k.scope AND b.word = k.word AND b.block = k.block
ON CONFLICT (scope, word, block) DO UPDATE SET postings = excluded.postings,
    title_postings = excluded.title_postings, places = excluded.places
""",
    f"DELETE FROM search_block AS b USING ({_KEYS}) AS k"
    " WHERE b.scope = k.scope AND b.word = k.word AND b.block = k.block AND b.postings = '{}'",
    "DELETE FROM search_fresh WHERE article = ANY ($1::bigint[])",
    "DELETE FROM search_stale WHERE article = ANY ($1::bigint[])",
    "UPDATE search_article SET changed_at = NULL WHERE article = ANY ($1::bigint[])",
)


async def merge(connection: asyncpg.Connection) -> int:
    """Move the postings of the oldest changes to the blocks, if they are enough or old.

    Returns the number of articles, at most `MERGED_ARTICLES`; 0 if there is nothing to do.
    """
    async with connection.transaction():
        count, age = await connection.fetchrow(_OLDEST)
        if count == 0 or (count < FRESH_ARTICLES and age < MAX_FRESH_SECONDS):
            return 0
        ids = [article for (article,) in await connection.fetch(_CHOOSE, MERGED_ARTICLES)]
        for statement in _MERGE:
            await connection.execute(statement, ids)
        await _update_masks(connection, ids)
        return len(ids)
