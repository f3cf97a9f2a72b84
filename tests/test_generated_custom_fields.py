"""Generated requests over generated own fields: the product's response equals the oracle's.

Hypothesis generates configurations and folders. Each is ingested once and answers several requests, which
are derived from a seed, because their tapes together would exceed what Hypothesis draws for one example.
All are by one audience, because learning the cursors of an audience takes longer than its requests.
A fifth of the requests runs on every path.
"""

import random
import tempfile
from pathlib import Path
from typing import Any

from graphql import GraphQLNamedType, GraphQLSchema, build_schema
from hypothesis import given, note
from hypothesis import strategies as st

from gqlnews.database.sqlite.connection import read_custom_fields
from gqlnews.schema.query import sdl
from tests.comparison import Comparison
from tests.effort import WITHOUT_SHRINKING, examples
from tests.oracle.dice import LENGTH, Dice
from tests.oracle.engine import oracle_schema
from tests.oracle.own_config import configurations
from tests.oracle.own_folders import write_own_folder
from tests.oracle.strategies import PREFERRED, Options, Writer
from tests.oracle.world import AUDIENCES, Audience
from tests.product import Product, run_ingest
from tests.ways import Ways

REQUESTS = 25  # for each folder


def shape(schema: GraphQLSchema) -> dict[str, dict[str, str]]:
    """Return the types of all fields, and the values of enums."""
    return {
        name: {key: str(getattr(one, "type", "")) for key, one in members(type_).items()}
        for name, type_ in schema.type_map.items()
        if not name.startswith("__")
    }


def members(type_: GraphQLNamedType) -> dict[str, Any]:
    found: dict[str, Any] = getattr(type_, "values", None) or getattr(type_, "fields", {})
    return found


@examples(10, quick=2, phases=WITHOUT_SHRINKING)
@given(config=configurations(), seed=st.integers(0, 2**32 - 1), audience=st.sampled_from(AUDIENCES))
def test_own_fields_are_answered_as_the_oracle_answers(config: str, seed: int, audience: Audience) -> None:
    note(config)
    with tempfile.TemporaryDirectory() as place:
        folder, database = Path(place, "content"), Path(place, "store.db")
        declared = write_own_folder(folder, config, seed)
        run_ingest(folder, database)
        schema = oracle_schema(declared=declared)
        assert shape(build_schema(sdl(read_custom_fields(database)))) == shape(schema)
        names = frozenset(one.name for one in declared.fields) | {"facets", "extra"}
        options = Options(preferred=PREFERRED | names)
        tapes = random.Random(seed)  # noqa: S311 - repeatable requests, no secret
        with Product(database) as product, Ways(product) as ways:
            comparison = Comparison(folder, ways, schema, audiences=[audience])
            for number in range(REQUESTS):
                dice = Dice(tapes.randbytes(LENGTH))
                writer = Writer(dice, schema, comparison.values, options)
                comparison.compare(audience, writer.operation(), everywhere=number % 5 == 0)
