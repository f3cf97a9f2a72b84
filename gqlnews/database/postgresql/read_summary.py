"""Read what a server needs before it starts, from code that runs no event loop of its own."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import orjson

from gqlnews.config.values import PostgresUrl
from gqlnews.custom_fields import CustomField
from gqlnews.database.postgresql.database_handle import PostgresDatabase
from gqlnews.database.protocol import DatabaseStatistics, Statement
from gqlnews.database.sqlite.schedule import Schedule

PROBLEMS: Statement = (
    """
    SELECT coalesce(json_agg(json_build_array(path, line, column_, severity, code, message)
        ORDER BY path, line NULLS FIRST, column_ NULLS FIRST, code, message), '[]') FROM problem
    """,
    (),
)

ProblemRow = Sequence[Any]
"""Path, line, column, severity, code and message."""


class StoreSummary(NamedTuple):
    """What a store contains besides articles."""

    fields: tuple[CustomField, ...]
    problems: Sequence[ProblemRow]
    schedule: Schedule | None
    statistics: DatabaseStatistics


def read_summary(url: PostgresUrl) -> StoreSummary:
    """Open the store and read its summary. Raises DatabaseError or a subclass, as opening it does.

    It runs on a thread, since an ASGI server may create the application while its event loop runs.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_read(url))).result()


async def _read(url: PostgresUrl) -> StoreSummary:
    store = PostgresDatabase(url)
    try:
        await store.open()
        (problems,), _ = await store.execute_batch([PROBLEMS])
        return StoreSummary(
            store.custom_fields(),
            orjson.loads(problems or b"[]"),
            store.schedule_without_watcher(),
            store.statistics(),
        )
    finally:
        await store.close()
