"""After edits, the full-text index in PostgreSQL equals a new one."""

import random
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from gqlnews.database.postgresql import search_index
from gqlnews.database.postgresql.search_index import build, merge, update
from gqlnews.database.postgresql.search_query import encode
from tests.database.postgresql.searchable import create_store, random_expression, random_text, run
from tests.postgresql import Cluster

ROUNDS = 9
EXPRESSIONS = 25

# What the index says about each article, wherever it is stored.
_CONTENT = """
SELECT x.scope, x.word, x.block, array_agg(h ORDER BY h)
FROM (
    SELECT b.scope, b.word, b.block, b.{0} AS hits, m.live
    FROM search_block AS b LEFT JOIN search_mask AS m USING (block)
    UNION ALL
    SELECT s.scope, f.word, (f.article >> 7)::integer, f.{0}, NULL
    FROM search_fresh AS f, (VALUES (0), (1)) AS s(scope) WHERE f.published OR s.scope = 1
) AS x, unnest(x.hits) AS h
WHERE x.live IS NULL OR get_bit(x.live, (h >> {1} & 127)::integer) = 1
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
CONTENTS = (
    *(_CONTENT.format(*array) for array in (("postings", 48), ("title_postings", 48), ("places", 56))),
    "SELECT article, length, published, words FROM search_article ORDER BY 1",
    "SELECT * FROM search_statistics ORDER BY 1",
)


@pytest.fixture(scope="module")
def url(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    return create_store(postgresql, tmp_path_factory.mktemp("edits"), 260, seed=1)[1]


async def read(connection: asyncpg.Connection, expressions: Sequence[str]) -> list[Any]:
    """Return the content of the index, and the hits of some expressions."""
    content: list[Any] = [await connection.fetch(query) for query in CONTENTS]
    for expression in expressions:
        for scope in (0, 1):
            rows = await connection.fetch("SELECT * FROM search_hits($1, $2)", scope, encode(expression))
            content.append(sorted(map(tuple, rows)))
    return content


async def edit(connection: asyncpg.Connection, source: random.Random) -> list[int]:
    """Change, publish, remove and add random articles; return their ids."""
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM article ORDER BY id")]
    changed = source.sample(ids, source.randint(1, 4))
    for article in changed:
        title, excerpt = random_text(source, 8), random_text(source, 20)
        match source.randrange(5):
            case 0:
                await connection.execute("DELETE FROM article WHERE id = $1", article)
                await connection.execute("DELETE FROM article_topic WHERE article_id = $1", article)
            case 1:
                await connection.execute(
                    "UPDATE article SET published = 1 - published WHERE id = $1", article
                )
            case 2:
                added = await copy_article(connection, article, source)
                await connection.execute("UPDATE article SET title = $2 WHERE id = $1", added, title)
                changed = [*changed, added]
            case _:
                await connection.execute(
                    "UPDATE article SET title = $2, excerpt = $3 WHERE id = $1", article, title, excerpt
                )
    return changed


async def copy_article(connection: asyncpg.Connection, article: int, source: random.Random) -> int:
    """Insert a copy of an article with another id, which an article that was removed may have had."""
    taken = {row["id"] for row in await connection.fetch("SELECT id FROM article")}
    free = next(number for number in iter(lambda: source.randint(1, 400), 0) if number not in taken)
    row = dict(await connection.fetchrow("SELECT * FROM article WHERE id = $1", article))
    names = {name: row[name] for name in row if name not in ("id", "slug", "node_id")}
    values = ", ".join(names)
    await connection.execute(
        f"INSERT INTO article (id, slug, node_id, {values})"  # noqa: S608 - names of columns
        f" SELECT $2, $3, $3, {values} FROM article WHERE id = $1",
        article,
        free,
        f"copy-{free}-{source.random()}",
    )
    return free


def test_edits_and_merges_equal_a_new_index(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "FRESH_ARTICLES", 6)
    monkeypatch.setattr(search_index, "MERGED_ARTICLES", 6)
    source = random.Random(5)  # noqa: S311 - tests
    expressions = [random_expression(source) for _ in range(EXPRESSIONS)]

    async def play(connection: asyncpg.Connection) -> int:
        merged = 0
        for step in range(ROUNDS):
            async with connection.transaction():
                await update(connection, await edit(connection, source))
            if step % 3 == 2:
                merged += await merge(connection)
            indexed = await read(connection, expressions)
            await check_new_index(connection, expressions, indexed)
        return merged

    assert run(url, play) > 6


async def check_new_index(
    connection: asyncpg.Connection, expressions: Sequence[str], indexed: list[Any]
) -> None:
    """Compare with an index that is built in a transaction that is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await build(connection)
        assert await connection.fetchval("SELECT count(*) FROM search_fresh") == 0
        assert indexed == await read(connection, expressions)
    finally:
        await transaction.rollback()


def test_an_update_can_be_repeated(url: str) -> None:
    async def play(connection: asyncpg.Connection) -> None:
        (article,) = await connection.fetchrow("SELECT min(id) FROM article")
        await update(connection, [article])
        once = await read(connection, ())
        await update(connection, [article, article])
        await update(connection, [10**6, article])
        assert await read(connection, ()) == once

    run(url, play)


def test_fresh_postings_are_merged_when_they_are_enough_or_old(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(connection: asyncpg.Connection) -> None:
        monkeypatch.setattr(search_index, "MAX_FRESH_SECONDS", 0)
        while await merge(connection):
            pass
        monkeypatch.undo()
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM article ORDER BY id LIMIT 70")]
        await update(connection, ids[:63])
        assert await merge(connection) == 0
        await update(connection, ids)
        assert await merge(connection) == 16
        assert await merge(connection) == 0
        monkeypatch.setattr(search_index, "MAX_FRESH_SECONDS", 0)
        assert [await merge(connection) for _ in range(5)] == [16, 16, 16, 6, 0]
        for table in ("search_fresh", "search_stale", "search_mask"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - constants

    run(url, play)
