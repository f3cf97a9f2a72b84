"""Run requests on SQLite and on PostgreSQL, and compare the bytes of the responses."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from types import TracebackType
from typing import Self

import asyncpg

from gqlnews.database.postgresql import search_query, snippets
from gqlnews.database.postgresql.schema import schema_name
from gqlnews.database.protocol import BatchResults, Statements
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from gqlnews.query.sql.postgresql import POSTGRESQL
from gqlnews.text_keys import SNIPPET_MARK, SearchExpression
from tests.product import Product
from tests.store import UnreadStore

SETTINGS = {
    "search_path": schema_name(),
    "default_transaction_read_only": "on",
    "extra_float_digits": "0",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    **dict.fromkeys(
        ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_bitmapscan", "enable_material"),
        "off",
    ),
}
"""Settings of a connection that reads."""


class ConnectionStore(UnreadStore):
    """A store over one connection to PostgreSQL."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def execute_batch(self, statements: Statements) -> BatchResults:
        return BatchResults([await self._execute(sql, parameters) for sql, parameters in statements])

    async def execute_parts(
        self, parts: Sequence[Statements]
    ) -> AsyncGenerator[Sequence[bytes | None], None]:
        for statements in parts:
            yield (await self.execute_batch(statements)).values

    async def _execute(self, sql: str, parameters: Sequence[object]) -> bytes | None:
        values = [
            search_query.encode(one) if isinstance(one, SearchExpression) else one for one in parameters
        ]
        result = await self._connection.fetchval(sql, *values)
        return None if result is None else snippets.fill(result.encode(), SNIPPET_MARK.encode())


def _encode(value: object) -> object:
    return search_query.encode(value) if isinstance(value, SearchExpression) else value


class BothStores:
    """A product over SQLite, and an engine over a PostgreSQL database with the same rows.

    Use it in a `with` block.
    """

    def __init__(self, product: Product, url: str) -> None:
        self.product, self._url = product, url
        self._runner = product._runner

    def __enter__(self) -> Self:
        connect = asyncpg.connect(self._url, server_settings=SETTINGS, statement_cache_size=500)
        self.connection: asyncpg.Connection = self._runner.run(_await(connect))
        store = ConnectionStore(self.connection)
        self.engine = Engine(store, self.product.engine.schema, dialect=POSTGRESQL)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._runner.run(self.connection.close())

    def bodies(self, asked: GraphQLRequest, audience: Audience) -> Iterator[tuple[str, bytes]]:
        """Yield (path, response body), as `Ways` does."""
        yield "cached", self.product.answer(asked, audience).body
        yield "postgresql", self.product.answer(asked, audience, self.engine).body

    def compare(self, asked: GraphQLRequest, audience: Audience) -> None:
        bodies = dict(self.bodies(asked, audience))
        assert bodies["postgresql"] == bodies["cached"]


async def _await(connecting: "asyncio.Future[asyncpg.Connection]") -> asyncpg.Connection:
    return await connecting
