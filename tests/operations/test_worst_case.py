"""The cost is that of the variables with which an operation costs most."""

from pathlib import Path

import pytest

from gqlnews.config.settings import Limits
from tests.operations.support import check_files, found, messages

COSTLY = "articles(first: $n) { nodes { title } }"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (f"query Q($n: Int!) {{ {COSTLY} }}", "101 objects with $n at its maximum of 100"),
        (f"query Q($n: Int) {{ {COSTLY} }}", "101 objects with $n at its maximum of 100"),
        (f"query Q($n: Int = 30) {{ {COSTLY} }}", "31 objects"),
        (
            "query Q($n: Int) { articles(last: $n) { nodes { title } } }",
            "101 objects with $n at its maximum of 100",
        ),
        (
            "query Q($n: Int, $m: Int) { articles(first: $n, last: $m) { nodes { title } } }",
            "101 objects with $n at its maximum of 100",
        ),
        ("query Q($n: Int) { articles(first: 30, last: $n) { nodes { title } } }", "31 objects"),
        ("query Q($n: Int) { topics(first: $n) { slug } }", "100 objects with $n at 100"),
        ("query Q($n: [ID!]!) { nodes(ids: $n) { id } }", "100 objects with $n at its maximum of 100"),
        ("query Q($n: ID!) { nodes(ids: [$n, $n, $n]) { id } }", None),
        (
            "query Q($a: Boolean!, $n: Int!) { articles(first: $n) @include(if: $a) { nodes { slug } } "
            "topics(first: 30) @skip(if: $a) { slug } }",
            "101 objects with $n at its maximum of 100 and $a true",
        ),
        (
            f"query Q($n: Int!) {{ {COSTLY} b: articles(first: $n) {{ nodes {{ slug }} }} }}",
            "202 objects with $n at its maximum of 100",
        ),
    ],
)
def test_the_cost_is_that_of_the_largest_pages(tmp_path: Path, document: str, expected: str | None) -> None:
    report = check_files(tmp_path, {"a.graphql": document}, Limits(max_cost=10))
    if expected is None:
        assert messages(report) == []
    else:
        (message,) = messages(report)
        assert message.startswith(f"`Q` costs up to {expected}; the limit is 10: ")


def test_the_page_size_is_that_of_the_limits(tmp_path: Path) -> None:
    limits = Limits(max_cost=10, max_page_size=50)
    (message,) = messages(check_files(tmp_path, {"a.graphql": f"query Q($n: Int!) {{ {COSTLY} }}"}, limits))
    assert "51 objects with $n at its maximum of 50" in message


@pytest.mark.parametrize(
    "document",
    [
        "query Q($v: String!) { article(slug: $v) { title } }",
        "query Q($v: URL!) { articleByUrl(url: $v) { title } }",
        "query Q($v: ArticleFilter!) { articles(where: $v) { totalCount } }",
        "query Q($v: DateTime!, $w: [String!]!) { articles(where: { publishedDateTime: { gte: $v }, "
        "topic: { any: $w }, and: [{ slug: { in: $w } }] }) { totalCount } }",
        "query Q($v: [ArticleOrder!]!) { articles(orderBy: $v) { totalCount } }",
        "query Q($v: ArticleOrderField!) { articles(orderBy: [{ field: $v }]) { totalCount } }",
        "query Q($v: Duration!, $w: DateTime) { trending(halfLife: $v, asOf: $w) { totalCount } }",
        "query Q($v: String!) { articles(after: $v) { totalCount } }",
        "query Q($v: String!) { changes(since: $v) { hasMore } }",
        'query Q($v: String) { search(query: "a", after: $v) { totalCount } }',
        "query Q($v: StringFilter!) { authors(name: $v) { totalCount } }",
        "query Q($v: Int!) { stories(minSize: $v) { totalCount } }",
        "query Q($v: ID!) { node(id: $v) { id ... on Article { title } } }",
        "query Q($v: Interval!) { articles { facets { published(by: $v) { count } topics { count } } } }",
        'query Q($v: Int!, $w: String) { articles { nodes { ...F @defer(label: "f") } } '
        'topics(first: $v) @stream(initialCount: $v) { slug } search(query: "a", after: $w) { totalCount } } '
        "fragment F on Article { title }",
        "subscription Q($v: ArticleFilter, $w: String) { articleChanged(where: $v, since: $w) { kind } }",
    ],
)
def test_variables_of_every_type_are_no_mistake(tmp_path: Path, document: str) -> None:
    assert messages(check_files(tmp_path, {"a.graphql": document})) == []


def test_an_unknown_cursor_does_not_hide_a_wrong_page(tmp_path: Path) -> None:
    document = "query Q($v: String!) { articles(first: 101, after: $v) { totalCount } }"
    assert found(check_files(tmp_path, {"a.graphql": document})) == ["a.graphql:1:24 bad-page"]
