"""Database access with aiosqlite."""

# ruff: noqa: S608 - constants and question marks

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import aiosqlite

MMAP_BYTES = 1 << 30
EVERYTHING = 1  # the scope of provider rows that include unpublished articles

ARTICLE = """
    article.id, article.slug, title, excerpt, url, published_date_time, type, category,
    article.quality, article.heat, article.published, word_count, related_count, provider_domain, images"""
RELATED = """
    article_id, title, excerpt, url, published_date_time, type, quality, provider_domain, images, target_id"""


class Database:
    """One read-only connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> Self:
        connection = await aiosqlite.connect(f"file:{path}?mode=ro", uri=True, cached_statements=1024)
        connection.row_factory = sqlite3.Row
        await connection.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
        return cls(connection)

    async def close(self) -> None:
        await self._connection.close()

    async def rows(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        return list(await self._connection.execute_fetchall(sql, values))

    async def article(self, slug: str) -> sqlite3.Row | None:
        found = await self.rows(f"SELECT {ARTICLE} FROM article WHERE slug = ?", (slug,))
        return found[0] if found else None

    async def articles(self, keys: Sequence[int]) -> list[sqlite3.Row]:
        return await self.rows(f"SELECT {ARTICLE} FROM article WHERE id IN ({_marks(keys)})", keys)

    async def providers(self, domains: Sequence[str]) -> list[sqlite3.Row]:
        sql = f"SELECT domain, name FROM provider WHERE scope = ? AND domain IN ({_marks(domains)})"
        return await self.rows(sql, (EVERYTHING, *domains))

    async def related(self, keys: Sequence[int], first: int | None) -> list[sqlite3.Row]:
        """Return the first entries of each article in order, or all of them if `first` is None."""
        if first is None:
            sql = f"""SELECT {RELATED} FROM related
                WHERE article_id IN ({_marks(keys)}) ORDER BY article_id, position"""
            return await self.rows(sql, keys)
        sql = f"""SELECT {RELATED} FROM (
                SELECT *, row_number() OVER (PARTITION BY article_id ORDER BY position) AS number
                FROM related WHERE article_id IN ({_marks(keys)})
            ) WHERE number <= ? ORDER BY article_id, number"""
        return await self.rows(sql, (*keys, first))


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)
