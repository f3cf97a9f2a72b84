"""The exported schema: generated from the types, documented, and equal to the contract."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    introspection_from_schema,
    introspection_types,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    is_scalar_type,
    is_specified_scalar_type,
)

from gqlnews.custom_fields import CustomField, FieldType
from gqlnews.schema.query import sdl

EXPORTED = Path(__file__).parent.parent.parent / "schema.graphql"
CONTRACT = Path(__file__).parent / "contract.graphql"


@pytest.fixture(scope="module")
def exported() -> GraphQLSchema:
    return build_schema(EXPORTED.read_text())


def test_the_exported_schema_is_that_of_the_types() -> None:
    assert EXPORTED.read_text() == sdl(), "run `make schema`, and read what changed"


def test_everything_has_a_description(exported: GraphQLSchema) -> None:
    assert [name for name, description in described(exported) if not description] == []


def test_every_custom_scalar_names_its_specification() -> None:
    schema = build_schema(sdl([CustomField("day", FieldType.DATE)]))
    scalars = [kind for kind in schema.type_map.values() if is_scalar_type(kind)]
    named = {kind.name: kind.specified_by_url for kind in scalars if not is_specified_scalar_type(kind)}
    assert set(named) == {"Date", "DateTime", "Duration", "JSON", "URL"}
    assert [name for name, url in named.items() if not url] == []


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for name, kind in schema.type_map.items():
        if name in introspection_types or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        if is_object_type(kind) or is_interface_type(kind) or is_input_object_type(kind):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field.description
        if is_enum_type(kind):
            for value_name, value in kind.values.items():
                yield f"{name}.{value_name}", value.description


ADDED_ARGUMENTS = ("Query.providers(orderBy:)", "Query.topics(first:)", "Query.topics(orderBy:)")
"""Arguments that SDL cannot extend, so the contract names them in a comment."""


def changes(old: GraphQLSchema, new: GraphQLSchema) -> set[str]:
    found: list[Any] = [*find_breaking_changes(old, new), *find_dangerous_changes(old, new)]
    return {change.description for change in found}


def test_a_client_of_the_contract_can_use_the_exported_schema(exported: GraphQLSchema) -> None:
    contract = build_schema(CONTRACT.read_text())
    added = {f"An optional argument {name} was added." for name in ADDED_ARGUMENTS}
    assert changes(contract, exported) == added


def test_the_exported_schema_has_nothing_that_the_contract_has_not(exported: GraphQLSchema) -> None:
    contract = build_schema(CONTRACT.read_text())
    removed = {f"Argument {name} was removed." for name in ADDED_ARGUMENTS}
    directives = {f"Directive @{name} was removed." for name in ("defer", "stream")}
    assert changes(exported, contract) == removed | directives


def test_the_added_arguments_have_the_types_of_the_contract(exported: GraphQLSchema) -> None:
    ours = signatures(exported)
    assert {name: ours[name.replace(":", "")] for name in ADDED_ARGUMENTS} == {
        "Query.providers(orderBy:)": "ProviderOrder = None",
        "Query.topics(first:)": "Int = None",
        "Query.topics(orderBy:)": "TopicOrder = None",
    }


def test_types_and_defaults_are_those_of_the_contract(exported: GraphQLSchema) -> None:
    """They must be equal, not only compatible, so that code generated from either is the same."""
    contract = signatures(build_schema(CONTRACT.read_text()))
    ours = signatures(exported)
    assert {name: ours.get(name) for name in contract} == contract


def signatures(schema: GraphQLSchema) -> dict[str, str]:
    """Return the type and default of every field, argument and input field, from introspection."""
    found = {}
    types: Any = introspection_from_schema(schema)["__schema"]["types"]
    for kind in types:
        for field in kind["fields"] or ():
            place = f"{kind['name']}.{field['name']}"
            found[place] = spelled(field["type"])
            found.update((f"{place}({one['name']})", signature(one)) for one in field["args"])
        for one in kind["inputFields"] or ():
            found[f"{kind['name']}.{one['name']}"] = signature(one)
    return {place: text for place, text in found.items() if not place.startswith("__")}


def signature(value: Mapping[str, Any]) -> str:
    return f"{spelled(value['type'])} = {value['defaultValue']}"


def spelled(kind: Mapping[str, Any]) -> str:
    """Format an introspected type, such as `[ArticleOrder!]`."""
    around = {"NON_NULL": "{}!", "LIST": "[{}]"}
    return (
        around[kind["kind"]].format(spelled(kind["ofType"])) if kind["kind"] in around else str(kind["name"])
    )
