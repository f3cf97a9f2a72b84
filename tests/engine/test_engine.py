"""The engine's responses to rejected and failing requests."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from gqlnews.database.protocol import BatchResults, Statements
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.product import Product
from tests.store import UnreadStore

ANY = "{ articles(first: 1) { nodes { slug } } }"


def nested(articles: int) -> str:
    """A query of nested articles."""
    inner = "{ related { article " * (articles - 1)
    return f'{{ article(slug: "x") {inner}{{ slug }}{" } }" * (articles - 1)} }}'


@pytest.mark.parametrize(
    ("query", "variables", "name", "code", "path"),
    [
        ("{", None, None, "GRAPHQL_PARSE_FAILED", None),
        ("", None, None, "GRAPHQL_PARSE_FAILED", None),
        ("{ nothing }", None, None, "GRAPHQL_VALIDATION_FAILED", None),
        ("{ article { slug } }", None, None, "GRAPHQL_VALIDATION_FAILED", None),
        ("mutation { a }", None, None, "GRAPHQL_VALIDATION_FAILED", None),
        ("query A { topics { slug } } query B { topics { slug } }", None, None, "BAD_USER_INPUT", None),
        ("query A { topics { slug } }", None, "B", "BAD_USER_INPUT", None),
        ("fragment F on Topic { slug }", None, None, "GRAPHQL_VALIDATION_FAILED", None),
        ("query ($n: Int!) { articles(first: $n) { totalCount } }", {}, None, "BAD_USER_INPUT", None),
        (
            "query ($n: Int!) { articles(first: $n) { totalCount } }",
            {"n": "x"},
            None,
            "BAD_USER_INPUT",
            None,
        ),
        ("query ($u: URL!) { articleByUrl(url: $u) { slug } }", {"u": 7}, None, "BAD_USER_INPUT", None),
        ("{ articles(first: -1) { totalCount } }", None, None, "BAD_PAGE", ["articles"]),
        ("{ a: articles(first: 101) { totalCount } }", None, None, "BAD_PAGE", ["a"]),
        ("{ articles(first: 1, last: 1) { totalCount } }", None, None, "BAD_PAGE", ["articles"]),
        ('{ articles(after: "x") { totalCount } }', None, None, "BAD_CURSOR", ["articles"]),
        (
            "{ articles { nodes { r: related(offset: -1) { title } } } }",
            None,
            None,
            "BAD_PAGE",
            ["articles", "nodes", "r"],
        ),
        (
            "{ topics { articles(last: 200) { totalCount } } }",
            None,
            None,
            "BAD_PAGE",
            ["topics", "articles"],
        ),
        ("{ site { problems(first: -1) { path } } }", None, None, "BAD_PAGE", ["site", "problems"]),
        (nested(17), None, None, "TOO_DEEP", ["article", *["related", "article"] * 16]),
        (
            '{ node(id: "nope") { ... on Article { images(first: -2) { url } } } }',
            None,
            None,
            "BAD_PAGE",
            ["node", "images"],
        ),
    ],
)
def test_a_rejected_request_has_a_code_a_path_and_no_data(
    examples: Product,
    query: str,
    variables: Mapping[str, Any] | None,
    name: str | None,
    code: str,
    path: list[str] | None,
) -> None:
    answer = examples.ask(query, variables, name)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == code
    assert answer["errors"][0].get("path") == path
    assert len(answer["errors"]) == 1


def test_the_outermost_invalid_argument_is_reported_first(examples: Product) -> None:
    query = "{ articles(first: -1) { nodes { images(first: -1) { url } } } }"
    assert [error["path"] for error in examples.ask(query)["errors"]] == [["articles"]]


def test_sixteen_articles_deep_is_not_too_deep(examples: Product) -> None:
    assert examples.data(nested(16)) == {"article": None}


def test_a_skipped_invalid_argument_is_ignored(examples: Product) -> None:
    query = "query ($no: Boolean!) { articles(first: -1) @include(if: $no) { totalCount } __typename }"
    assert examples.data(query, {"no": False}) == {"__typename": "Query"}
    assert examples.ask(query, {"no": True})["errors"][0]["extensions"]["code"] == "BAD_PAGE"


def test_a_null_for_an_argument_with_a_default_fails_only_its_field(examples: Product) -> None:
    query = 'query ($s: String = "x") { article(slug: $s) { slug } topics { slug } }'
    answer = examples.ask(query, {"s": None})
    assert answer["data"]["article"] is None
    assert answer["data"]["topics"]
    assert answer["errors"][0]["path"] == ["article"]
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


NO_VALUE = "query ($v: Boolean = true) { %s }"


@pytest.mark.parametrize(
    ("selection", "data"),
    [
        ('article(slug: "x") @skip(if: $v) { slug }', None),
        ('article(slug: "x") { slug @skip(if: $v) } topics { id @skip(if: true) }', {"article": None}),
        ("articles { totalCount @include(if: $v) }", None),
    ],
)
def test_a_null_directive_argument_is_an_error_of_its_field(
    examples: Product, selection: str, data: dict[str, Any] | None
) -> None:
    answer = examples.ask(NO_VALUE % selection, {"v": None})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "'if'" in answer["errors"][0]["message"]
    if data is None:
        assert answer["data"] is None
    else:
        assert answer["data"]["article"] is None
        assert answer["data"]["topics"][0] == {}


def test_a_request_for_too_many_fields_is_rejected(examples: Product) -> None:
    wide = " ".join(f"a{number}: related {{ article {{ slug }} }}" for number in range(200))
    answer = examples.ask(f"{{ articles {{ nodes {{ {wide} }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "TOO_WIDE"
    many = " ".join(f"a{number}: site {{ version }}" for number in range(300))
    assert examples.ask(f"{{ {many} }}")["errors"][0]["extensions"]["code"] == "TOO_WIDE"


@pytest.mark.parametrize(
    "id", ["", "garbage", "QXJ0aWNsZTp4", "Tm9wZTp4", "QXJ0aWNsZQ==", "QXJ0aWNsZTp4\n", "=====", "é"]
)
def test_an_unknown_id_is_null(examples: Product, id: str) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }"
    assert examples.data(query, {"id": id}) == {"node": None, "nodes": [None]}


class FailingStore(UnreadStore):
    async def execute_batch(self, statements: Statements) -> BatchResults:
        raise OSError("/secret/path is gone")


def test_internal_errors_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    asked = GraphQLRequest('{ article(slug: "x") { slug } }')
    answer = json.loads(asyncio.run(Engine(FailingStore()).execute(asked, Audience.PUBLIC)).body)
    assert answer["data"] == {"article": None}
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in json.dumps(answer)
    assert "/secret/path is gone" in caplog.text
