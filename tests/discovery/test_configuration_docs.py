"""docs/configuration.md: its tables are the declared ones, and its examples are accepted."""

import re
import tomllib
from pathlib import Path

import pytest
from graphql import parse, validate

from gqlnews.discovery.content_config import FIELD_KEYS, KEYS, PROVIDER_KEYS, ConfigReader
from gqlnews.schema.query import build_schema
from tests import configuration_docs

DOCUMENT = configuration_docs.FILE.read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
QUERIES = re.findall(r"```graphql\n(.*?)```", DOCUMENT, re.DOTALL)


def test_the_documented_tables_are_the_declared_ones() -> None:
    assert configuration_docs.update(DOCUMENT) == DOCUMENT, "run `make settings`"


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_accepted(text: str) -> None:
    reader = ConfigReader(text)
    assert reader.read() is not None, reader.mistakes


def test_the_first_example_has_every_key() -> None:
    values = tomllib.loads(EXAMPLES[0])
    assert values.keys() == {*(key.name for key in KEYS), "provider", "keys", "fields"}
    assert values["provider"].keys() == {key.name for key in PROVIDER_KEYS}
    assert values["fields"]["sponsor"].keys() == {key.name for key in FIELD_KEYS}


def test_the_example_of_every_key_is_accepted() -> None:
    top = "".join(f"{key.example}\n" for key in KEYS)
    provider = "[provider]\n" + "".join(f"{key.example}\n" for key in PROVIDER_KEYS)
    fields = "".join(f"[fields.a{number}]\n{key.example}\n" for number, key in enumerate(FIELD_KEYS))
    reader = ConfigReader(top + provider + fields)
    assert reader.read() is not None, reader.mistakes


def test_every_query_is_valid_with_the_fields_above_it() -> None:
    above = EXAMPLES[-1]
    config = ConfigReader(above).read()
    assert config is not None
    schema = build_schema(config.fields)._schema
    assert [validate(schema, parse(query)) for query in QUERIES] == [[]]


def test_every_type_is_described() -> None:
    types = Path(configuration_docs.FILE).read_text("utf-8").split("### Types")[1]
    names = re.findall(r"^\| `(\w+)` \|", types, re.MULTILINE)
    assert names == ["String", "Int", "Float", "Boolean", "Date", "DateTime", "URL", "JSON"]
