"""The example queries, against the exported schema."""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values

from gqlnews.server.examples import Example, examples

ALL = examples(slug="2021/a", topic="ai", domain="example.com", url="https://example.com/a")
EXPORTED = Path(__file__).parents[2] / "schema.graphql"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(EXPORTED.read_text("utf-8"))


def names(found: tuple[Example, ...]) -> list[str]:
    return [example.name for example in found]


@pytest.mark.parametrize("example", ALL, ids=names(ALL))
def test_an_example_is_valid(example: Example, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(example.query)) == []


@pytest.mark.parametrize("example", ALL, ids=names(ALL))
def test_an_example_brings_its_variables(example: Example, schema: GraphQLSchema) -> None:
    operation = get_operation_ast(parse(example.query))
    assert operation
    declared = {variable.variable.name.value for variable in operation.variable_definitions or ()}
    assert declared == set(example.variables or {})
    values = get_variable_values(schema, operation.variable_definitions or (), dict(example.variables or {}))
    assert not isinstance(values, list), values


def test_the_first_is_an_article_with_its_related_coverage() -> None:
    assert ALL[0].variables == {"slug": "2021/a"}
    assert ALL[0].query.count("related(") == 2


def test_operations_are_named_so_that_tabs_are() -> None:
    operations = [get_operation_ast(parse(example.query)) for example in ALL]
    titles = [operation.name.value for operation in operations if operation and operation.name]
    assert len(set(titles)) == len(ALL) == 6


@pytest.mark.parametrize("example", ALL, ids=names(ALL))
def test_its_lines_fit_the_editor_in_a_window_of_1280_pixels(example: Example) -> None:
    assert max(len(line) for line in example.query.splitlines()) <= 50


def test_what_nothing_is_served_for_has_no_example() -> None:
    assert names(examples(None, None, None)) == ["The front page, page by page", "What is served"]
    assert "A topic's page" not in names(examples("a", None, "example.com"))
