"""Limits on the shape of an operation: it passes at the limit, and fails one above it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from graphql import Executor, parse

from gqlnews.config.settings import DEFAULT_LIMITS, Limits
from gqlnews.engine import documents
from gqlnews.engine.documents import SelectionSize, measure
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.product import Product

Write = Callable[[int], str]


@pytest.fixture(scope="module")
def engine(examples: Product) -> Engine:
    return Engine(examples.engine.store, examples.engine.schema, DEFAULT_LIMITS)


def tokens(count: int) -> str:
    texts = '"a" ' * (count - 20)
    return f"{{ articles(where: {{title: {{in: [{texts}]}}}}) {{ totalCount }} }}"


def comments(count: int) -> str:
    return "#\n" * count + "{ site { version } }"


def lines(count: int) -> str:
    return "\n" * count + "{ site { version } }"


def nested(depth: int) -> str:
    """Nested fields with selections; the innermost selection is a leaf."""
    names = ['article(slug: "x")', *(["related(first: 1)", "article"] * depth)][:depth]
    return f"{{{'{'.join(names)}{{ title }}{'}' * depth}"


def nested_in_fragments(depth: int) -> str:
    """The same inside fragments, which add no depth."""
    return f"{{ ...F }} fragment F on Query {{ ... on Query {nested(depth)} }}"


def aliases(count: int) -> str:
    return f"{{ site {{ {' '.join(f'a{number}: version' for number in range(count))} }} }}"


def aliases_of_a_fragment(count: int) -> str:
    """Aliases, half of which are in a fragment that is spread twice."""
    some = " ".join(f"a{number}: version" for number in range(count // 2))
    extra = "extra: version" if count % 2 else ""
    return f"{{ site {{ ...F ... {{ ...F }} {extra} }} }} fragment F on Site {{ version {some} }}"


def root_fields(count: int) -> str:
    return f"{{ {'site { version } ' * count} }}"


def root_fields_of_a_fragment(count: int) -> str:
    return f"{{ ... {{ ...F }} }} fragment F on Query {{ {'__typename ' * count} }}"


def directives(count: int) -> str:
    return f"{{ site {{ {'version @skip(if: false) ' * count} }} }}"


def directives_of_fragments(count: int) -> str:
    """One directive on a spread, one on an inline fragment, the rest on fields."""
    some = "version @skip(if: false) " * (count - 2)
    return (
        "{ site { ...F @include(if: true) } } "
        f"fragment F on Site {{ ... @skip(if: false) {{ version }} {some} }}"
    )


@pytest.mark.parametrize(
    ("write", "most", "code", "says"),
    [
        (tokens, 2_000, "TOO_MANY_TOKENS", "more than 2,000 tokens"),
        (comments, 2_000, "TOO_MANY_TOKENS", "more than 2,000 tokens, 2,000 comments"),
        (lines, 10_000, "TOO_MANY_TOKENS", "or 10,000 lines"),
        (nested, 16, "TOO_DEEP", "nests fields with selections 17 levels deep, and the limit is 16"),
        (
            nested_in_fragments,
            16,
            "TOO_DEEP",
            "nests fields with selections 17 levels deep, and the limit is 16",
        ),
        (aliases, 30, "TOO_MANY_ALIASES", "31 aliases, and the limit is 30"),
        (aliases_of_a_fragment, 30, "TOO_MANY_ALIASES", "31 aliases, and the limit is 30"),
        (root_fields, 20, "TOO_MANY_ROOT_FIELDS", "21 root fields, and the limit is 20"),
        (root_fields_of_a_fragment, 20, "TOO_MANY_ROOT_FIELDS", "21 root fields, and the limit is 20"),
        (directives, 50, "TOO_MANY_DIRECTIVES", "51 directives, and the limit is 50"),
        (directives_of_fragments, 50, "TOO_MANY_DIRECTIVES", "51 directives, and the limit is 50"),
    ],
)
def test_at_the_limit_it_passes_and_one_more_is_refused(
    examples: Product, engine: Engine, write: Write, most: int, code: str, says: str
) -> None:
    at, beyond = GraphQLRequest(write(most)), GraphQLRequest(write(most + 1))
    assert b'"errors"' not in examples.answer(at, Audience.PUBLIC, engine).body
    refused = _refusal(examples, beyond, engine)
    assert refused["extensions"]["code"] == code
    assert says in refused["message"]
    assert b'"errors"' not in examples.answer(beyond, Audience.PUBLIC).body  # without limits it is valid


def test_other_operations_of_the_document_do_not_count(examples: Product, engine: Engine) -> None:
    document = f"query A {{ site {{ version }} }} query B {aliases(31)}"
    assert examples.answer(GraphQLRequest(document, operation_name="A"), Audience.PUBLIC, engine).has_data
    refused = _refusal(examples, GraphQLRequest(document, operation_name="B"), engine)
    assert refused["extensions"]["code"] == "TOO_MANY_ALIASES"


def test_introspection_does_not_count_as_depth(examples: Product, engine: Engine) -> None:
    deep = "ofType { " * 18 + "name" + " }" * 18
    query = f"{{ __schema {{ types {{ fields {{ type {{ {deep} }} }} }} }} }}"
    assert examples.answer(GraphQLRequest(query), Audience.PUBLIC, engine).has_data


@pytest.mark.parametrize("spread", ["...F{0} ...F{0}", "site {{ version }} ...F{0} ... {{ ...F{0} }}"])
def test_each_fragment_is_measured_once(
    monkeypatch: pytest.MonkeyPatch, examples: Product, spread: str
) -> None:
    levels = 30
    document = "{ ...F0 } " + " ".join(
        f"fragment F{level} on Query {{ {spread.format(level + 1)} }}" for level in range(levels)
    )
    document += f" fragment F{levels} on Query {{ a: __typename }}"
    visits: list[None] = []
    beside = SelectionSize.add

    def counted(one: SelectionSize, other: SelectionSize) -> SelectionSize:
        visits.append(None)
        return beside(one, other)

    monkeypatch.setattr(documents.SelectionSize, "add", counted)
    operation = Executor.build(examples.engine.schema._schema, parse(document))
    assert isinstance(operation, Executor)
    fragments = {name: details.definition for name, details in operation.fragments.items()}
    assert measure(operation.operation, fragments, {}).aliases == 2**levels
    assert len(visits) < 20 * levels


@pytest.mark.parametrize(
    ("query", "variables", "argument"),
    [
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["x"] * 101}, "ids"),
        ("{ articles(first: 51) { totalCount } }", None, "first"),
        ("{ topics { articles(last: 51) { totalCount } } }", None, "last"),
        ("{ changes { version } }", None, "first"),
    ],
)
def test_page_sizes_and_lists_of_ids_are_limited(
    examples: Product, query: str, variables: dict[str, Any] | None, argument: str
) -> None:
    limits = Limits(max_page_size=100 if "ids" in query else 50)
    engine = Engine(examples.engine.store, examples.engine.schema, limits)
    error = _refusal(examples, GraphQLRequest(query, variables), engine)
    assert error["extensions"]["code"] == "BAD_PAGE"
    assert f"items with `{argument}`: pass at most {limits.max_page_size}" in error["message"]


@pytest.mark.parametrize("query", ["{ __schema { types { name } } }", '{ a: __type(name: "Site") { name } }'])
def test_without_introspection_no_query_reveals_the_schema(examples: Product, query: str) -> None:
    engine = Engine(examples.engine.store, examples.engine.schema, Limits(introspection=False))
    assert _refusal(examples, GraphQLRequest(query), engine)["extensions"]["code"] == "INTROSPECTION_OFF"
    said = examples.answer(GraphQLRequest("{ __typename site { __typename } }"), Audience.PUBLIC, engine)
    assert json.loads(said.body) == {"data": {"__typename": "Query", "site": {"__typename": "Site"}}}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ sit { version } }", None),
        ("{ site { versio } }", None),
        ('{ article(slg: "x") { slug } }', None),
        ("{ articles(orderBy: {field: QUALTY}) { totalCount } }", None),
        ("{ articles(where: {titel: {eq: 1}}) { totalCount } }", None),
        ("{ node(id: 1) { ... on Articel { slug } } }", None),
        ("query ($w: ArticleFiltr) { articles(where: $w) { totalCount } }", None),
        ("query ($w: ArticleFilter) { articles(where: $w) { totalCount } }", {"w": {"titel": {}}}),
        ("query ($o: [ArticleOrder!]) { articles(orderBy: $o) { totalCount } }", {"o": {"field": "QUALTY"}}),
    ],
)
def test_without_introspection_no_error_suggests_a_name(
    examples: Product, query: str, variables: dict[str, Any] | None
) -> None:
    asked = GraphQLRequest(query, variables)
    open_ = Engine(examples.engine.store, examples.engine.schema)
    assert "Did you mean" in str(_errors(examples, asked, open_))
    closed = Engine(examples.engine.store, examples.engine.schema, Limits(introspection=False))
    assert "Did you mean" not in str(_errors(examples, asked, closed))


def _refusal(product: Product, asked: GraphQLRequest, engine: Engine) -> dict[str, Any]:
    """Return the single error, after checking that no statement ran."""
    dispatches = product.store.dispatches
    (error,) = _errors(product, asked, engine)
    assert product.store.dispatches == dispatches
    return error


def _errors(product: Product, asked: GraphQLRequest, engine: Engine) -> list[dict[str, Any]]:
    answer = json.loads(product.answer(asked, Audience.PUBLIC, engine).body)
    assert "data" not in answer
    errors: list[dict[str, Any]] = answer["errors"]
    return errors
