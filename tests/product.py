"""The product under test, without HTTP: an ingested content folder, and queries over it."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.connection import read_custom_fields
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse, PreparedQuery
from gqlnews.ingest.pipeline import IngestReport, ingest
from gqlnews.query.entities import Audience
from gqlnews.schema.query import build_schema
from tests.store import PoolStore


class Product:
    """Use it in a `with` block: its readers run on the loop of its own runner.

    `statements` are the SQL texts that the readers ran.
    Every request also runs through Strawberry's executor, and must return the same bytes.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.statements: list[str] = []
        self._runner = asyncio.Runner()
        self._readers = ReadPool()
        self.store = PoolStore(self._readers)

    def __enter__(self) -> Self:
        self._runner.run(self._readers.open(self.database))
        self._runner.run(self._readers.trace(self.statements.append))
        self.engine = Engine(self.store, build_schema(read_custom_fields(self.database)))
        self._full = Engine(PoolStore(self._readers), self.engine.schema, bypass_executor=False)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._runner.run(self._readers.close())
        self._runner.close()

    def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        audience: Audience = Audience.PUBLIC,
    ) -> dict[str, Any]:
        """Return the parsed response."""
        asked = GraphQLRequest(query, variables, operation_name)
        answer = self.answer(asked, audience)
        ran = len(self.statements)
        twin = self.answer(asked, audience, self._full)
        del self.statements[ran:]
        assert twin.body == answer.body or not self.is_cacheable(asked, audience)
        parsed: dict[str, Any] = json.loads(answer.body)
        return parsed

    def is_cacheable(self, asked: GraphQLRequest, audience: Audience) -> bool:
        """Whether the response does not depend on the time."""
        prepared = self.engine.prepare(asked, audience)
        return not isinstance(prepared, PreparedQuery) or prepared.bound.cacheable

    def answer(
        self, asked: GraphQLRequest, audience: Audience, engine: Engine | None = None
    ) -> GraphQLResponse:
        """Return the response of this engine, or of another one over the same readers."""
        return self._runner.run((engine or self.engine).execute(asked, audience))

    def data(
        self, query: str, variables: Mapping[str, Any] | None = None, audience: Audience = Audience.PUBLIC
    ) -> dict[str, Any]:
        """Return the response's data, which must have no errors."""
        answer = self.ask(query, variables, audience=audience)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data


def run_ingest(folder: Path, database: Path, options: ParseOptions | None = None) -> IngestReport:
    """Ingest a folder into a database file."""
    db = open_writer(database)
    try:
        return ingest(db, folder, options or ParseOptions())
    finally:
        db.close()
