"""Documents of a front end are composed, validated and measured as the server would."""

import re
from pathlib import Path

import pytest

from gqlnews.config.settings import DEFAULT_LIMITS, UNLIMITED, Limits
from gqlnews.operations.check import check_folder
from gqlnews.operations.findings import SERVER_CODES, FindingCode, to_finding_code
from tests.operations.support import check_files, found, gql, messages, schema

ROOT = Path(__file__).parents[2]


def test_the_queries_of_the_benchmarks_have_no_mistakes() -> None:
    report = check_folder(ROOT / "benchmarks" / "queries", schema(), DEFAULT_LIMITS)
    assert report.findings == ()
    assert report.operations == report.files == len(list((ROOT / "benchmarks" / "queries").glob("*.graphql")))


def test_the_documents_of_the_clients_have_no_mistakes() -> None:
    assert check_folder(ROOT / "tests" / "clients", schema(), DEFAULT_LIMITS).findings == ()


def test_every_code_is_documented() -> None:
    text = (ROOT / "docs" / "check-operations.md").read_text()
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE))
    assert rows == {*FindingCode, *map(to_finding_code, SERVER_CODES)}


# Fragments.


def test_fragments_of_all_files_are_known(tmp_path: Path) -> None:
    report = check_files(
        tmp_path,
        {
            "a.ts": gql("query A { articles { nodes { ...Card } } }"),
            "b/card.vue": f"<script>{gql('fragment Card on Article { title ...Image }')}</script>",
            "c.graphql": "fragment Image on Article { image { url } }",
        },
    )
    assert (found(report), report.operations, report.fragments, report.files) == ([], 1, 2, 3)


def test_a_mistake_in_a_fragment_is_reported_once(tmp_path: Path) -> None:
    users = {f"{name}.ts": gql(f"query {name} {{ site {{ ...S }} }}") for name in "ABC"}
    report = check_files(tmp_path, {**users, "s.graphql": "fragment S on Site { a b }"})
    assert found(report) == [
        "s.graphql:1:22 graphql-validation-failed",
        "s.graphql:1:24 graphql-validation-failed",
    ]


def test_all_mistakes_are_reported_with_suggestions(tmp_path: Path) -> None:
    fields = " ".join(f"vers{number}" for number in range(40))
    report = check_files(tmp_path, {"a.graphql": f"query A {{ site {{ {fields} }} }}"})
    assert len(report.findings) == 40
    assert all("Did you mean 'version'?" in message for message in messages(report))


def test_a_fragment_of_a_broken_document_is_not_unknown(tmp_path: Path) -> None:
    report = check_files(
        tmp_path,
        {
            "a.graphql": "query A($n: Int) { articles { nodes { ...F } } }",
            "f.ts": gql("fragment F on Article { ${fields} }"),
            "g.graphql": "query G($n: Int) { articles { nodes { ...H title } } }",
            "h.graphql": "fragment H on Article { related(first: $n) { title }",
        },
    )
    assert found(report) == ["f.ts:1:50 interpolation", "h.graphql:1:53 graphql-parse-failed"]


def test_a_missing_variable_is_reported_with_the_operation(tmp_path: Path) -> None:
    report = check_files(
        tmp_path,
        {
            "a.graphql": "query A { site { version } articles { nodes { ...F } } }",
            "f.graphql": "fragment F on Article { related(first: $n) { title } }",
        },
    )
    assert found(report) == ["f.graphql:1:40 graphql-validation-failed"]
    assert messages(report) == ["Variable '$n' is not defined by operation 'A'. See also a.graphql:1:1."]


def test_an_unused_fragment_may_use_variables(tmp_path: Path) -> None:
    report = check_files(tmp_path, {"f.graphql": "fragment F on Article { related(first: $n) { title } }"})
    assert found(report) == []


def test_sdl_and_empty_files_are_no_documents(tmp_path: Path) -> None:
    files = {
        "schema.graphql": (ROOT / "schema.graphql").read_text(),
        "empty.graphql": "# nothing\n",
        "a.gql": "{ site { version } }",
    }
    report = check_files(tmp_path, files)
    assert (found(report), report.operations, report.files) == ([], 1, 1)


# What only the client knows.


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
            "a.graphql": 'query A { cart { ...C } article(slug: "a") { isRead slug @track ... on Cart { a } } }',
            "b.graphql": "query B { site { isRead version @trace } }",
            "c.graphql": "fragment C on Cart { size }",
        },
    )
    assert found(report) == [
        "b.graphql:1:18 graphql-validation-failed",
        "b.graphql:1:33 graphql-validation-failed",
    ]


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


# Names.


def test_the_same_name_in_two_files_is_reported(tmp_path: Path) -> None:
    document = "query A { site { version } }"
    report = check_files(tmp_path, {"a.ts": gql(document), "b.ts": gql(document)})
    assert found(report) == ["b.ts:1:32 duplicate-operation"]


def test_a_second_fragment_of_a_name_is_checked_too(tmp_path: Path) -> None:
    fragment = "fragment F on Site {{ {} }}"
    files = {"a.ts": gql(fragment.format("version")), "b.ts": gql(fragment.format("vers"))}
    assert found(check_files(tmp_path, files)) == [
        "b.ts:1:35 duplicate-fragment",
        "b.ts:1:47 graphql-validation-failed",
    ]


# Limits.

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


def test_without_limits_nothing_is_too_large(tmp_path: Path) -> None:
    deep = "nodes { referencedBy(first: 100) { " * 10 + "totalCount" + " } }" * 10
    document = f"query Q {{ articles(first: 100) {{ {deep} }} }}"
    assert messages(check_files(tmp_path, {"a.graphql": document}, UNLIMITED)) == []


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


def test_introspection_is_allowed_as_on_the_server(tmp_path: Path) -> None:
    document = "query Q { __schema { types { name } } sit }"
    on = check_files(tmp_path, {"a.graphql": document})
    off = check_files(tmp_path, {"a.graphql": document}, Limits(introspection=False))
    assert found(on) == ["a.graphql:1:39 graphql-validation-failed"]
    assert [finding.code for finding in off.findings] == ["introspection-off", "graphql-validation-failed"]
    assert ["Did you mean" in message for message in (*messages(on), *messages(off))] == [True, False, False]


def test_comments_do_not_count_as_tokens(tmp_path: Path) -> None:
    document = "query Q { site { version } }\n" + "# a comment\n" * 3_000
    assert found(check_files(tmp_path, {"a.graphql": document})) == []


def test_the_tokens_of_fragments_count(tmp_path: Path) -> None:
    fragments = "".join(
        f"fragment F{number} on Site {{ version ...F{number + 1} }}\n" for number in range(40)
    )
    document = f"query Q {{ site {{ ...F0 }} }}\n{fragments} fragment F40 on Site {{ version }}"
    assert found(check_files(tmp_path, {"a.graphql": document}, Limits(max_tokens=200))) == [
        "a.graphql:1:1 too-many-tokens"
    ]
