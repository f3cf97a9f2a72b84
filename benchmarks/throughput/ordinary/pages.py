"""A page of articles, newest first: translates filter and cursor to SQL."""

import sqlite3
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence

import strawberry

from benchmarks.throughput.ordinary.database import ARTICLE, Database

Condition = tuple[str, tuple[object, ...]]


@strawberry.input
class SetFilter:
    any: list[str] | None = None


@strawberry.input
class IntFilter:
    gte: int | None = None


@strawberry.input
class ArticleFilter:
    topic: SetFilter | None = None
    quality: IntFilter | None = None


async def page(
    database: Database, first: int, after: str | None, where: ArticleFilter | None
) -> list[sqlite3.Row]:
    """Return the rows of matching articles after the cursor."""
    topics = where.topic.any if where and where.topic else None
    alone = topics is not None and len(topics) == 1
    listed = "article_topic" if alone else "article"  # both have an index with order and quality
    conditions = [*_after(after, listed), *_topics(topics or (), alone=alone), *_quality(where, listed)]
    text = " AND ".join(sql for sql, _ in conditions) or "true"
    source = "article_topic JOIN article ON article.id = article_id" if alone else "article"
    sql = (
        f"SELECT {ARTICLE} FROM {source} WHERE {text}"  # noqa: S608 - nothing of the request is in it
        f" ORDER BY {listed}.published_at DESC, {listed}.slug LIMIT ?"
    )
    return await database.rows(sql, (*(value for _, values in conditions for value in values), first))


def _after(cursor: str | None, listed: str) -> Iterator[Condition]:
    if cursor is not None:
        published_at, slug = urlsafe_b64decode(cursor).decode().split(" ")
        sql = f"{listed}.published_at <= ? AND ({listed}.published_at < ? OR {listed}.slug > ?)"
        yield sql, (published_at, published_at, slug)


def _topics(topics: Sequence[str], *, alone: bool) -> Iterator[Condition]:
    if alone:
        yield "topic = ?", (topics[0],)
    elif topics:
        marks = ", ".join("?" for _ in topics)
        sql = f"EXISTS (SELECT 1 FROM article_topic WHERE article_id = article.id AND +topic IN ({marks}))"  # noqa: S608 - question marks
        yield sql, tuple(topics)


def _quality(where: ArticleFilter | None, listed: str) -> Iterator[Condition]:
    if where and where.quality and where.quality.gte is not None:
        yield f"{listed}.quality >= ?", (where.quality.gte,)
