"""What only the client knows is not sent to the server."""

from pathlib import Path

import pytest

from tests.operations.support import check_files, found, gql, messages


def test_an_operation_for_the_client_alone_is_not_checked(tmp_path: Path) -> None:
    report = check_files(tmp_path, {"a.ts": gql("query A { theme @client { dark } }")})
    assert found(report) == []


@pytest.mark.parametrize(
    "selection",
    [
        "theme(of: $v) @client",
        "theme @rest(type: $v, path: $v) { a }",
        "... @client { dark(of: $v) }",
        "site { version @_optional @export(as: $v) }",
        "articles @connection(key: $v, filter: []) { nodes { title @nonreactive ...F @unmask(mode: $v) } }",
    ],
)
def test_variables_of_what_is_not_sent_are_not_sent(tmp_path: Path, selection: str) -> None:
    document = f"query A($v: Local) {{ site {{ version }} {selection} }} fragment F on Article {{ slug }}"
    assert messages(check_files(tmp_path, {"a.ts": gql(document)})) == []


def test_a_variable_that_is_also_sent_remains(tmp_path: Path) -> None:
    document = "query A($v: String!) { article(slug: $v) { title } theme(of: $v) @client }"
    assert messages(check_files(tmp_path, {"a.ts": gql(document)})) == []


def test_the_sdl_of_the_front_end_declares_what_only_the_client_knows(tmp_path: Path) -> None:
    report = check_files(
        tmp_path,
        {
            "client.graphql": """
                directive @track on FIELD
                extend type Article { isRead: Boolean }
                extend type Query { cart: Cart }
                type Cart { size: Int }
            """,
            "a.graphql": 'query A { cart { ...C } article(slug: "a") { isRead slug @track ...on Cart{a} } }',
            "b.graphql": "query B { site { isRead version @trace } }",
            "c.graphql": "fragment C on Cart { size }",
        },
    )
    assert found(report) == [
        "b.graphql:1:18 graphql-validation-failed",
        "b.graphql:1:33 graphql-validation-failed",
    ]
