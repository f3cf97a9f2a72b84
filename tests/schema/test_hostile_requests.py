"""Requests designed to take long: each is rejected or ready to run before it disturbs other clients."""

import gc
import math
import time
from contextlib import suppress
from typing import Any

import pytest

from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse
from gqlnews.query.entities import Audience
from gqlnews.time_budget import TimeBudgetExceeded, time_budget
from tests.product import Product

USUAL = "{ articles { nodes { slug title excerpt url related { title article { title } } } } }"
MAX_TIMES_WITHIN_BUDGET = 16  # as a multiple of an ordinary document: parsing cannot be interrupted
ATTEMPTS = 5  # a busy machine may slow one of the two down
MOST_TIMES = 150  # as a multiple of an ordinary document: about half a second if that takes 3 ms
BODY = 250_000  # characters

LEAVES = "title excerpt url webUrl type quality slug category heat published body html wordCount updatedAt"
LINKS = ("related(first: 1) { article { %s } }", "story { articles(first: 1) { nodes { %s } } }")
TO_ARTICLE = "related { article { %s } } "


def many(text: str, count: int) -> str:
    """Repeat the text, with the number of each repetition in place of `%d`."""
    return " ".join(text.replace("%d", str(number)) for number in range(count))


def nodes(inner: str) -> str:
    return f"{{ articles(first: 1) {{ nodes {{ {inner} }} }} }}"


def doubling(inner: str) -> str:
    """Thirty fragments that each contain `inner`, with a spread of the next one in place of `%s`."""
    levels = (
        f"fragment F{one} on Article {{ {inner.replace('%s', f'...F{one + 1}')} }}" for one in range(30)
    )
    return f"{nodes('...F0')} {' '.join(levels)} fragment F30 on Article {{ slug }}"


def tree(depth: int) -> str:
    """Two links from each article, so that the selections double at each level."""
    return " ".join(link % tree(depth - 1) for link in LINKS) if depth else "slug"


def pairs(depth: int) -> str:
    """The same link twice from each article."""
    return TO_ARTICLE % (pairs(depth - 1) * 2 if depth else "slug")


def spreads_of_all_that_follow(count: int, most: int) -> str:
    texts = [nodes("...F0")]
    for one in range(count):
        following = range(one + 1, min(count, one + most))
        links = " ".join(TO_ARTICLE % f"...F{other}" for other in following)
        texts.append(f"fragment F{one} on Article {{ {links} slug }}")
    return " ".join(texts)


