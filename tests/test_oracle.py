"""The oracle itself: how it reads files, cuts pages and rejects requests, and that its checks find faults."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.oracle.acting import likely_similar, resolve_markers
from tests.oracle.content import read_folder
from tests.oracle.document import Operation
from tests.oracle.engine import SDL, Oracle, oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.harness import check, differences, learn_cursors
from tests.oracle.markers import Cursor, EntryId, Registry, Version
from tests.oracle.matching import matches
from tests.oracle.strategies import Options, operations
from tests.oracle.terms import parse as parse_query
from tests.oracle.values import values_of
from tests.oracle.world import AUDIENCES, Audience, World, make_world

SCHEMA = oracle_schema(SDL.read_text(encoding="utf-8"))


class Setting:
    """A folder's worlds, an oracle, and a program that responds as the oracle does."""

    def __init__(self, folder: Path) -> None:
        self.content = read_folder(folder)
        self.oracle = Oracle(SCHEMA)
        self.worlds: dict[Audience, World] = {one: make_world(self.content, one) for one in AUDIENCES}
        for world in self.worlds.values():
            learn_cursors(self.ask, self.oracle, world)
        self.values = values_of(self.content, self.oracle.registry)

    def ask(
        self, query: str, variables: dict[str, Any], name: str | None, audience: Audience
    ) -> dict[str, Any]:
        world = self.worlds[audience]
        answer = self.oracle.execute(world, query, variables, name, similar=partial(likely_similar, world))
        answer = resolve_markers(answer)
        parsed: dict[str, Any] = json.loads(json.dumps(answer))
        return parsed


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(write_folder(tmp_path_factory.mktemp("content"), seed=1, articles=40))


# ---------------------------------------------------------------- requests


@examples(40)
@given(data=st.data())
def test_generated_requests_are_valid_and_the_harness_accepts_the_right_answer(
    setting: Setting, data: st.DataObject
) -> None:
    operation = data.draw(operations(SCHEMA, setting.values, Options(null_for_default=10)))
    assert validate(SCHEMA, parse(operation.document)) == []
    check(setting.ask, setting.oracle, setting.worlds[data.draw(st.sampled_from(AUDIENCES))], operation)


FAULTS = [
    (lambda answer: answer["data"]["site"].pop("articleCount"), "keys"),
    (lambda answer: answer["data"].update(site=dict(reversed(answer["data"]["site"].items()))), "keys"),
    (lambda answer: answer["data"]["site"].update(articleCount=True), "True|true"),
    (lambda answer: answer["data"]["articles"]["edges"].pop(), "elements"),
    (lambda answer: answer["data"]["articles"]["edges"].reverse(), "Cursor"),
    (lambda answer: answer["data"]["articles"]["edges"][0].update(cursor=None), "Cursor"),
    (lambda answer: answer.update(errors=[{"path": ["site"]}]), "errors"),
    (lambda answer: answer.pop("data"), "data"),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS)
def test_the_harness_sees_a_fault(setting: Setting, spoil: Any, said: str) -> None:
    query = "{ site { articleCount providerCount } articles(first: 2) { edges { cursor } } }"

    def ask(*request: Any) -> dict[str, Any]:
        answer = deepcopy(setting.ask(*request))
        spoil(answer)
        return answer

    with pytest.raises(AssertionError, match=said):
        check(ask, setting.oracle, setting.worlds["open"], Operation(query, {}, None))


def test_one_cursor_text_stands_for_one_place() -> None:
    registry = Registry()
    one, other = Cursor("Query.articles", (1, "a")), Cursor("Query.articles", (1, "b"))
    assert registry.matches(one, "x")
    assert not registry.matches(other, "x")
    assert not registry.matches(one, "y")
    assert registry.matches(other, "y")


def test_one_id_stands_for_one_entry() -> None:
    registry = Registry()
    one, other = EntryId("a", "/x", 0), EntryId("a", "/x", 1)
    assert matches(one, "x", registry)
    assert matches(one, "x", registry)
    assert not matches(other, "x", registry)
    assert not matches(one, "y", registry)
    assert not matches(EntryId("b", "/x", 0), None, registry)


