"""The estimated scan work of each part of a query, computed from the store's sizes."""

from typing import Any

import pytest

from benchmarks.front_end import query_names, query_text
from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.engine.requests import GraphQLRequest, PreparedQuery
from gqlnews.errors import Code
from gqlnews.query.entities import Audience
from gqlnews.query.scan import Scan, Sizes, scan_limit_error, scan_work
from tests.product import Product

SIZES: Sizes = {
    "": 100_000,
    "provider": 9_000,
    "topic": 2_000,
    "story": 10_000,
    "article_topic": 200_000,
    "article.provider_domain": 6_000,
    "article_topic.topic": 50_000,
    "story_article.story": 70,
}
FACETS = (
    "topics { count } providers { count } types { count } categories { count } published { count } "
    "quality { min } heat { min }"
)
TITLE = 'where: {title: {contains: "x"}}'
LIST = f"articles({TITLE}) {{ totalCount }}"
EDGES = "pageInfo { hasPreviousPage }"


def estimate(product: Product, query: str, variables: dict[str, Any] | None = None) -> int:
    prepared = product.engine.prepare(GraphQLRequest(query, variables), Audience.PUBLIC)
    assert isinstance(prepared, PreparedQuery), prepared
    return prepared.bound.scan_work.for_sizes(SIZES)


@pytest.mark.parametrize(
    ("query", "work"),
    [
        # By keys, and by an index with the order: only returned rows are read.
        ('{ article(slug: "x") { title related { title } story { size } } }', 0),
        ("{ articles(first: 100) { nodes { slug } pageInfo { hasNextPage hasPreviousPage } } }", 0),
        ("{ articles(orderBy: {field: PUBLISHED_DATE_TIME, direction: ASC}) { nodes { slug } } }", 0),
        ("{ topics { articles(first: 3) { nodes { slug } } } }", 0),
        ('{ provider(domain: "x") { articles { nodes { slug } pageInfo { hasNextPage } } } }', 0),
        ("{ changes { nodes { slug } } }", 0),
        ("{ site { version articleCount } }", 0),
        ("{ __schema { types { name } } }", 0),
        # Without filter: counts, facets, and orders without an index.
        ("{ articles(first: 0) { totalCount } }", 100),
        ("{ articles(first: 0) { a: totalCount b: totalCount } }", 200),
        ("{ articles(orderBy: {field: TITLE}) { nodes { slug } } }", 100 * (8 + 15)),
        ("{ trending { nodes { slug } } }", 100 * (8 + 1 + 15)),
        ("{ articles(first: 0) { facets { topics { count } } } }", 100 * (8 + 12)),
        ("{ articles(first: 0) { facets { published { count } quality { min } } } }", 100 * (8 + 15 + 8 + 4)),
        # Each test, each time the list is read.
        ("{ articles(where: {quality: {gte: 5}}) { nodes { slug } } }", 100 * (8 + 1)),
        ("{ articles(where: {quality: {gte: 5, lt: 9}}) { totalCount } }", 100 * (8 + 2)),
        ("{ articles(where: {quality: {in: [5, 6]}}) { totalCount } }", 100 * (8 + 7)),
        ('{ articles(where: {topic: {any: ["a", "b"]}}) { totalCount } }', 100 * (8 + 2 * 4)),
        (f"{{ articles({TITLE}) {{ totalCount }} }}", 100 * (8 + 20)),
        ('{ articles(where: {not: {title: {contains: "x"}}}) { totalCount } }', 100 * (8 + 20)),
        ('{ articles(where: {matches: "one two"}) { totalCount } }', 100 * (8 + 3 + 30)),
        ('{ articles(where: {matches: "one*"}) { totalCount } }', 100 * (8 + 3 + 20 + 165)),
        (f"{{ articles({TITLE}) {{ totalCount nodes {{ slug }} }} }}", 2 * 100 * (8 + 20)),
        (f"{{ articles({TITLE}) {{ nodes {{ slug }} pageInfo {{ hasNextPage }} }} }}", 100 * (8 + 20)),
        (f"{{ articles({TITLE}) {{ nodes {{ slug }} {EDGES} }} }}", 2 * 100 * (8 + 20)),
        (f"{{ articles(last: 5, {TITLE}) {{ nodes {{ slug }} {EDGES} }} }}", 100 * 28),
        (f"{{ articles({TITLE}) {{ facets {{ {FACETS} }} }} }}", 100 * (7 * 28 + 4 * 70 + 15 + 2 * 4)),
        # `collapse`, which tests others in the group for each article.
        (f"{{ articles({TITLE}, collapse: STORY) {{ totalCount }} }}", 100 * (8 + 4 * 20 + 300)),
        # A list per parent, in total no more than there are.
        (f'{{ provider(domain: "x") {{ articles({TITLE}) {{ totalCount }} }} }}', 6 * (80 + 20)),
        (f"{{ providers(first: 99) {{ nodes {{ articles({TITLE}) {{ totalCount }} }} }} }}", 100 * 100),
        ('{ topic(slug: "x") { articles(first: 0) { totalCount } } }', 50),
        # Without an index for the filter, all of a topic's articles are scanned for each topic.
        (f'{{ topic(slug: "x") {{ articles({TITLE}) {{ totalCount }} }} }}', 50 * (8 + 20) + 100 * 12),
        (f"{{ topics {{ articles({TITLE}) {{ totalCount }} }} }}", 200 * (8 + 20) + 2_000 * 100 * 12),
        ("{ articles(first: 0) { facets { topics(first: 9) { topic { " + LIST + " } } } } }",
         200 * (8 + 20) + 9 * 100 * 12 + 2 * 100 * (8 + 12)),
        ("{ articles(first: 20) { nodes { similar { slug } } } }", 20 * 750),
        # Search.
        ('{ search(query: "one") { nodes { slug } } }', 100 * (65 + 10 + 20)),
        ('{ search(query: "one*") { nodes { slug } totalCount } }', 100 * (65 + 185 + 2 * 20)),
        (f'{{ search(query: "one", {TITLE}) {{ totalCount }} }}', 100 * (65 + 10 + 80 + 20 + 20)),
        ('{ search(query: "one") { edges { snippet } } }', 100 * (65 + 10 + 5 + 20)),
    ],
)  # fmt: skip
def test_estimated_scan_work(examples: Product, query: str, work: int) -> None:
    assert estimate(examples, query) == work


