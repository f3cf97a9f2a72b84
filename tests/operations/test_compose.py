"""Fragments with arguments (Relay) are checked with the values that are passed."""

from pathlib import Path

import pytest

from gqlnews.config.settings import Limits
from tests.operations.support import check_files, found, gql, messages

RELAY = """
fragment List_query on Query
@argumentDefinitions(count: { type: "Int", defaultValue: 10 }, after: { type: "String" }, %s)
@refetchable(queryName: "ListPagination") {
  articles(first: $count, after: $after) @connection(key: "List_articles") {
    edges { node { ...Card_article @arguments(size: $count) @relay(mask: false) } }
  }
}
fragment Card_article on Article @argumentDefinitions(size: { type: "Int!" }) @inline {
  title @required(action: THROW)
  related(first: $size) { title }
}
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", []),
        ("@arguments(count: 50)", []),
        ("@arguments(count: $n, after: $cursor)", []),
        ("@arguments(count: 101)", ["bad-page"]),
        ('@arguments(count: "ten")', ["graphql-validation-failed"]),
        ("@arguments(after: $n)", ["graphql-validation-failed"]),
    ],
)
def test_arguments_of_fragments_are_passed(tmp_path: Path, arguments: str, expected: list[str]) -> None:
    variables = "".join(
        f"${name}: {kind} "
        for name, kind in {"n": "Int = 5", "cursor": "String"}.items()
        if f"${name}" in arguments
    )
    query = f"query List{f'({variables})' if variables else ''} @preloadable {{ ...List_query {arguments} }}"
    report = check_files(tmp_path, {"list.ts": gql(query + RELAY % "")})
    assert [finding.code for finding in report.findings] == expected, messages(report)


def test_a_fragment_is_checked_for_each_of_its_arguments(tmp_path: Path) -> None:
    query = "query Twice { ...List_query a: site { version } ... { ...List_query @arguments(count: 10) } }"
    assert messages(check_files(tmp_path, {"list.ts": gql(query + RELAY % "")})) == []
    query = "query Costly { ...List_query @arguments(count: 100) }"
    limits = Limits(max_cost=500)
    (message,) = messages(check_files(tmp_path, {"list.ts": gql(query + RELAY % "")}, limits))
    assert message.startswith("`Costly` costs up to 10,201 objects; the limit is 500")


def test_a_provided_variable_is_one_of_the_operation(tmp_path: Path) -> None:
    provided = 'dark: { type: "Boolean!", provider: "../isDark.relayprovider" }'
    relay = (RELAY % provided).replace("title @required", "slug @include(if: $dark) title @required")
    relay = relay.replace("$size", "5").replace('size: { type: "Int!" }', provided)
    relay = relay.replace("@arguments(size: $count)", "")
    assert messages(check_files(tmp_path, {"list.ts": gql("query P { ...List_query }" + relay)})) == []


def test_fragments_that_use_each_other_endlessly_end(tmp_path: Path) -> None:
    document = """
        query A { articles { nodes { ...F @arguments(list: "a") } } }
        fragment F on Article @argumentDefinitions(list: { type: "[String!]" }) {
          title related { article { ...F @arguments(list: [$list]) } }
        }
    """
    report = check_files(tmp_path, {"a.ts": gql(document)})
    assert report.findings


def test_an_unknown_type_of_a_provided_variable_is_reported(tmp_path: Path) -> None:
    fragment = (
        'fragment F on Query @argumentDefinitions(dark: { type: "Dark mode", provider: "isDark" }) '
        "{ site @include(if: $dark) { version } }"
    )
    report = check_files(tmp_path, {"a.graphql": "query Q { ...F }\n" + fragment})
    assert found(report)[0] == "a.graphql:2:56 graphql-validation-failed"
    assert messages(report)[0].startswith("Unknown type 'Dark mode'.")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            'fragment F on Query @argumentDefinitions(slug: { type: "String!" }, n: { type: "Int", '
            "defaultValue: 5 }) { article(slug: $slug) { related(first: $n) { title } } }",
            [],
        ),
        (
            'fragment F on Query @argumentDefinitions(n: { type: "Int", defaultValue: "five" }) '
            "{ articles(first: $n) { totalCount } }",
            ["graphql-validation-failed"],
        ),
        (
            "fragment F on Article { ...G } fragment G on Article { ...F }",
            ["graphql-validation-failed"],
        ),
    ],
)
def test_a_fragment_without_an_operation_may_lack_values(
    tmp_path: Path, document: str, expected: list[str]
) -> None:
    report = check_files(tmp_path, {"a.ts": gql(document)})
    assert [finding.code for finding in report.findings] == expected, messages(report)
