"""The requests of the benchmark: four queries, each with a list of variables.

Variables are drawn from the store with a fixed seed, so that every run over the same articles sends the
same requests.
"""

import random
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.throughput.client import Client

DOCUMENTS = Path(__file__).parent / "queries"
NAMES = ("article", "front", "nested", "topic")
SEED = 4
ARTICLES = 500
RELATED = (3, 18)  # minimum and maximum number of related entries; the mean response has 6.9 KB
PAGES = 100
TOPICS = 12
QUALITIES = (10, 30, 50, 70, 90)

PAGE_QUERY = "query Page($after: String) { articles(first: 20, after: $after) { pageInfo { endCursor } } }"

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BenchmarkQuery:
    """A document and the variables of its requests, for gqlnews and, in the same order, for other servers.

    The two lists differ only in cursors, which are specific to the server that created them.
    """

    name: str
    document: str
    gqlnews_variables: Sequence[Variables]
    other_variables: Sequence[Variables]

    def bodies(self, *, for_gqlnews: bool) -> list[bytes]:
        """Return request bodies, each of which is a single line."""
        return [
            orjson.dumps({"query": self.document, "variables": variables})
            for variables in (self.gqlnews_variables if for_gqlnews else self.other_variables)
        ]


def draw(database: Path, client: Client, names: Sequence[str] = NAMES) -> list[BenchmarkQuery]:
    """Build the queries with these names. `client` fetches cursors from a gqlnews server over `database`."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return [_build_query(name, *_variables(name, db, client)) for name in names]
    finally:
        db.close()


def _build_query(name: str, ours: list[Variables], theirs: list[Variables]) -> BenchmarkQuery:
    """Build a query; both lists are shuffled in the same order."""
    pairs = list(zip(ours, theirs, strict=True))
    random.Random(SEED).shuffle(pairs)  # noqa: S311 - the order must be the same in every run
    document = (DOCUMENTS / f"{name}.graphql").read_text(encoding="utf-8")
    return BenchmarkQuery(name, document, [ours for ours, _ in pairs], [theirs for _, theirs in pairs])


def _variables(name: str, db: sqlite3.Connection, client: Client) -> tuple[list[Variables], list[Variables]]:
    if name == "front":
        return _pages(db, client)
    same = _topics(db) if name == "topic" else _slugs(db)
    return same, same


def _slugs(db: sqlite3.Connection) -> list[Variables]:
    found = db.execute(
        "SELECT slug FROM article WHERE related_count BETWEEN ? AND ? ORDER BY slug", RELATED
    ).fetchall()
    drawn = random.Random(SEED).sample(found, min(ARTICLES, len(found)))  # noqa: S311 - the same in every run
    return [{"slug": slug} for (slug,) in drawn]


def _topics(db: sqlite3.Connection) -> list[Variables]:
    busiest = db.execute(
        "SELECT topic FROM article_topic GROUP BY topic ORDER BY count(*) DESC, topic LIMIT ?", (TOPICS,)
    )
    return [{"topic": topic, "quality": quality} for (topic,) in busiest for quality in QUALITIES]


def _pages(db: sqlite3.Connection, client: Client) -> tuple[list[Variables], list[Variables]]:
    """Return the variables of consecutive pages; each begins after the last article of the one before."""
    rows = db.execute(
        "SELECT published_at, slug FROM article ORDER BY published_at DESC, slug LIMIT ?", (PAGES * 20 - 1,)
    ).fetchall()
    theirs: list[Variables] = [{"after": None}]
    theirs += [{"after": _cursor(*row)} for row in rows[19::20]]
    ours: list[Variables] = [{"after": None}]
    while len(ours) < len(theirs):
        response = orjson.loads(client.post(orjson.dumps({"query": PAGE_QUERY, "variables": ours[-1]})).body)
        ours.append({"after": response["data"]["articles"]["pageInfo"]["endCursor"]})
    return ours, theirs


def _cursor(published_at: str, slug: str) -> str:
    """Return the cursor that the other servers use: the encoded sort keys."""
    return urlsafe_b64encode(f"{published_at} {slug}".encode()).decode()