VARIABLES: dict[str, dict[str, Any]] = {
    "archive-month": {"from": "2020-01-01", "to": "2020-02-01"},
    "article-by-url": {"url": "https://x.example/"},
    "article-page": {"slug": "x"},
    "author-page": {"slug": "x"},
    "editors-choice": {"topics": ["a", "b", "c"], "without": ["d", "e"]},
    "next-and-previous": {"slug": "x"},
    "provider-page": {"domain": "x"},
    "providers-directory": {"part": "an"},
    "section-page": {"path": "x"},
    "search": {"query": "harbour -title:tunnel -swan"},
    "search-as-you-type": {"query": "tram*"},
    "search-narrowed": {"query": "tunnel OR ferry", "domain": "x", "since": "2020-01-01"},
    "story-page": {"id": "x"},
    "topic-page": {"slug": "x"},
    "topic-page-best": {"slug": "x", "least": 60},
    "trending": {"asOf": "2020-01-01"},
    "which-pages-show-an-article": {"slugs": [f"x{number}" for number in range(50)]},
}
ROOM = 1.7


@pytest.mark.parametrize("name", query_names())
def test_cookbook_queries_are_within_the_limit_at_100_000_articles(examples: Product, name: str) -> None:
    assert estimate(examples, query_text(name), VARIABLES.get(name)) * ROOM < DEFAULT_LIMITS.max_scan


@pytest.mark.parametrize("name", ["search", "search-as-you-type", "search-narrowed"])
def test_no_search_input_is_rejected_at_100_000_articles(examples: Product, name: str) -> None:
    typed = {"query": "a* OR b* OR c* OR d* " + "many words " * 12}
    assert estimate(examples, query_text(name), VARIABLES[name] | typed) <= DEFAULT_LIMITS.max_scan


def test_the_most_expensive_filter_is_far_over_the_limit(examples: Product) -> None:
    where = {"or": [{"title": {"contains": f"x{number}"}} for number in range(90)]}
    query = f"query ($w: ArticleFilter) {{ articles(where: $w) {{ totalCount facets {{ {FACETS} }} }} }}"
    assert estimate(examples, query, {"w": where}) > 10 * DEFAULT_LIMITS.max_scan


def test_scan_work_is_proportional_to_table_sizes_and_0_if_they_are_unknown() -> None:
    scans = [Scan(30, "article")]
    assert [scan_work(scans, {"": articles}) for articles in (0, 1, 100, 1_000_000)] == [0, 1, 3, 30_000]
    assert scan_work(scans, {}) == 0


def test_a_group_of_unknown_size_is_bounded() -> None:
    assert Scan(1, "a.b", parents=5).work({"": 100_000}) == 5_000
    assert Scan(1, "a.b", parents=5).work({"": 10}) == 50
    assert Scan(1, "a.b", parents=5, within="a").work({"": 10}) == 10
    assert Scan(1, "a.b", parents=5, parent_table="c").work({"": 10, "c": 2}) == 20


def test_the_error_names_the_work_and_the_most_expensive_field() -> None:
    scans = {"few": [Scan(1, "a")], "most": [Scan(9, "a")]}
    error = scan_limit_error(49, 50, scans, {"": 5_000})
    assert "50 thousand comparisons, and the limit is 49, most of them for `most`" in str(error)
    assert error.code is Code.TOO_COSTLY