DOCUMENTS = {
    "one leaf again and again": nodes(many("title", 1_980)),
    "one field again and again": f"{{ {many('site { version }', 490)} }}",
    "one introspection again and again": f"{{ {many('__schema { types { name } }', 280)} }}",
    "one link again and again": nodes(many("related { article { slug } }", 210)),
    "one alias for two fields": nodes(many("a: title a: slug", 320)),
    "one key with arguments": f"{{ {many('a: articles(first: 1) { totalCount }', 180)} }}",
    "pairs of pairs": nodes(pairs(5) * 2),
    "fragments that double": doubling("%s %s"),
    "fragments that double in fields": doubling(f"{TO_ARTICLE} {TO_ARTICLE}"),
    "fragments that spread all that follow": spreads_of_all_that_follow(28, 9),
    "fragments side by side": nodes(many("...F%d", 180)) + many(" fragment F%d on Article { slug }", 180),
    "operations": many("query Q%d($a: Int) { ...F }", 100)
    + f" fragment F on Query {{ {many('a%d: articles(first: $a) { totalCount }', 40)} }}",
    "unknown names": nodes(many("titl%d", 1_900)),
    "long unknown names": nodes(many(f"{'t' * 120}%d", 1_900)),
    "unknown types": f"{{ {many('... on Articl%d { slug }', 300)} }}",
    "directives": f"{{ site {{ version {many('@skip(if: true)', 300)} }} }}",
    "filters": f"{{ articles(where: {{or: [{many('{title: {eq: 1}}', 200)}]}}) {{ totalCount }} }}",
    "deep filters": f"{{ articles(where: {'{not: ' * 190}{{}}{'}' * 190}) {{ totalCount }} }}",
    "deep selections": f"{'{ a ' * 900}{'}' * 900}",
    "deep lists": f"{{ articles(where: {'[' * 900}{']' * 900}) {{ totalCount }} }}",
    "comments": "#########\n" * (BODY // 10) + "{ site { version } }",
    "one long comment": f"#{'x' * BODY}\n{{ site {{ version }} }}",
    "blanks before errors": "\r\n" * (BODY // 2) + nodes(many("titl%d", 100)),
    "lines before errors": "\n" * 9_990 + nodes(many("titl%d", 100)),
    "one long text": f'{{ article(slug: "{"x" * BODY}") {{ titel }} }}',
    "lines of a text": f'{{ article(slug: """{many(" x", BODY // 4)}""") {{ slug }} }}'.replace("  ", "\n "),
    "a number without end": f"{{ articles(first: {'9' * BODY}) {{ totalCount }} }}",
    "all fields of many": f"{{ {many(f'a%d: articles {{ nodes {{ {LEAVES} }} }}', 20)} }}",
    "a tree of links": nodes(tree(5)),
}
FILTERED = "query ($w: ArticleFilter) { articles(where: $w) { totalCount } }"
WITH_VARIABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "parts": (FILTERED, {"w": {"and": [{}] * 80_000}}),
    "tests": (FILTERED, {"w": {"or": [{"title": {"contains": "x"}}] * 8_000}}),
    "values": (FILTERED, {"w": {"quality": {"in": [1] * 120_000}}}),
    "wrong values": (FILTERED, {"w": {"quality": {"in": ["x"] * 60_000}}}),
    "lines before them": ("\n" * 9_990 + FILTERED, {"w": {"quality": {"in": ["x"] * 60}}}),
    "as many values as may be": (FILTERED, {"w": {"quality": {"in": [1] * 19_000}}}),
    "unknown keys": (FILTERED, {"w": {f"k{number}": 1 for number in range(18_000)}}),
    "one long key": (FILTERED, {"w": {"t" * BODY: 1}}),
    "searches": (FILTERED, {"w": {"or": [{"matches": "a* " * 300}] * 90}}),
    "ids": ("query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["QXJ0aWNsZTph"] * 17_000}),
    "orders": (
        "query ($o: [ArticleOrder!]) { articles(orderBy: $o) { totalCount } }",
        {"o": [{"field": "QUALITY"}] * 8_000},
    ),
    "a cursor": ("query ($c: String) { articles(after: $c) { totalCount } }", {"c": (b"[" * 100_000).hex()}),
    "a duration": (
        "query ($d: Duration!) { trending(halfLife: $d) { totalCount } }",
        {"d": f"P{'9' * BODY}D"},
    ),
    "a date": ("query ($d: DateTime) { trending(asOf: $d) { totalCount } }", {"d": "9" * BODY}),
    "a version": ("query ($v: String) { changes(since: $v) { version } }", {"v": "9" * BODY}),
    "a search": ("query ($q: String!) { search(query: $q) { totalCount } }", {"q": "a* " * 80_000}),
}


def nested(depth: int) -> dict[str, Any]:
    where: dict[str, Any] = {}
    for _ in range(depth):
        where = {"not": where}
    return where


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_does_not_block_the_event_loop(examples: Product, name: str) -> None:
    assert times(examples, GraphQLRequest(DOCUMENTS[name])) < MOST_TIMES


@pytest.mark.parametrize("name", WITH_VARIABLES)
def test_variables_do_not_block_the_event_loop(examples: Product, name: str) -> None:
    assert times(examples, GraphQLRequest(*WITH_VARIABLES[name])) < MOST_TIMES


@pytest.mark.parametrize("depth", [17, 100, 300, 900])
def test_variables_may_be_as_deep_as_json_is(examples: Product, depth: int) -> None:
    engine = Engine(examples.engine.store, examples.engine.schema, DEFAULT_LIMITS)
    ready = engine.prepare(GraphQLRequest(FILTERED, {"w": nested(depth)}), Audience.PUBLIC)
    assert isinstance(ready, GraphQLResponse)
    assert not ready.has_data


@pytest.mark.parametrize("name", [*DOCUMENTS, *WITH_VARIABLES])
def test_a_time_budget_is_enforced(examples: Product, name: str) -> None:
    """The event loop spends a few milliseconds on a request; longer ones are prepared elsewhere."""
    asked = GraphQLRequest(DOCUMENTS[name]) if name in DOCUMENTS else GraphQLRequest(*WITH_VARIABLES[name])
    assert any(times_within_budget(examples, asked) < MAX_TIMES_WITHIN_BUDGET for _ in range(ATTEMPTS))


def times_within_budget(product: Product, asked: GraphQLRequest) -> float:
    """Return `times` with a budget of twice what an ordinary document takes now."""
    ordinary = min(seconds(product, GraphQLRequest(USUAL)) for _ in range(3))
    return times(product, asked, budget=2 * ordinary)


def times(product: Product, asked: GraphQLRequest, budget: float = math.inf) -> float:
    """Return the time relative to an ordinary document, each the best of three runs."""
    best = [
        min(seconds(product, one, given) for _ in range(3))
        for one, given in ((asked, budget), (GraphQLRequest(USUAL), math.inf))
    ]
    return best[0] / best[1]


def seconds(product: Product, asked: GraphQLRequest, budget: float = math.inf) -> float:
    """Return the processor time until the request is ready, rejected, or over its time budget."""
    engine = Engine(product.engine.store, product.engine.schema, DEFAULT_LIMITS)
    gc.disable()  # the time of a collection depends on the objects that other tests left
    try:
        start = time.thread_time()
        with time_budget(budget), suppress(TimeBudgetExceeded):
            engine.prepare(asked, Audience.PUBLIC)
        return time.thread_time() - start
    finally:
        gc.enable()
