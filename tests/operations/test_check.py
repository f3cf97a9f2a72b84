"""Documents of a front end are composed, validated and measured as the server would."""

import re
from pathlib import Path

import pytest

from gqlnews.config.settings import DEFAULT_LIMITS, UNLIMITED, Limits
from gqlnews.errors import Code
from gqlnews.operations import check
from gqlnews.operations.check import check_folder
from gqlnews.operations.findings import FindingCode, to_finding_code
from tests.operations.support import check_files, found, gql, messages, schema

ROOT = Path(__file__).parents[2]


def test_the_queries_of_the_benchmarks_have_no_mistakes() -> None:
    report = check_folder(ROOT / "benchmarks" / "queries", schema(), DEFAULT_LIMITS)
    assert report.findings == ()
    assert report.operations == report.files == len(list((ROOT / "benchmarks" / "queries").glob("*.graphql")))


def test_the_documents_of_the_reader_have_no_mistakes() -> None:
    report = check_folder(ROOT / "examples" / "reader" / "src", schema(), DEFAULT_LIMITS)
    assert report.findings == ()
    assert report.operations > 10


def test_the_documents_of_the_clients_have_no_mistakes() -> None:
    assert check_folder(ROOT / "tests" / "clients", schema(), DEFAULT_LIMITS).findings == ()


SERVER_CODES = (
    Code.PARSE_FAILED,
    Code.VALIDATION_FAILED,
    Code.INTROSPECTION_OFF,
    Code.BAD_USER_INPUT,
    Code.BAD_PAGE,
    Code.BAD_CURSOR,
    Code.BAD_DATE,
    Code.BAD_DURATION,
    Code.BAD_VERSION,
    Code.TOO_DEEP,
    Code.TOO_WIDE,
    Code.TOO_MANY_TOKENS,
    Code.TOO_MANY_ALIASES,
    Code.TOO_MANY_ROOT_FIELDS,
    Code.TOO_MANY_DIRECTIVES,
    Code.TOO_COSTLY,
)
"""The codes of the server that a finding can have."""


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


def test_without_limits_nothing_is_too_large(tmp_path: Path) -> None:
    deep = "nodes { referencedBy(first: 100) { " * 10 + "totalCount" + " } }" * 10
    document = f"query Q {{ articles(first: 100) {{ {deep} }} }}"
    assert messages(check_files(tmp_path, {"a.graphql": document}, UNLIMITED)) == []


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


def test_an_operation_that_takes_too_long_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "MAX_SECONDS", 0.0)
    files = {"a.graphql": "{ site { version } }", "b.graphql": "fragment F on Site { version }"}
    assert found(check_files(tmp_path, files)) == ["a.graphql:1:1 too-wide", "b.graphql:1:1 too-wide"]
