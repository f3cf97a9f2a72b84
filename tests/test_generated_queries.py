"""Generated requests over the schema: the product's response equals the oracle's over every path.

The oracle reads the files with plain Python, and its plain resolvers run under graphql-core.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.fields import Audience
from tests.oracle.content import read_folder
from tests.oracle.engine import Oracle, oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.harness import check, learn_cursors
from tests.oracle.strategies import Options, operations
from tests.oracle.values import values_of
from tests.oracle.world import AUDIENCES, make_world
from tests.product import Product, run_ingest
from tests.ways import Ways

SCHEMA = oracle_schema()


class Comparison:
    """One folder, served by the product and by the oracle."""

    def __init__(self, folder: Path, ways: Ways) -> None:
        self.ways = ways
        content = read_folder(folder)
        self.oracle = Oracle(SCHEMA)
        self.worlds = {name: make_world(content, name) for name in AUDIENCES}
        for world in self.worlds.values():
            learn_cursors(self.ask, self.oracle, world)
        options = Options(null_for_default=5)
        self.operations = operations(SCHEMA, values_of(content, self.oracle.registry), options)

    def ask(self, query: str, variables: dict[str, Any], name: str | None, audience: str) -> dict[str, Any]:
        asked, who = GraphQLRequest(query, variables, name), Audience[audience.upper()]
        bodies = dict(self.ways.bodies(asked, who))
        if self.ways.product.is_cacheable(asked, who):
            different = {way: body[:300] for way, body in bodies.items() if body != bodies["cached"]}
            assert not different, f"{different}: {query} {variables}"
        answer: dict[str, Any] = json.loads(bodies["cached"])
        return answer

    def compare(self, data: st.DataObject) -> None:
        world = self.worlds[data.draw(st.sampled_from(AUDIENCES), label="audience")]
        check(self.ask, self.oracle, world, data.draw(self.operations, label="operation"))


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparison]:
    """A small folder of linked articles with every unusual case that the contract allows."""
    place = tmp_path_factory.mktemp("nasty")
    folder = write_folder(place / "content", seed=7, articles=60)
    run_ingest(folder, place / "store.db")
    with Product(place / "store.db") as product, Ways(product) as ways:
        yield Comparison(folder, ways)


@pytest.fixture(scope="module")
def real(corpus: Path, ai2020: Product) -> Iterator[Comparison]:
    with Ways(ai2020) as ways:
        yield Comparison(corpus / "ai2020", ways)


@settings(max_examples=600)
@given(data=st.data())
def test_odd_content_is_answered_as_the_oracle_answers(nasty: Comparison, data: st.DataObject) -> None:
    nasty.compare(data)


@settings(max_examples=100)
@given(data=st.data())
def test_real_content_is_answered_as_the_oracle_answers(real: Comparison, data: st.DataObject) -> None:
    real.compare(data)
