"""The cost is that of the variables with which an operation costs most."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument

from gqlnews.config.settings import UNLIMITED, Limits
from tests.operations.support import check_files, found, messages, schema

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
        "query Q($v: ArticleOrder!) { articles(orderBy: [$v]) { totalCount } }",
        "query Q($v: Int!) { articles(where: { quality: { in: [$v, 3] } }) { totalCount } }",
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


def operations_with_all_arguments() -> Iterator[str]:
    """Yield an operation for each field with arguments, each argument a variable that is required."""
    types = schema()._schema
    paths: dict[str, tuple[str, ...]] = {"Query": ("query",), "Subscription": ("subscription",)}
    pending = list(paths)
    while pending:
        kind = types.type_map[name := pending.pop(0)]
        assert isinstance(kind, GraphQLObjectType)
        for field_name, field in kind.fields.items():
            of = get_named_type(field.type)
            if field.args:
                variables = ", ".join(
                    f"${one}: {str(arg.type).rstrip('!')}!" for one, arg in field.args.items()
                )
                arguments = ", ".join(f"{one}: ${one}" for one in field.args)
                operation, *above = paths[name]
                selection = "" if is_leaf_type(of) else " { __typename }"
                inner = " ".join(f"{one} {{" for one in above) + f" {field_name}({arguments}){selection}"
                yield f"{operation} {name}_{field_name}({variables}) {{ {inner} {'} ' * len(above)}}}"
            is_free = not any(is_required_argument(argument) for argument in field.args.values())
            if isinstance(of, GraphQLObjectType) and is_free and of.name not in paths:
                paths[of.name] = (*paths[name], field_name)
                pending.append(of.name)


def test_variables_are_no_mistake_in_any_argument(tmp_path: Path) -> None:
    operations = list(operations_with_all_arguments())
    assert len(operations) > 30
    report = check_files(tmp_path, {"a.graphql": "\n".join(operations)}, UNLIMITED)
    assert [str(finding) for finding in report.findings] == []
    assert report.operations == len(operations)


def test_a_value_that_the_planner_rejects_is_reported(tmp_path: Path) -> None:
    document = "query Q { topics @stream(initialCount: -1) { slug } }"
    assert found(check_files(tmp_path, {"a.graphql": document})) == ["a.graphql:1:11 bad-user-input"]


def test_all_combinations_of_few_conditions_are_tried(tmp_path: Path) -> None:
    """With more than six conditions, all are true."""
    for count in (6, 7):
        names = [f"b{number}" for number in range(count)]
        variables = " ".join(f"${name}: Boolean!" for name in names)
        fields = " ".join(f"{name}: site @skip(if: ${name}) {{ version }}" for name in names)
        document = f"query Q({variables}) {{ {fields} }}"
        report = check_files(tmp_path, {"a.graphql": document}, Limits(max_cost=5))
        assert len(report.findings) == (1 if count == 6 else 0)
