"""The four queries, which every compared server must understand."""

from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from benchmarks.throughput.ordinary.__main__ import schema
from benchmarks.throughput.requests import DOCUMENTS, NAMES

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = {
    "gqlnews": (ROOT / "schema.graphql").read_text(),
    "peers": (ROOT / "benchmarks" / "peers" / "schema.graphql").read_text(),
    "ordinary": str(schema()),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("server", SCHEMAS)
def test_a_query_is_valid_on_every_server(name: str, server: str) -> None:
    document = parse((DOCUMENTS / f"{name}.graphql").read_text())
    assert validate(build_schema(SCHEMAS[server]), document) == []
