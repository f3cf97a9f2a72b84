"""Source files are found once each; packages, hidden folders and generated files are passed over."""

import os
from pathlib import Path

import pytest

from gqlnews.errors import ContentFolderError
from gqlnews.operations import find_files as module
from gqlnews.operations.find_files import MAX_BYTES, find_files
from tests.operations.support import check_files, found, gql

DOCUMENT = gql("{ site { version } }")
WRONG = gql("{ site { vers } }")


def write(folder: Path, *names: str, content: str = DOCUMENT) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def paths(folder: Path) -> list[str]:
    return [file.path for file in find_files(folder).files]


def test_source_files_are_found_in_order(tmp_path: Path) -> None:
    names = ["a.ts", "b/a.graphql", "b/B.VUE", "b/c/d.gql", "c.astro", "c.svelte", "d.cts"]
    write(tmp_path, *names, "a.md", "b/a.json", "schema.graphqls", "ts")
    assert sorted(paths(tmp_path)) == sorted(names)
    assert paths(tmp_path) == paths(tmp_path)


@pytest.mark.parametrize(
    "folder",
    ["node_modules", "__generated__", "generated", "dist", "build", "out", "coverage", ".next", ".git"],
)
def test_packages_and_build_outputs_are_passed_over(tmp_path: Path, folder: str) -> None:
    write(tmp_path, f"{folder}/a.ts", f"b/{folder}/c/d.ts", "e.ts")
    assert paths(tmp_path) == ["e.ts"]
    assert paths(write(tmp_path / folder, "a.ts")) == ["a.ts"]  # the folder itself may have any name


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("article.generated.tsx", ""),
        ("schema.gen.ts", ""),
        ("a.ts", "/**\n * @generated SignedSource<<1>>\n */\n"),
        ("graphql.ts", "/* eslint-disable */\nexport type Maybe<T> = T | null;\n"),
        ("types.ts", "export type Exact<T extends { [key: string]: unknown }> = T;\n"),
    ],
)
def test_generated_files_are_passed_over(tmp_path: Path, name: str, head: str) -> None:
    write(tmp_path, name, content=head + DOCUMENT)
    write(tmp_path, "query.ts")
    assert (paths(tmp_path), find_files(tmp_path).passed_over) == (["query.ts"], [name])


def test_links_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "web", "a/b.ts", "shared.ts")
    write(tmp_path / "packages", "c.ts")
    (tmp_path / "web" / "a" / "loop").symlink_to(tmp_path / "web")
    (tmp_path / "web" / "packages").symlink_to(tmp_path / "packages")
    (tmp_path / "web" / "a" / "same.ts").symlink_to(tmp_path / "web" / "a" / "b.ts")
    assert paths(tmp_path / "web") == ["a/b.ts", "packages/c.ts", "shared.ts"]


def test_files_that_cannot_be_read_are_findings(tmp_path: Path) -> None:
    (tmp_path / "broken.ts").symlink_to(tmp_path / "nowhere.ts")
    (tmp_path / "loop.gql").symlink_to(tmp_path / "loop.gql")
    os.mkfifo(tmp_path / "pipe.vue")
    report = check_files(tmp_path, {"latin.ts": b"\n// caf\xe9", "a.ts": DOCUMENT})
    assert found(report) == [
        "broken.ts:0:0 unreadable",
        "latin.ts:2:7 not-utf-8",
        "loop.gql:0:0 unreadable",
        "pipe.vue:0:0 unreadable",
    ]


def test_a_byte_order_mark_does_not_count(tmp_path: Path) -> None:
    assert found(check_files(tmp_path, {"a.ts": b"\xef\xbb\xbf" + WRONG.encode()})) == [
        "a.ts:1:35 graphql-validation-failed"
    ]


def test_files_that_are_too_large_are_findings_if_they_may_have_documents(tmp_path: Path) -> None:
    report = check_files(
        tmp_path,
        {
            "data.js": "x" * (MAX_BYTES + 1),
            "bundle.js": "x" * (MAX_BYTES - 3) + "graphql",
            "big.graphql": " " * (MAX_BYTES + 1),
        },
    )
    assert found(report) == ["big.graphql:0:0 too-large", "bundle.js:0:0 too-large"]


def test_too_many_files_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 2)
    assert len(paths(write(tmp_path, "a.ts", "b.ts"))) == 2
    with pytest.raises(ContentFolderError, match="more than 2 source files"):
        find_files(write(tmp_path, "c.ts"))


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContentFolderError, match="is not a folder"):
        find_files(tmp_path / "nowhere")
