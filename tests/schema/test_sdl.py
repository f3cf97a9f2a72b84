"""The exported schema: it is the types', it is described, and it is the contract's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    introspection_types,
    is_enum_type,
    is_interface_type,
    is_object_type,
    is_specified_scalar_type,
)

from gqlnews.schema.build import sdl

EXPORTED = Path(__file__).parent.parent.parent / "schema.graphql"
CONTRACT = Path(__file__).parent / "contract.graphql"


@pytest.fixture(scope="module")
def exported() -> GraphQLSchema:
    return build_schema(EXPORTED.read_text())


def test_the_exported_schema_is_that_of_the_types() -> None:
    assert EXPORTED.read_text() == sdl(), "run `make schema`, and read what changed"


def test_everything_has_a_description(exported: GraphQLSchema) -> None:
    assert [name for name, description in described(exported) if not description] == []


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for name, kind in schema.type_map.items():
        if name in introspection_types or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        if is_object_type(kind) or is_interface_type(kind):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field.description
        if is_enum_type(kind):
            for value_name, value in kind.values.items():
                yield f"{name}.{value_name}", value.description


def test_a_client_of_the_exported_schema_can_move_to_the_whole_contract(exported: GraphQLSchema) -> None:
    contract = build_schema(CONTRACT.read_text())
    assert [change.description for change in find_breaking_changes(exported, contract)] == []
