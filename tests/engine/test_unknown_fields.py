"""The error of an unknown field of an input object lists the known ones, in documents and in variables."""

import json
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLError, is_input_object_type
from hypothesis import given, settings
from hypothesis import strategies as st

from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.custom_fields import CustomField, FieldType
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse
from gqlnews.engine.unknown_fields import list_known_fields
from gqlnews.errors import MAX_MESSAGE
from gqlnews.query.entities import Audience
from gqlnews.schema.query import build_schema
from tests.product import Product

OPERATORS = {
    "publishedDateTime": "DateTimeFilter`: use `eq`, `gt`, `gte`, `lt`, `lte` or `withinLast`.",
    "title": "StringFilter`: use `eq`, `ne`, `in`, `notIn`, `startsWith`, `contains` or `isNull`.",
    "topic": "SetFilter`: use `any`, `all` or `none`.",
    "section": "SectionFilter`: use `eq`, `in` or `under`.",
    "quality": "IntFilter`: use `eq`, `ne`, `in`, `notIn`, `gt`, `gte`, `lt`, `lte` or `isNull`.",
}
SCHEMA = build_schema()._schema
VARIABLE = "query ($w: ArticleFilter) { articles(where: $w) { totalCount } }"


@pytest.fixture
def engine(examples: Product) -> Engine:
    return Engine(examples.engine.store, examples.engine.schema, DEFAULT_LIMITS)


def error_of(engine: Engine, query: str, variables: dict[str, Any] | None = None) -> tuple[str, str]:
    """Return message and code of the first error."""
    answer = engine.prepare(GraphQLRequest(query, variables), Audience.PUBLIC)
    assert isinstance(answer, GraphQLResponse)
    error = json.loads(answer.body)["errors"][0]
    assert len(error["message"]) <= MAX_MESSAGE
    return error["message"], error["extensions"]["code"]


@pytest.mark.parametrize("field", OPERATORS)
def test_an_unknown_operator_lists_the_known_ones(engine: Engine, field: str) -> None:
    start = f"Unknown operator `after` of `{OPERATORS[field]}"
    literal, code = error_of(engine, f"{{ articles(where: {{{field}: {{after: 1}}}}) {{ totalCount }} }}")
    assert literal.startswith(start)
    assert code == "GRAPHQL_VALIDATION_FAILED"
    variable, code = error_of(engine, VARIABLE, {"w": {"and": [{field: {"after": 1}}]}})
    assert variable.startswith(f"Variable '$w' has invalid value at .and[0].{field}: {start}")
    assert code == "BAD_USER_INPUT"


def test_the_suggestion_of_a_similar_name_stays(engine: Engine) -> None:
    message, _ = error_of(engine, "{ articles(where: {quality: {gten: 1}}) { totalCount } }")
    assert message.startswith("Unknown operator `gten` of `IntFilter`: use `eq`, ")
    assert "Did you mean 'gte'" in message
    assert message.endswith("Found: { gten: 1 }.")


def test_many_fields_are_cut(engine: Engine) -> None:
    message, _ = error_of(engine, "{ articles(where: {publishedAt: {gt: 1}}) { totalCount } }")
    assert message.startswith("Unknown field `publishedAt` of `ArticleFilter`: use `")
    assert " or one of " in message
    assert "Did you mean" in message


def test_the_fields_of_a_filter_are_no_operators(engine: Engine) -> None:
    message, _ = error_of(engine, '{ providers(where: {slug: {eq: "a"}}) { totalCount } }')
    assert message.startswith("Unknown field `slug` of `ProviderFilter`: use `domain` or `name`.")


def test_an_unknown_operator_of_a_default_value(engine: Engine) -> None:
    query = VARIABLE.replace("ArticleFilter", "ArticleFilter = {heat: {above: 1}}")
    assert error_of(engine, query)[0].startswith("Unknown operator `above` of `IntFilter`: use `eq`")


def test_without_introspection_nothing_of_the_schema_is_listed(examples: Product) -> None:
    limits = replace(DEFAULT_LIMITS, introspection=False)
    engine = Engine(examples.engine.store, examples.engine.schema, limits)
    queries = [
        ("{ articles(where: {heat: {above: 1}}) { totalCount } }", None),
        (VARIABLE, {"w": {"heat": {"above": 1}}}),
    ]
    for query, variables in queries:
        message, _ = error_of(engine, query, variables)
        assert "unknown field 'above'" in message
        assert "gte" not in message


def test_every_operator_of_every_filter_is_listed() -> None:
    """The custom fields add the filters that no built-in field has."""
    custom = [CustomField(kind.name.lower(), kind) for kind in FieldType]
    schema = build_schema(custom)._schema
    for kind in schema.type_map.values():
        if not is_input_object_type(kind) or kind.name == "ArticleFilter":
            continue
        text = f"Expected value of type '{kind.name}' not to include unknown field 'x', found: {{}}."
        list_known_fields(error := GraphQLError(text), schema)
        listed = error.message.partition(": use ")[2].partition(". ")[0]
        assert listed.replace("`", "").replace(" or ", ", ").split(", ") == list(kind.fields)


@settings(max_examples=100)
@given(st.text(), st.text())
def test_other_messages_stay(before: str, after: str) -> None:
    for text in (before, f"{before}:Expected value of type 'IntFilter' to {after}", f"'{before}' is {after}"):
        list_known_fields(error := GraphQLError(text), SCHEMA)
        assert error.message == text
