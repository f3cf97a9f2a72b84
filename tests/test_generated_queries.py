"""Generated requests over the schema: the product's response equals the oracle's over every path.

The oracle reads the files with plain Python, and its plain resolvers run under graphql-core. Half of the
requests over the small folder run on every path; the others only on one, which takes a third of the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.comparison import Comparison, Paths
from tests.effort import examples
from tests.oracle.document import Operation
from tests.oracle.engine import oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.strategies import Options, operations
from tests.oracle.world import AUDIENCES
from tests.product import Product, run_ingest
from tests.ways import Ways

SCHEMA = oracle_schema()


@dataclass(frozen=True)
class Generated:
    """A folder, and requests over it."""

    comparison: Comparison
    operations: SearchStrategy[Operation]

    def compare(self, data: st.DataObject, *, everywhere: bool = True) -> None:
        audience = data.draw(st.sampled_from(AUDIENCES), label="audience")
        operation = data.draw(self.operations, label="operation")
        self.comparison.compare(audience, operation, everywhere=everywhere)


def generated(folder: Path, ways: Paths, *, learn_everywhere: bool = True) -> Generated:
    comparison = Comparison(folder, ways, SCHEMA, learn_everywhere=learn_everywhere)
    return Generated(comparison, operations(SCHEMA, comparison.values, Options(null_for_default=5)))


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    """A small folder of linked articles with every unusual case that the contract allows."""
    place = tmp_path_factory.mktemp("nasty")
    folder = write_folder(place / "content", seed=7, articles=60)
    run_ingest(folder, place / "store.db")
    with Product(place / "store.db") as product, Ways(product) as ways:
        yield generated(folder, ways)


@pytest.fixture(scope="module")
def real(corpus: Path, ai2020: Product) -> Iterator[Generated]:
    with Ways(ai2020) as ways:
        yield generated(corpus / "ai2020", ways, learn_everywhere=False)


@examples(600, quick=100)
@given(data=st.data(), everywhere=st.booleans())
def test_odd_content_is_answered_as_the_oracle_answers(
    nasty: Generated, data: st.DataObject, everywhere: bool
) -> None:
    nasty.compare(data, everywhere=everywhere)


@examples(100, quick=10)
@given(data=st.data())
def test_real_content_is_answered_as_the_oracle_answers(real: Generated, data: st.DataObject) -> None:
    real.compare(data)
