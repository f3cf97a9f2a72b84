"""A store of random articles with few words, so that random queries match, and its copy in PostgreSQL."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import asyncpg

from gqlnews.columns import TEXT_COLUMNS
from gqlnews.database.postgresql.schema import schema_name
from gqlnews.database.postgresql.search_index import build
from gqlnews.database.postgresql.search_schema import create_statements, function_statements
from gqlnews.query.fts_query import to_fts5_query
from tests.postgresql import Cluster
from tests.product import run_ingest

Result = TypeVar("Result")

COLUMNS = tuple(TEXT_COLUMNS.split(", "))
WORDS = (
    *("the", "of", "and", "kite", "kites", "kit", "owl", "Owls", "red", "2020", "20", "5g", "covid-19"),
    *(
        "é",
        "naïve",
        "naive",
        "Łódź",
        "lodz",
        "日本語",
        "日本",
        "中国",
        "über",
        "straße",
        "x",
        "c++",
        "\U0001f600",
    ),
    *("river", "rivers", "riverbank", "fish", "fishing", "fisher", "bread", "flour", "ﬁsh", "İstanbul", "ß"),
)
LONG_WORDS = f"{'日' * 1_000} {'x' * 2_400} {'x' * 2_401} {'y' * 40_000} end"
LONG_WORDS_NUMBER = 7
PUNCTUATION = (" ", " ", " ", " ", ", ", ". ", " - ", "-", "'", " <b> & ", '"')


def random_text(source: random.Random, most: int) -> str:
    """Return a text in which some words are much more frequent than others."""
    count = source.randint(1, most)
    parts = []
    for _ in range(count):
        parts.append(WORDS[min(int(source.expovariate(0.12)), len(WORDS) - 1)])
        parts.append(source.choice(PUNCTUATION))
    return "".join(parts).strip() or "x"


def write_articles(folder: Path, count: int, seed: int = 0) -> None:
    """Write random articles, of which a quarter are not published."""
    source = random.Random(seed)  # noqa: S311 - tests
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        fields: dict[str, object] = {
            "category": "news",
            "title": random_text(source, 8),
            "excerpt": random_text(source, 20),
            "publishedDateTime": f"2020-01-{number % 28 + 1:02}",
            "originalUrl": f"https://example.com/{number}",
            "webUrl": f"https://example.com/{number}",
            "type": "article",
            "published": source.random() < 0.75,
            "provider": {"name": random_text(source, 2), "domain": "example.com"},
            "topics": [random_text(source, 2) for _ in range(source.randint(0, 3))],
        }
        lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
        body = random_text(source, 60) if source.random() < 0.8 else ""
        body += f"\n\n{LONG_WORDS}" if number == LONG_WORDS_NUMBER else ""
        (folder / f"{number:04}.md").write_text("\n".join(["---", *lines, "---", body]))


def random_term(source: random.Random) -> str:
    kind = source.random()
    if kind < 0.25:
        term = '"' + random_text(source, 3).replace('"', " ") + '"'
    else:
        term = WORDS[min(int(source.expovariate(0.08)), len(WORDS) - 1)]
        if kind < 0.5:
            term = term[: source.randint(1, 4)] + "*"
    return f"{source.choice(COLUMNS)}:{term}" if source.random() < 0.25 else term


def random_expression(source: random.Random) -> str:
    """Return a MATCH expression, also with prefixes of phrases."""
    terms = []
    for _ in range(source.choice((1, 1, 2, 2, 3, 5))):
        terms.append(("-" if source.random() < 0.15 else "") + random_term(source))
        if source.random() < 0.3:
            terms.append("OR")
    expression = to_fts5_query(" ".join(terms), COLUMNS)
    return f"{expression} *" if expression.endswith('"') and source.random() < 0.2 else expression


def create_store(cluster: Cluster, folder: Path, count: int, seed: int = 0) -> tuple[Path, str]:
    """Return the file of a SQLite store of random articles, and the URL of the copy with the index."""
    write_articles(folder / "content", count, seed)
    database = folder / "store.db"
    run_ingest(folder / "content", database)
    url = cluster.copy_of(database)
    run(url, create_index)
    return database, url


async def create_index(connection: asyncpg.Connection) -> None:
    if await connection.fetchval("SELECT to_regclass('search_block')") is not None:
        return  # the copy has it
    async with connection.transaction():
        for statement in (*create_statements(), *function_statements()):
            await connection.execute(statement)
        await build(connection)


def run(url: str, function: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
    """Call a function with a connection."""

    async def call() -> Result:
        connection = await asyncpg.connect(url, server_settings={"search_path": schema_name()})
        try:
            return await function(connection)
        finally:
            await connection.close()

    return asyncio.run(call())


def read_all(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()
