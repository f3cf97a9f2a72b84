"""The cost of a request: computed before it runs, reported on request, and rejected with advice."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from graphql import ArgumentNode, IntValueNode, NameNode, parse, print_ast
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.config.settings import DEFAULT_LIMITS, Limits
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.effort import examples
from tests.oracle.content import read_folder
from tests.oracle.engine import Oracle, oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.strategies import operations
from tests.oracle.values import values_of
from tests.product import Product, run_ingest
from tests.schema.counting import objects_in

SCHEMA = oracle_schema()


def limited(product: Product, cost: int) -> Engine:
    return Engine(product.engine.store, product.engine.schema, Limits(max_cost=cost))


def cost_of(product: Product, query: str, variables: Mapping[str, Any] | None = None, limit: int = 0) -> Any:
    """Return the cost that the response reports."""
    asked = GraphQLRequest(query, variables, include_cost=True)
    answer = json.loads(product.answer(asked, Audience.PUBLIC, limited(product, limit)).body)
    cost = answer["extensions"]["cost"]
    assert cost["limit"] == (limit or None)
    return cost["requested"]


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ articles(first: 20) { nodes { related { title } } } }", 221),
        ("{ site { version } }", 1),
        ("{ __typename __schema { types { name } } }", 0),
        ("{ articles { totalCount } }", 1),
        ("{ articles { nodes { slug } } }", 1 + 20),
        ("{ articles(last: 7) { nodes { slug __typename } } }", 1 + 7),
        ("{ articles(first: 0) { nodes { related { title } } } }", 1),
        ("{ articles(first: 3) { edges { cursor } } }", 1 + 3),
        ("{ articles(first: 3) { edges { node { slug } } nodes { slug } pageInfo { endCursor } } }", 11),
        ("{ articles { facets { topics { count } } } }", 2 + 10),
        ("{ articles { facets { topics(first: 3) { topic { slug } } types { value } } } }", 2 + 6 + 10),
        ("{ articles { facets { quality { min } published(by: DAY) { count } } } }", 2 + 1 + 10),
        ('{ article(slug: "x") { image { url } images { url } similar { slug } } }', 1 + 1 + 10 + 5),
        ('{ article(slug: "x") { related(first: 4) { article { title } } drift: images { url } } }', 19),
        ('{ article(slug: "x") { related(offset: 4) { title } tableOfContents { text } } }', 1 + 10 + 10),
        ("{ topics { articles(first: 2) { nodes { slug } } } }", 10 * (1 + 1 + 2)),
        ('{ node(id: "x") { id ... on Article { related { title } } ... on Topic { name } } }', 1 + 10),
        ('{ nodes(ids: ["x", "y"]) { ... on Article { topics { name } story { size } } } }', 2 * 12),
        ("{ changes(first: 3) { nodes { article { slug } } } }", 1 + 3 * 2),
        ("{ changes { version nodes { slug } } }", 1 + 100),
        ("{ stories(first: 2) { nodes { providers { count } lead { slug } } } }", 1 + 2 * (1 + 10 + 1)),
        ("{ site { problems { code } a: problems(first: 4) { code } } }", 1 + 100 + 4),
        ('{ search(query: "x", first: 2) { edges { node { slug } snippet } } }', 1 + 2 * 2),
        ("{ trending(first: null) { nodes { slug } } }", 1 + 20),
        ("{ a: site { version } b: site { version } site { version } site { version } }", 3),
        ("{ ...F ...F } fragment F on Query { articles(first: 1) { nodes { slug } ...G } } "
         "fragment G on ArticleConnection { nodes { title } totalCount }", 2),
        ("{ articles @skip(if: true) { nodes { slug } } site { version } }", 1),
    ],
)  # fmt: skip
def test_each_possible_object_of_the_response_costs_one(examples: Product, query: str, cost: int) -> None:
    assert cost_of(examples, query) == cost


def test_the_cost_depends_on_the_variables(examples: Product) -> None:
    query = """query ($first: Int, $more: Boolean = false) {
        articles(first: $first) { nodes { related @include(if: $more) { title } } }
    }"""
    asked: list[dict[str, Any]] = [
        {},
        {"first": None},
        {"first": 3},
        {"first": 3, "more": True},
        {"first": 100},
    ]
    assert [cost_of(examples, query, one) for one in asked] == [21, 21, 4, 34, 101]


@pytest.mark.parametrize(("cost", "passes"), [(221, True), (220, False)])
def test_at_the_limit_it_passes_and_one_more_is_refused(examples: Product, cost: int, passes: bool) -> None:
    query = "{ articles(first: 20) { nodes { related { title } } } }"
    examples.store.dispatches = 0
    answer = json.loads(
        examples.answer(
            GraphQLRequest(query, include_cost=True), Audience.PUBLIC, limited(examples, cost)
        ).body
    )
    assert ("data" in answer, "errors" not in answer, examples.store.dispatches) == (
        passes,
        passes,
        int(passes),
    )
    scan = {"requested": 0, "limit": None}
    assert answer["extensions"] == {"cost": {"requested": 221, "limit": cost, "scan": scan}}


def test_the_cost_is_reported_only_on_request(examples: Product) -> None:
    engine = limited(examples, 10)
    for query in ("{ site { version } }", "{ articles { nodes { slug } } }"):
        assert "extensions" not in json.loads(
            examples.answer(GraphQLRequest(query), Audience.PUBLIC, engine).body
        )


ADVISED = [
    ("{ articles(first: 100) { nodes { related { article { related { title } } } } } }", 2_000,
     "The request costs 12,101, and the limit is 2,000: with `first: 16` at `articles` it would pass."),
    ("{ articles(last: 100) { nodes { related { title } } } }", 1_000, "`last: 90` at `articles`"),
    ("{ articles { nodes { related { title } } } }", 100, "`first: 9` at `articles`"),
    ("{ a: articles(first: 50) { nodes { slug } } b: articles(first: 5) { nodes { slug } } }", 30,
     "with `first: 23` at `a` it would pass"),
    ("{ a: articles(first: 50) { nodes { slug } } b: articles(first: 40) { nodes { slug } } }", 30,
     "with `first: 14` at `a`, `first: 14` at `b` it would pass"),
    ("{ topics { articles { nodes { slug } } } }", 100, "`first: 4` at `topics`"),
    ("{ sections { articles { nodes { slug } } } }", 100, "`first: 8` at `sections.articles`"),
    ("{ articles { nodes { related(first: 900) { article { related(first: 900) { title } } } } } }", 1_000,
     "`first: 9` at `articles`, `first: 9` at `articles.nodes.related`, "),
    ('{ nodes(ids: ["a", "b", "c", "d"]) { id ... on Article { related { title } } } }', 30,
     "2 `ids` at `nodes`"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "limit", "says"), ADVISED)
def test_the_error_suggests_sizes_within_the_limit(
    examples: Product, query: str, limit: int, says: str
) -> None:
    answer = json.loads(
        examples.answer(GraphQLRequest(query), Audience.PUBLIC, limited(examples, limit)).body
    )
    (error,) = answer["errors"]
    assert says in error["message"]
    assert error["extensions"]["code"] == "TOO_COSTLY"
    assert "data" not in answer


@pytest.mark.parametrize("limit", [35, 100, 500, 1_999])
@pytest.mark.parametrize("query", [query for query, *_ in ADVISED])
def test_the_suggested_size_passes_and_one_more_does_not(examples: Product, query: str, limit: int) -> None:
    engine = limited(examples, limit)
    refused = examples.answer(GraphQLRequest(query), Audience.PUBLIC, engine)
    advised = re.findall(r"`(first|last): (\d+)` at `([\w.]+)`", refused.body.decode())
    if refused.has_data or not advised:
        return
    cost, more = (cost_of(examples, apply_advice(query, advised, by)) for by in (0, 1))
    assert cost <= limit < more


def apply_advice(query: str, advised: list[tuple[str, str, str]], by: int) -> str:
    """Apply the advised sizes to the query, each increased by `by`."""
    node: Any = parse(query).definitions[0]
    for name, size, path in advised:
        value = IntValueNode(value=str(int(size) + by))
        node = sized(node, path.split("."), ArgumentNode(name=NameNode(value=name), value=value))
    return print_ast(node)


def sized(node: Any, path: list[str], argument: ArgumentNode) -> Any:
    """Return the node with `argument` as the only argument of the field at a path below it."""
    if not path:
        return replace(node, arguments=(argument,))
    selections = tuple(
        sized(one, path[1:], argument) if (one.alias or one.name).value == path[0] else one
        for one in node.selection_set.selections
    )
    return replace(node, selection_set=replace(node.selection_set, selections=selections))


def test_without_a_possible_size_several_requests_are_suggested(examples: Product) -> None:
    answer = examples.answer(GraphQLRequest("{ sections { path } }"), Audience.PUBLIC, limited(examples, 5))
    assert b"costs 10, and the limit is 5: request less, or send several requests." in answer.body


def test_front_end_queries_are_within_the_default_limits(examples: Product) -> None:
    engine = Engine(examples.engine.store, examples.engine.schema, DEFAULT_LIMITS)
    page = (
        "title image { url } provider { name } topics { name } related(first: 6) { title article { slug } }"
    )
    query = f"{{ articles(first: 50) {{ edges {{ node {{ {page} }} }} pageInfo {{ endCursor }} }} }}"
    assert examples.answer(GraphQLRequest(query), Audience.PUBLIC, engine).has_data


class Generated:
    """A folder with all unusual cases, and generated requests over it."""

    def __init__(self, product: Product, folder: Any) -> None:
        self.product = product
        content = read_folder(folder)
        self.operations = operations(SCHEMA, values_of(content, Oracle(SCHEMA).registry))
        self.engine = limited(product, 10**9)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    place = tmp_path_factory.mktemp("cost")
    folder = write_folder(place / "content", seed=7, articles=60)
    run_ingest(folder, place / "store.db")
    with Product(place / "store.db") as product:
        yield Generated(product, folder)


@examples(300)
@given(data=st.data())
def test_no_response_has_more_objects_than_its_cost(generated: Generated, data: st.DataObject) -> None:
    audience = data.draw(st.sampled_from(Audience))
    document, variables, name = data.draw(generated.operations)
    asked = GraphQLRequest(document, variables, name, include_cost=True)
    answer = json.loads(generated.product.answer(asked, audience, generated.engine).body)
    if answer.get("data") is not None:
        cost = answer["extensions"]["cost"]["requested"]
        assert objects_in(SCHEMA, document, name, variables, answer["data"]) <= cost
