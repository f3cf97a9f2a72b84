"""The example queries, checked against the exported schema."""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values

from gqlnews.server.graphiql.examples import Example, ExampleValues, build_examples
from gqlnews.server.graphiql.page import longest_word
from tests.product import Product

ALL = build_examples(
    ExampleValues(
        slug="2026/harbour-tunnel-opens",
        topic="transport",
        domain="larkhaven-ledger.example",
        url="https://www.larkhaven-ledger.example/2026/05/04/harbour-tunnel-opens",
        word="Larkhaven",
        story="U3Rvcnk6MjAyNi9maXJzdC1tb3JuaW5nLWluLXRoZS10dW5uZWw=",
        author="mina-okafor",
        section="2026",
    )
)
EXPORTED = Path(__file__).parents[2] / "schema.graphql"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(EXPORTED.read_text("utf-8"))


def names(found: tuple[Example, ...]) -> list[str]:
    return [example.name for example in found]


QUERIES = tuple(example for example in ALL if "\nsubscription " not in example.query)
"""Queries that run here; the browser tests run the subscriptions."""


@pytest.mark.parametrize("example", ALL, ids=names(ALL))
def test_an_example_is_valid(example: Example, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(example.query)) == []


@pytest.mark.parametrize("example", ALL, ids=names(ALL))
def test_an_example_has_its_variables(example: Example, schema: GraphQLSchema) -> None:
    operation = get_operation_ast(parse(example.query))
    assert operation
    declared = {variable.variable.name.value for variable in operation.variable_definitions or ()}
    assert declared == set(example.variables or {})
    values = get_variable_values(schema, operation.variable_definitions or (), dict(example.variables or {}))
    assert not isinstance(values, list), values


def test_the_first_is_an_article_with_its_related_coverage() -> None:
    assert ALL[0].variables == {"slug": "2026/harbour-tunnel-opens"}
    assert ALL[0].query.count("related(") == 2


def test_operations_are_named_so_that_tabs_are() -> None:
    operations = [get_operation_ast(parse(example.query)) for example in ALL]
    titles = [operation.name.value for operation in operations if operation and operation.name]
    assert len(set(titles)) == len(ALL) == 14


@pytest.mark.parametrize("example", ALL, ids=names(ALL))
def test_example_lines_fit_the_editor_at_1280_pixels(example: Example) -> None:
    assert max(len(line) for line in example.query.splitlines()) <= 50


def test_examples_without_content_are_omitted() -> None:
    assert names(build_examples(ExampleValues())) == [
        "The front page, page by page",
        "An overview of the site",
    ]
    assert "A topic's page" not in names(build_examples(ExampleValues(slug="a", domain="example.com")))


def is_empty(value: object) -> bool:
    """Whether a root field is null, or its list is empty."""
    if isinstance(value, dict):
        lists = [value[key] for key in ("nodes", "edges") if key in value]
        return lists == [[]]
    return not value


@pytest.mark.parametrize("example", QUERIES, ids=names(QUERIES))
def test_an_example_has_results(example: Example, request: pytest.FixtureRequest) -> None:
    product: Product = request.getfixturevalue("examples")
    data = product.data(example.query, example.variables)
    assert not [field for field, value in data.items() if is_empty(value)]


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Ten thousand under the bay: the first morning", "thousand"),
        ("-harbours, *tunnels*", "harbours"),
        ("“Swans”", "Swans"),
        ('5"disks', "disks"),
        ("गुरु", "गुरु"),  # ends in a vowel sign, which is not a letter
        ("?!", None),
        ("", None),
    ],
)
def test_the_longest_word_of_a_title_is_the_search_term(title: str, word: str | None) -> None:
    assert longest_word(title) == word
