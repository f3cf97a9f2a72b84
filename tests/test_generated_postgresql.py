"""PostgreSQL's responses have the bytes of SQLite's: the cookbook, and generated requests."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.query.entities import Audience
from tests.both_stores import BothStores
from tests.comparison import Comparison
from tests.effort import WITHOUT_SHRINKING, examples
from tests.oracle.dice import LENGTH, Dice
from tests.oracle.engine import oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.own_config import configurations
from tests.oracle.own_folders import write_own_folder
from tests.oracle.strategies import PREFERRED, Options, Writer
from tests.oracle.world import AUDIENCES
from tests.oracle.world import Audience as WhoAsks
from tests.postgresql import Cluster
from tests.product import Product, run_ingest
from tests.query.test_sqlite_statements import REQUESTS
from tests.test_generated_queries import Generated, generated


@pytest.fixture(scope="module")
def example_articles(examples: Product, postgresql: Cluster) -> Iterator[BothStores]:
    with BothStores(examples, postgresql.copy_of(examples.database)) as both:
        yield both


QUERIES = {name: request for name, request in REQUESTS.items() if "subscription" not in request.query}


@pytest.mark.parametrize("name", QUERIES)
def test_a_request_of_the_cookbook_has_the_same_response(name: str, example_articles: BothStores) -> None:
    for audience in Audience:
        example_articles.compare(QUERIES[name], audience)


@pytest.fixture(scope="module")
def odd_articles(tmp_path_factory: pytest.TempPathFactory, postgresql: Cluster) -> Iterator[Generated]:
    """A small folder of linked articles with every unusual case that the contract allows."""
    place = tmp_path_factory.mktemp("odd")
    folder = write_folder(place / "content", seed=7, articles=60)
    run_ingest(folder, place / "store.db")
    with (
        Product(place / "store.db") as product,
        BothStores(product, postgresql.copy_of(product.database)) as both,
    ):
        yield generated(folder, both, learn_everywhere=False)


@examples(1_000, quick=40)
@given(data=st.data())
def test_odd_content_has_the_same_responses(odd_articles: Generated, data: st.DataObject) -> None:
    odd_articles.compare(data)


@examples(20, quick=1, phases=WITHOUT_SHRINKING)
@given(config=configurations(), seed=st.integers(0, 2**32 - 1), audience=st.sampled_from(AUDIENCES))
def test_custom_fields_have_the_same_responses(
    postgresql: Cluster, config: str, seed: int, audience: WhoAsks
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, database = Path(place, "content"), Path(place, "store.db")
        declared = write_own_folder(folder, config, seed)
        run_ingest(folder, database)
        url, schema = postgresql.copy_of(database), oracle_schema(declared=declared)
        names = frozenset(one.name for one in declared.fields) | {"facets", "extra"}
        options = Options(preferred=PREFERRED | names)
        tapes = random.Random(seed)  # noqa: S311 - repeatable requests, no secret
        with Product(database) as product, BothStores(product, url) as both:
            comparison = Comparison(folder, both, schema, audiences=[audience])
            for _ in range(25):
                writer = Writer(Dice(tapes.randbytes(LENGTH)), schema, comparison.values, options)
                comparison.compare(audience, writer.operation())
        postgresql.drop_database(url)
