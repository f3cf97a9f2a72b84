"""Run one request over every path; all responses must have the same bytes.

| path | document | executor | where |
|---|---|---|---|
| uncached | parsed, validated, planned and compiled | none | engine |
| cached | from the document cache | none | engine |
| full | from the document cache | Strawberry's | engine |
| post, get | from the document cache | none | over HTTP |
| hit | not read: response cache hit | none | over HTTP |
| fields | from the document cache, with cached root fields | none | over HTTP |
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import UNLIMITED, ServerSettings
from gqlnews.engine.documents import PreparedCache
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.product import Product
from tests.server.support import TOKEN, TOKEN_HASH

EDITOR = {"authorization": f"Bearer {TOKEN}"}
LONGEST_ADDRESS = 40_000  # characters: longer documents are not sent by GET


class Ways:
    """All paths into the store of a product. Use it in a `with` block."""

    def __init__(self, product: Product) -> None:
        self.product = product
        store, schema = product.engine.store, product.engine.schema
        self._uncached = Engine(store, schema)
        self._uncached.cache = PreparedCache(0)
        self._full = Engine(store, schema, bypass_executor=False)
        self._clients = {audience: _client(product.database, audience) for audience in Audience}
        self._field_clients = {
            audience: _client(product.database, audience, response_cache_bytes=0) for audience in Audience
        }
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for client in (*self._clients.values(), *self._field_clients.values()):
            self._stack.enter_context(client)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    def bodies(self, asked: GraphQLRequest, audience: Audience) -> Iterator[tuple[str, bytes]]:
        """Yield (path, response body)."""
        for name, engine in (
            ("uncached", self._uncached),
            ("cached", self.product.engine),
            ("full", self._full),
        ):
            yield name, self.product.answer(asked, audience, engine).body
        client = self._clients[audience]
        sent = {"query": asked.query, "variables": asked.variables, "operationName": asked.operation_name}
        for name in ("post", "hit"):
            yield name, client.post("/graphql", json=sent).content
        self._field_clients[audience].post("/graphql", json=sent)
        yield "fields", self._field_clients[audience].post("/graphql", json=sent).content
        parameters = _parameters(sent)
        if len(parameters["query"]) < LONGEST_ADDRESS:
            yield "get", client.get("/graphql", params=parameters).content


def _client(database: Path, audience: Audience, response_cache_bytes: int = 64 << 20) -> TestClient:
    settings = ServerSettings(
        database,
        unpublished=audience is Audience.OPEN,
        explorer=False,
        editor_tokens=(bytes.fromhex(TOKEN_HASH),),
        response_cache_bytes=response_cache_bytes,
        limits=UNLIMITED,
    )
    return TestClient(build_app(settings), headers=EDITOR if audience is Audience.EDITOR else {})


def _parameters(sent: Mapping[str, Any]) -> dict[str, str]:
    given = {
        "query": sent["query"],
        "variables": json.dumps(sent["variables"]),
        "operationName": sent["operationName"],
    }
    return {name: value for name, value in given.items() if value is not None}