def test_searches_that_ask_for_the_same_may_share_a_cursor_text() -> None:
    registry = Registry()
    one, same, other = (Cursor("Query.search", (1,), (parse_query(text),)) for text in ("a", "A -", "b"))
    assert registry.matches(one, "x")
    assert registry.matches(same, "x")
    assert not registry.matches(other, "x")
    assert not registry.matches(same, "y")


def test_a_version_stands_for_one_place_and_inside_a_walk_one_to_one() -> None:
    registry = Registry()
    start, inside, end = (Version("public", place, 2) for place in range(3))
    assert registry.version_matches(inside, "x")
    assert not registry.version_matches(inside, "y")
    assert not registry.version_matches(end, "x")
    assert registry.version_matches(end, "z")
    assert registry.version_matches(end, "site")
    assert not registry.version_matches(start, "z")
    assert registry.version_matches(Version("open", 2, 3), "x")


def test_keys_in_another_order_are_a_difference() -> None:
    assert list(differences({"data": {"a": 1, "b": 2}}, {"data": {"b": 2, "a": 1}}, Registry()))


# ---------------------------------------------------------------- refusals and pages

REFUSALS = [
    ("{ articles(first: -1) { totalCount } }", "articles", "BAD_PAGE"),
    ("{ articles(first: 1, last: 1) { totalCount } }", "articles", "BAD_PAGE"),
    ("{ providers(last: 101) { totalCount } }", "providers", "BAD_PAGE"),
    ('{ a: articles(after: "x") { totalCount } }', "a", "BAD_CURSOR"),
    ('{ node(id: "") { ... on Topic { articles(first: -1) { totalCount } } } }', "node.articles", "BAD_PAGE"),
    (
        "{ topics { ... on Node { ... on Topic { articles(first: -1) { totalCount } } } } }",
        "topics.articles",
        "BAD_PAGE",
    ),
    (
        '{ b: article(slug: "") { images(first: -1) { url } } articles(first: -1) { totalCount } }',
        "b.images",
        "BAD_PAGE",
    ),
    ('{ search(query: "", after: "x") { totalCount } }', "search", "BAD_CURSOR"),
    ('{ trending(halfLife: "P1M") { totalCount } }', "trending", "BAD_DURATION"),
    ("{ articles { facets { topics(first: -1) { count } } } }", "articles.facets.topics", "BAD_PAGE"),
    (
        '{ t: topic(slug: "ai") { articles(where: {not: {updatedAt: {eq: ""}}}) { totalCount } } }',
        "t.articles",
        "BAD_DATE",
    ),
    ('{ changes(since: "x") { version } articles(first: -1) { totalCount } }', "changes", "BAD_VERSION"),
    (
        "query($n: Int = -1) { articles { nodes { related(first: $n) { url } } } }",
        "articles.nodes.related",
        "BAD_PAGE",
    ),
]


@pytest.mark.parametrize(("query", "path", "code"), REFUSALS)
def test_a_bad_argument_refuses_the_whole_request(setting: Setting, query: str, path: str, code: str) -> None:
    answer = setting.oracle.execute(setting.worlds["public"], query)
    assert answer["errors"] == [{"path": path.split("."), "extensions": {"code": code}}]
    assert "data" not in answer


UNREACHED = [
    "{ articles(first: -1) @skip(if: true) { totalCount } }",
    "{ ... @include(if: false) { articles(first: -1) { totalCount } } }",
    "{ topics { ... on Node { ... on Provider { images(first: -1) { url } } } } }",
]


@pytest.mark.parametrize("query", UNREACHED)
def test_a_bad_argument_that_no_execution_reaches_is_no_fault(setting: Setting, query: str) -> None:
    assert "errors" not in setting.oracle.execute(setting.worlds["public"], query)


def cursors(setting: Setting) -> list[str]:
    """Return the program's cursors of all articles, in order."""
    query = "{ articles(first: 100) { edges { cursor } } }"
    operation = Operation(query, {}, None)
    check(setting.ask, setting.oracle, setting.worlds["open"], operation)
    answer = setting.ask(*operation, "open")
    return [edge["cursor"] for edge in answer["data"]["articles"]["edges"]]


