"""Servers over PostgreSQL, as users run them: in a separate process with its own port."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from gqlnews.database.postgresql.schema import schema_name
from tests.server.support import Running, environment, running

ENDPOINT = r"http://[^\s\"]+/graphql"


@contextmanager
def serving_url(
    home: Path, url: str, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Running]]:
    """Serve a database without a folder; yield the endpoint, once requests are accepted, and the process."""
    command = [sys.executable, "-m", "gqlnews", "serve", "--db", url, "--port", "0", *arguments]
    with running(command, environment(home, env)) as run:
        yield run.wait_for(ENDPOINT), run


def execute(url: str, sql: str) -> Any:
    """Execute SQL in the schema of the store; return the first value."""
    return asyncio.run(_execute(url, sql))


async def _execute(url: str, sql: str) -> Any:
    connection = await _connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def _connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url, server_settings={"search_path": schema_name()})


@contextmanager
def locked(url: str, table: str) -> Iterator[Callable[[str], Any]]:
    """Lock a table, so that statements wait for it; yield a function that executes SQL."""
    with asyncio.Runner() as runner:
        connection = runner.run(_connect(url))
        try:
            runner.run(connection.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            yield lambda sql: runner.run(connection.fetchval(sql))
        finally:
            runner.run(connection.close())


def publish_number(url: str, number: int) -> None:
    """Publish a version with this number, and a title that contains it."""
    execute(
        url,
        f"WITH titled AS (UPDATE article SET title = 'Title {number}' WHERE slug = 'published')"  # noqa: S608
        f" UPDATE site SET number = {number}, version = split_part(version, '-', 1) || '-{number}'",
    )


def ask(endpoint: str, query: str, **headers: str) -> httpx2.Response:
    """POST a query."""
    accept = {"accept": "application/graphql-response+json"}
    return httpx2.post(endpoint, json={"query": query}, headers={**accept, **headers}, timeout=30)


def code_of(response: httpx2.Response) -> str:
    """Return the code of the first error."""
    code: str = response.json()["errors"][0]["extensions"]["code"]
    return code
