"""One folder, served by the product over every path, and by the oracle."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from graphql import GraphQLSchema

from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.oracle.content import read_folder
from tests.oracle.document import Operation
from tests.oracle.engine import Oracle
from tests.oracle.harness import check, learn_cursors
from tests.oracle.own_fields import read_declared
from tests.oracle.own_values import own_orders, with_own_fields
from tests.oracle.values import ORDERS, values_of
from tests.oracle.world import AUDIENCES, make_world
from tests.oracle.world import Audience as WhoAsks
from tests.product import Product


class Paths(Protocol):
    """Paths into one store, such as `Ways`."""

    product: Product

    def bodies(self, asked: GraphQLRequest, audience: Audience) -> Iterator[tuple[str, bytes]]:
        """Yield (path, response body); one path is `cached`."""
        ...


class Comparison:
    """`values` are those of the folder, for generated requests by `audiences`.

    The pages from which it learns cursors are queried on every path, or only on one (own fields: always one).
    """

    def __init__(
        self,
        folder: Path,
        ways: Paths,
        schema: GraphQLSchema,
        *,
        audiences: Sequence[WhoAsks] = AUDIENCES,
        learn_everywhere: bool = True,
    ) -> None:
        self.ways = ways
        content, declared = read_folder(folder), read_declared(folder)
        self.oracle = Oracle(schema)
        self.worlds = {name: make_world(content, name, declared) for name in audiences}
        for name, world in self.worlds.items():
            orders = own_orders(declared, name) if declared.fields else ORDERS
            ask = self.ask if learn_everywhere and not declared.fields else self.ask_once
            learn_cursors(ask, self.oracle, world, orders)
        self.values = values_of(content, self.oracle.registry)
        if declared.fields:
            self.values = with_own_fields(self.values, content, declared)

    def ask(self, query: str, variables: dict[str, Any], name: str | None, audience: str) -> dict[str, Any]:
        asked, who = GraphQLRequest(query, variables, name), Audience[audience.upper()]
        bodies = dict(self.ways.bodies(asked, who))
        if self.ways.product.is_cacheable(asked, who):
            different = {way: body[:300] for way, body in bodies.items() if body != bodies["cached"]}
            assert not different, f"{different}: {query} {variables}"
        answer: dict[str, Any] = json.loads(bodies["cached"])
        return answer

    def ask_once(
        self, query: str, variables: dict[str, Any], name: str | None, audience: str
    ) -> dict[str, Any]:
        """Ask on one path only, which is faster."""
        asked = GraphQLRequest(query, variables, name)
        answer = self.ways.product.answer(asked, Audience[audience.upper()])
        parsed: dict[str, Any] = json.loads(answer.body)
        return parsed

    def compare(self, audience: WhoAsks, operation: Operation, *, everywhere: bool = True) -> None:
        """Compare the responses of every path, or only of one."""
        check(self.ask if everywhere else self.ask_once, self.oracle, self.worlds[audience], operation)
