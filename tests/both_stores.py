"""Run requests on SQLite and on PostgreSQL, and compare the bytes of the responses."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.database_handle import PostgresDatabase
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse
from gqlnews.query.entities import Audience
from gqlnews.query.sql.postgresql import POSTGRESQL
from tests.product import Product


class BothStores:
    """A product over SQLite, and an engine over a PostgreSQL database with the same rows.

    Use it in a `with` block.
    """

    def __init__(self, product: Product, url: str) -> None:
        self.product, self.database = product, PostgresDatabase(PostgresUrl(url))
        self._runner = product._runner

    def __enter__(self) -> Self:
        self._runner.run(self.database.open())
        self.engine = Engine(self.database, self.product.engine.schema, dialect=POSTGRESQL)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._runner.run(self.database.close())

    def bodies(self, asked: GraphQLRequest, audience: Audience) -> Iterator[tuple[str, bytes]]:
        """Yield (path, response body), as `Ways` does."""
        yield "cached", self.product.answer(asked, audience).body
        yield "postgresql", self.product.answer(asked, audience, self.engine).body

    def compare(self, asked: GraphQLRequest, audience: Audience) -> None:
        bodies = dict(self.bodies(asked, audience))
        assert bodies["postgresql"] == bodies["cached"]


class ComparedProduct(Product):
    """A product over SQLite whose every response must have the bytes of the one from PostgreSQL."""

    def __init__(self, database: Path, url: str) -> None:
        super().__init__(database)
        self._both = BothStores(self, url)

    def __enter__(self) -> Self:
        super().__enter__()
        self._both.__enter__()
        return self

    def __exit__(self, *raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._both.__exit__(*raised)
        super().__exit__(*raised)

    def answer(
        self, asked: GraphQLRequest, audience: Audience, engine: Engine | None = None
    ) -> GraphQLResponse:
        response = super().answer(asked, audience, engine)
        if engine is None:
            other = super().answer(asked, audience, self._both.engine)
            assert other.body == response.body
        return response
