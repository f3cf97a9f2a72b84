"""Read what a server needs before it starts, from code that runs no event loop of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from gqlnews.config.values import PostgresUrl
from gqlnews.custom_fields import CustomField
from gqlnews.database.postgresql.database_handle import PostgresDatabase


def read_postgres_fields(url: PostgresUrl) -> tuple[CustomField, ...]:
    """Return the custom fields of a store. Raises DatabaseError or a subclass, as opening it does.

    It runs on a thread, since an ASGI server may create the application while its event loop runs.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_read(url))).result()


async def _read(url: PostgresUrl) -> tuple[CustomField, ...]:
    store = PostgresDatabase(url)
    try:
        await store.open()
        return store.custom_fields()
    finally:
        await store.close()