ORDERS = [
    ("", "orderBy: {field: PUBLISHED_DATE_TIME, nulls: FIRST}", None),
    ("", "orderBy: []", None),
    ("", 'where: {slug: {eq: ""}}, collapse: URL', None),
    ("orderBy: {field: HEAT}", "orderBy: [{field: HEAT}, {field: HEAT, direction: ASC}]", None),
    ("orderBy: {field: HEAT}", "orderBy: {field: HEAT, nulls: FIRST}", "BAD_CURSOR"),
    ("orderBy: {field: HEAT}", "", "BAD_CURSOR"),
]


@pytest.mark.parametrize(("one", "other", "code"), ORDERS)
def test_a_cursor_holds_for_one_order(setting: Setting, one: str, other: str, code: str | None) -> None:
    given = Operation(f"{{ articles(first: 1, {one}) {{ pageInfo {{ endCursor }} }} }}", {}, None)
    check(setting.ask, setting.oracle, setting.worlds["open"], given)
    cursor = setting.ask(*given, "open")["data"]["articles"]["pageInfo"]["endCursor"]
    query = f"query ($after: String) {{ articles(after: $after, {other}) {{ totalCount }} }}"
    answer = setting.oracle.execute(setting.worlds["open"], query, {"after": cursor})
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert codes == ([code] if code else [])


# (arguments, with cursors as the numbers of the 40 articles; articles on the page; whether there are
# articles before it; whether there are articles after it)
PAGES: list[tuple[dict[str, int], range, bool, bool]] = [
    ({}, range(20), False, True),
    ({"first": 3}, range(3), False, True),
    ({"first": 100}, range(40), False, False),
    ({"last": 3}, range(37, 40), True, False),
    ({"first": 2, "after": 5}, range(6, 8), True, True),
    ({"last": 2, "before": 5}, range(3, 5), True, True),
    ({"first": 9, "after": 5, "before": 8}, range(6, 8), True, True),
    ({"before": 3}, range(3), False, True),
    ({"first": 0}, range(0), False, True),
    ({"last": 0}, range(0), True, False),
    ({"first": 0, "after": 5}, range(0), True, True),
    ({"first": 2, "after": 39}, range(0), True, False),
    ({"last": 2, "before": 0}, range(0), False, True),
]


@pytest.mark.parametrize(("arguments", "expected", "before", "after"), PAGES)
def test_a_page_is_exact_about_what_stands_around_it(
    setting: Setting, arguments: dict[str, int], expected: range, before: bool, after: bool
) -> None:
    known = cursors(setting)
    variables = {
        key: known[value] if key in {"after", "before"} else value for key, value in arguments.items()
    }
    query = """query($first: Int, $last: Int, $after: String, $before: String) {
      articles(first: $first, last: $last, after: $after, before: $before) {
        nodes { slug } pageInfo { hasPreviousPage hasNextPage } } }"""
    page = setting.oracle.execute(setting.worlds["open"], query, variables)["data"]["articles"]
    slugs = [article.slug for article in setting.worlds["open"].articles]
    assert [node["slug"] for node in page["nodes"]] == [slugs[number] for number in expected]
    assert page["pageInfo"] == {"hasPreviousPage": before, "hasNextPage": after}


# ---------------------------------------------------------------- the real articles


def test_the_figures_counted_over_the_real_articles_are_met(corpus: Path) -> None:
    content = read_folder(corpus / "ai2020")
    whole = make_world(content, "open")
    entries = [(article, entry) for article in content for entry in article.related]
    assert (len(content), len(entries)) == (8_682, 67_117)
    assert len(make_world(content, "public").articles) == 1_841
    assert (len(whole.providers), len(whole.topics)) == (1_354, 15)
    assert sum(entry.url in whole.by_url for _, entry in entries) == 66_533
    assert sum(entry.url in article.urls for article, entry in entries) == 138
    links = [
        whole.by_url[entry.url]
        for article, entry in entries
        if article.is_published and entry.url in whole.by_url
    ]
    assert (len(links), sum(not target.is_published for target in links)) == (3_728, 3_370)
