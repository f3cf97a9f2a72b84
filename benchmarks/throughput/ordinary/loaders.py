"""DataLoaders, created for each request: each level of a query becomes one statement per link."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass

from strawberry.dataloader import DataLoader

from benchmarks.throughput.ordinary.database import Database

First = tuple[int, int | None]
"""(article id, number of entries or None for all)."""


@dataclass(frozen=True, slots=True)
class Loaders:
    """The context of a request."""

    database: Database
    articles: DataLoader[int, sqlite3.Row | None]
    providers: DataLoader[str, sqlite3.Row | None]
    related: DataLoader[First, list[sqlite3.Row]]

    @classmethod
    def of(cls, database: Database) -> "Loaders":
        async def articles(keys: list[int]) -> list[sqlite3.Row | None]:
            rows = {row["id"]: row for row in await database.articles(keys)}
            return [rows.get(key) for key in keys]

        async def providers(domains: list[str]) -> list[sqlite3.Row | None]:
            rows = {row["domain"]: row for row in await database.providers(domains)}
            return [rows.get(domain) for domain in domains]

        async def related(keys: list[First]) -> list[list[sqlite3.Row]]:
            wanted: defaultdict[int | None, list[int]] = defaultdict(list)
            for key, first in keys:
                wanted[first].append(key)
            found: defaultdict[First, list[sqlite3.Row]] = defaultdict(list)
            for first, articles in wanted.items():
                for row in await database.related(articles, first):
                    found[row["article_id"], first].append(row)
            return [found[key] for key in keys]

        return cls(database, DataLoader(articles), DataLoader(providers), DataLoader(related))
