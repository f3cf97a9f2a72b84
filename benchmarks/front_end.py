"""Latency of a front end's queries (`benchmarks/queries/`) on a sampled folder or an existing database.

Queries run in-process through the whole engine, from the request text to the response bytes.
"""

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.folders import write_sample_folder
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.database_handle import SqliteDatabase
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.ingest.pipeline import ingest
from gqlnews.query.entities import Audience

NONE = "none"  # value of a variable if the folder has nothing to ask for
ARTICLES_PER_MATCH = 20  # the searched word occurs in about one of this many articles
QUERIES = Path(__file__).parent / "queries"


def query_names() -> list[str]:
    return sorted(file.stem for file in QUERIES.glob("*.graphql"))


def query_text(name: str) -> str:
    return (QUERIES / f"{name}.graphql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds of each run, and the size of the response in bytes."""

    name: str
    runs: list[float]
    bytes: int

    def percentile(self, part: float) -> float:
        return sorted(self.runs)[min(len(self.runs) - 1, int(len(self.runs) * part))]


def variables_for(database: Path, audience: Audience) -> dict[str, dict[str, Any]]:
    """Choose variables for each query: busy topics, the busiest provider, the largest story, and so on."""
    db = sqlite3.connect(database)

    def one(sql: str) -> Any:
        row = db.execute(sql).fetchone()
        return NONE if row is None else row[0]

    def largest(table: str, key: str) -> str:
        sql = f"SELECT max(article_count), {key} FROM {table} WHERE scope = 0"  # noqa: S608 - our own names
        return db.execute(sql).fetchone()[1] or NONE

    topics = [
        row[0]
        for row in db.execute("SELECT topic FROM article_topic GROUP BY topic ORDER BY count(*) DESC LIMIT 6")
    ]
    provider = one(
        "SELECT provider_domain FROM article WHERE published GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    )
    newest = one("SELECT published_date_time FROM article WHERE published ORDER BY published_at DESC LIMIT 1")
    most_listed = "SELECT slug FROM article WHERE published ORDER BY related_count DESC, slug LIMIT 1"
    word = db.execute(
        "SELECT word FROM search_word JOIN site ON audience = scope WHERE scope = 0"
        " ORDER BY abs(documents - article_count / ?), word LIMIT 1",
        (ARTICLES_PER_MATCH,),
    ).fetchone()[0]
    of_caller = "SELECT version FROM site WHERE audience = ?"
    epoch, number = db.execute(of_caller, (int(audience),)).fetchone()[0].split("-")
    since = f"{epoch}-{int(number) // 2}"
    found: dict[str, dict[str, Any]] = {
        "topic-page": {"slug": topics[1]},
        "topic-page-best": {"slug": topics[1], "least": 60},
        "provider-page": {"domain": provider},
        "providers-directory": {"part": "an"},
        "author-page": {"slug": largest("author", "slug")},
        "section-page": {"path": largest("section", "path")},
        "next-and-previous": {"slug": one(most_listed)},
        "article-page": {"slug": one(most_listed)},
        "article-by-url": {"url": one("SELECT url FROM article WHERE published ORDER BY slug LIMIT 1")},
        "search": {"query": word},
        "search-as-you-type": {"query": f"{word[:3]}*"},
        "search-narrowed": {"query": word, "domain": provider, "since": "2000-01-01"},
        "archive-month": {"from": f"{newest[:4]}-06-01", "to": f"{newest[:4]}-07-01"},
        "trending": {"asOf": newest},
        "story-page": {
            "id": one("SELECT node_id FROM story WHERE scope = 0 ORDER BY size DESC, slug LIMIT 1")
        },
        "editors-choice": {"topics": topics[:2], "without": topics[2:3]},
        "sync": {"since": since},
        "which-pages-show-an-article": {
            "slugs": [
                row[0]
                for row in db.execute("SELECT slug FROM article WHERE published ORDER BY slug LIMIT 50")
            ]
        },
    }
    db.close()
    return found


async def deep_cursor(engine: Engine) -> str:
    """Return a cursor up to 140 pages into the sitemap."""
    after = None
    for _ in range(140):
        response = await engine.execute(
            GraphQLRequest(query_text("sitemap"), {"after": after}), Audience.PUBLIC
        )
        info = orjson.loads(response.body)["data"]["articles"]["pageInfo"]
        if not info["hasNextPage"]:
            break
        after = info["endCursor"]
    return str(after)


async def measure(database: Path, repeats: int, audience: Audience) -> list[Measurement]:
    store = SqliteDatabase()
    await store.open(database)
    try:
        engine = Engine(store)
        variables = variables_for(database, audience)
        variables["sitemap"] = {"after": await deep_cursor(engine)}
        return [
            await _measure_query(engine, name, variables.get(name, {}), repeats, audience)
            for name in query_names()
        ]
    finally:
        await store.close()


async def _measure_query(
    engine: Engine, name: str, variables: Mapping[str, Any], repeats: int, audience: Audience
) -> Measurement:
    text, runs, response = query_text(name), [], b""
    for _ in range(repeats + 3):
        started = time.perf_counter()
        response = (await engine.execute(GraphQLRequest(text, variables), audience)).body
        runs.append(time.perf_counter() - started)
    if b'"errors"' in response[:20] or b'"errors":' in response[-500:]:
        raise SystemExit(f"{name}: {response[:500]!r}")
    return Measurement(name, runs[3:], len(response))  # without the warm-up runs


def show(title: str, measured: list[Measurement]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in ("query", "p50 ms", "p99 ms", "bytes"):
        table.add_column(heading, justify="left" if heading == "query" else "right")
    for one in measured:
        table.add_row(
            one.name,
            f"{statistics.median(one.runs) * 1e3:.2f}",
            f"{one.percentile(0.99) * 1e3:.2f}",
            f"{one.bytes:,}",
        )
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--db", type=Path, help="existing database to use instead of a new sample")
    parser.add_argument(
        "--everything", action="store_true", help="query as a client of `serve --unpublished`"
    )
    arguments = parser.parse_args()
    audience = Audience.OPEN if arguments.everything else Audience.PUBLIC
    with tempfile.TemporaryDirectory() as scratch:
        database = arguments.db
        if database is None:
            database = Path(scratch) / "store.db"
            db = open_writer(database)
            ingest(db, write_sample_folder(Path(scratch), arguments.articles), ParseOptions())
            db.close()
        measured = asyncio.run(measure(database, arguments.repeats, audience))
        total, published = (
            sqlite3.connect(database).execute("SELECT count(*), sum(published) FROM article").fetchone()
        )
        seen = "all articles" if arguments.everything else "published articles only"
        show(f"{total:,} articles, {published:,} published; queried: {seen}", measured)


if __name__ == "__main__":
    main()
