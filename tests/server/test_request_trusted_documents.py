"""Trusted documents: how they are read, and the errors for invalid ones."""

import json
import re
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from graphql import GraphQLSchema

from gqlnews.errors import PersistedDocumentsError
from gqlnews.schema.query import build_schema
from gqlnews.server.request import TrustedDocuments
from tests.server.conftest import Serve
from tests.server.support import run_cli, write_articles

ONE, OTHER = "{ site { version } }", "query Other { site { articleCount } }"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


def read_trusted_documents(schema: GraphQLSchema, *paths: Path) -> dict[str, str]:
    documents = TrustedDocuments(schema)
    for path in paths:
        documents.add(path)
    return documents.texts


def ids(text: str) -> set[str]:
    digest = sha256(text.encode()).hexdigest()
    return {digest, f"sha256:{digest}"}


def test_documents_of_a_folder_have_their_paths_as_ids(tmp_path: Path, schema: GraphQLSchema) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "one.graphql").write_text(ONE)
    (tmp_path / "pages" / "other.gql").write_text(OTHER)
    (tmp_path / "readme.md").write_text("{")
    found = read_trusted_documents(schema, tmp_path)
    assert set(found) == {"one", "pages/other"} | ids(ONE) | ids(OTHER)
    assert (found["one"], found["pages/other"]) == (ONE, OTHER)


@pytest.mark.parametrize(
    "manifest",
    [
        {"a": ONE, "b": OTHER},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [
                {"id": "a", "name": "", "type": "query", "body": ONE},
                {"id": "b", "name": "Other", "type": "query", "body": OTHER},
            ],
        },
    ],
)
def test_a_manifest_defines_the_ids(tmp_path: Path, schema: GraphQLSchema, manifest: object) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    found = read_trusted_documents(schema, path)
    assert set(found) == {"a", "b"} | ids(ONE) | ids(OTHER)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.graphql", b"{ nothing }", r"a\.graphql: Cannot query field 'nothing'.* \(line 1, column 3\)$"),
        ("a.graphql", b"{", r"a\.graphql: Syntax Error: .*\(line 1, column 2\)$"),
        ("a.graphql", b"\xff", r"a\.graphql: is not UTF-8$"),
        ("a.txt", b"{}", r": no documents"),
        ("m.json", b"{", r"m\.json: the manifest is not JSON"),
        ("m.json", b"[]", r"m\.json: a manifest must be an object"),
        ("m.json", b'{"operations": [{"id": "a"}]}', r"m\.json: a manifest must be an object"),
        ("m.json", b'{"a": 1}', r"m\.json: the document 'a' is not a string"),
        ("m.json", b'{"a": "{ nothing }"}', r"m\.json, document 'a': Cannot query field"),
        ("m.json", b"{}", r"m\.json: no documents"),
    ],
)
def test_an_invalid_document_is_reported_with_its_file(
    tmp_path: Path, schema: GraphQLSchema, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PersistedDocumentsError, match=message):
        read_trusted_documents(schema, tmp_path / name if name == "m.json" else tmp_path)


def test_two_documents_with_one_id_are_rejected(tmp_path: Path, schema: GraphQLSchema) -> None:
    (tmp_path / "a.graphql").write_text(ONE)
    (tmp_path / "a.gql").write_text(OTHER)
    with pytest.raises(PersistedDocumentsError, match="another document has the same id 'a'"):
        read_trusted_documents(schema, tmp_path)


def test_documents_of_several_paths_are_trusted(tmp_path: Path, schema: GraphQLSchema) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "one.graphql").write_text(ONE)
    (tmp_path / "manifest.json").write_text(json.dumps({"same": ONE, "other": OTHER}))
    found = read_trusted_documents(schema, tmp_path / "pages", tmp_path / "manifest.json")
    assert set(found) == {"one", "same", "other"} | ids(ONE) | ids(OTHER)


def test_one_id_with_different_documents_in_two_paths_is_rejected_with_both(
    tmp_path: Path, schema: GraphQLSchema
) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(json.dumps({"a": ONE}))
    second.write_text(json.dumps({"a": OTHER}))
    message = f"{second}, document 'a': another document has the same id 'a': {first}, document 'a'; rename"
    with pytest.raises(PersistedDocumentsError, match=f"^{re.escape(message)}"):
        read_trusted_documents(schema, first, second)


def test_each_path_must_have_documents(tmp_path: Path, schema: GraphQLSchema) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"a": ONE}))
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(PersistedDocumentsError, match=r"none\.json: no documents"):
        read_trusted_documents(schema, tmp_path / "one.json", tmp_path / "none.json")


def test_serve_trusts_the_documents_of_several_paths(server: Serve, tmp_path: Path) -> None:
    content = write_articles(tmp_path / "content")
    paths = [tmp_path / "with a space, and a comma.json", tmp_path / "b.json"]
    for number, path in enumerate(paths):
        path.write_text(json.dumps({f"id-{number}": f"query Q{number} {{ site {{ articleCount }} }}"}))
    options = ("--persisted-documents", str(paths[0]), "--persisted-documents", str(paths[1]))
    with server(content, *options, "--persisted-only") as url:
        for document_id in ("id-0", "id-1"):
            response = httpx2.get(f"{url}/graphql", params={"documentId": document_id})
            assert response.json() == {"data": {"site": {"articleCount": 1}}}


def test_a_missing_path_is_rejected(tmp_path: Path, schema: GraphQLSchema) -> None:
    with pytest.raises(PersistedDocumentsError, match="cannot be read"):
        read_trusted_documents(schema, tmp_path / "none")


def test_an_invalid_document_stops_serve_with_one_line(tmp_path: Path) -> None:
    content = write_articles(tmp_path / "content")
    (tmp_path / "a.graphql").write_text("{ nothing }")
    done = run_cli(tmp_path, "serve", content, "--port", "0", "--persisted-documents", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"gqlnews: {tmp_path}/a.graphql: Cannot query field 'nothing'")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.db"))


def test_persisted_only_without_documents_is_rejected(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "serve", tmp_path, "--port", "0", "--persisted-only")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--persisted-documents" in done.stderr
