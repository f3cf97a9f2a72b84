"""Operations and fragments of all documents are known together."""

from pathlib import Path

from tests.operations.support import check_files, found, gql

ROOT = Path(__file__).parents[2]


def test_sdl_and_empty_files_are_no_documents(tmp_path: Path) -> None:
    files = {
        "schema.graphql": (ROOT / "schema.graphql").read_text(),
        "empty.graphql": "# nothing\n",
        "a.gql": "{ site { version } }",
    }
    report = check_files(tmp_path, files)
    assert (found(report), report.operations, report.files) == ([], 1, 1)


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
