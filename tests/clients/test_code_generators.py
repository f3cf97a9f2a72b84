"""Code generators accept a schema with own fields of every type, and a server answers what they generate."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import build_schema

from gqlnews.server.request import TrustedDocuments
from gqlnews.testing import ServerFactory
from tests.clients.programs import CODEGEN_PYTHON, HERE
from tests.server.support import DEADLINE, PUBLISHED, run_cli, write_articles

NODE = HERE / "node_modules" / ".bin"
OWN = {  # type → a value
    "String": "a",
    "Int": 1,
    "Float": 0.5,
    "Boolean": True,
    "Date": "2026-05-04",
    "DateTime": "2026-05-04T06:00:00Z",
    "URL": "https://a.example/",
    "JSON": {"a": 1},
}
VALUES: Mapping[str, Any] = {f"own{kind}": value for kind, value in OWN.items()} | {
    f"own{kind}List": [value] for kind, value in OWN.items()
}
FACETS = [name for name in VALUES if not name.startswith(("ownJSON", "ownFloat", "ownDateTime"))]
SELECTION = f"slug {' '.join(VALUES)}"
FACET_SELECTION = " ".join(f"{name} {{ value count }}" for name in FACETS)
QUERY = f"""
query Own($where: ArticleFilter, $orderBy: [ArticleOrder!]) {{
  articles(where: $where, orderBy: $orderBy) {{ nodes {{ {SELECTION} }} facets {{ {FACET_SELECTION} }} }}
}}
"""
DEFERRED = """
query Parts { articles(first: 1) { nodes { slug ownString ... @defer { title ownJSON } } } }
"""
VARIABLES = {
    "where": {"ownFloat": {"gt": 0.1}, "ownDateList": {"any": ["2026-05-04"]}, "ownBoolean": True},
    "orderBy": [{"field": "OWN_DATE_TIME"}, {"field": "OWN_URL", "direction": "ASC"}],
}


def config() -> str:
    """Declare a field of each type, and a list of each, with everything that the type allows."""
    lines = []
    for name in VALUES:
        kind, is_list = name.removeprefix("own").removesuffix("List"), name.endswith("List")
        lines += [f"[fields.{name}]", f'type = ["{kind}"]' if is_list else f'type = "{kind}"']
        if kind != "JSON":
            lines += ["filter = true", *([] if is_list else ["order = true"])]
        if name in FACETS:
            lines.append("facet = true")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, and an article that has a value of every own field."""
    own = "".join(f"{name}: {json.dumps(value)}\n" for name, value in VALUES.items())
    article = PUBLISHED.replace("title: Published\n", f"title: Published\n{own}")
    return write_articles(tmp_path_factory.mktemp("content"), {"a.md": article, "gqlnews.toml": config()})


@pytest.fixture
def schema(tmp_path: Path, content: Path) -> Path:
    """The file that `gqlnews schema --config FILE` prints."""
    printed = run_cli(tmp_path, "schema", "--config", content / "gqlnews.toml")
    assert (printed.returncode, printed.stderr) == (0, "")
    file = tmp_path / "schema.graphql"
    file.write_text(printed.stdout)
    return file


@pytest.fixture(scope="module")
def url(gqlnews_factory: ServerFactory, content: Path) -> str:
    return gqlnews_factory.serve(content).url


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    done = subprocess.run(  # noqa: S603 - installed by `make clients`
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def generate_client(folder: Path, document: str) -> dict[str, str]:
    """Run graphql-codegen with `codegen.mjs`; return the manifest of persisted documents."""
    write_articles(folder / "documents", {"document.graphql": document})
    run(NODE / "graphql-codegen", "--config", "codegen.mjs", folder=HERE, CODEGEN=str(folder))
    manifest: dict[str, str] = json.loads((folder / "client" / "persisted-documents.json").read_text())
    return manifest


def check(data: Any) -> None:
    """Check the data of the response to QUERY."""
    (node,) = data["articles"]["nodes"]
    assert {name: node[name] for name in VALUES} == VALUES
    assert {name: len(data["articles"]["facets"][name]) for name in FACETS} == dict.fromkeys(FACETS, 1)


@pytest.mark.usefixtures("schema")
def test_graphql_codegen_accepts_own_fields(tmp_path: Path, url: str) -> None:
    (document,) = generate_client(tmp_path, QUERY).values()
    types = (tmp_path / "types.ts").read_text()
    assert "ownDateList?: Maybe<Array<Scalars['Date']['output']>>;" in types
    assert "OwnDateTime = 'OWN_DATE_TIME'" in types
    check(httpx2.post(url, json={"query": document, "variables": VARIABLES}).json()["data"])


def test_relay_compiler_accepts_own_fields(tmp_path: Path, schema: Path, url: str) -> None:
    source = QUERY.replace("query Own(", "query ownQuery(").replace("nodes {", "nodes { ...own_card")
    fragment = 'fragment own_card on Article @refetchable(queryName: "ownCardQuery") { title }'
    write_articles(tmp_path / "src", {"own.ts": f"graphql`{source}`; graphql`{fragment}`;"})
    settings = {
        "src": "./src",
        "schema": "./schema.graphql",
        "language": "typescript",
        "persistConfig": {"file": "./documents.json"},
    }
    (tmp_path / "relay.config.json").write_text(json.dumps(settings))
    (tmp_path / "documents.json").write_text("{}")
    run(NODE / "relay-compiler", "relay.config.json", folder=tmp_path)
    documents = json.loads((tmp_path / "documents.json").read_text())
    trusted = TrustedDocuments(build_schema(schema.read_text()))
    trusted.add(tmp_path / "documents.json")
    assert documents.items() <= trusted.texts.items()
    (document,) = (text for text in documents.values() if "ownQuery" in text)
    check(httpx2.post(url, json={"query": document, "variables": VARIABLES}).json()["data"])


@pytest.mark.usefixtures("schema")
def test_ariadne_codegen_accepts_own_fields(tmp_path: Path, url: str) -> None:
    (tmp_path / "query.graphql").write_text(QUERY)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.ariadne-codegen]\nschema_path = "schema.graphql"\nqueries_path = "query.graphql"\n'
    )
    run(CODEGEN_PYTHON.parent / "ariadne-codegen", folder=tmp_path)
    program = f"""
import asyncio, json, graphql_client as generated
async def main():
    async with generated.Client({url!r}) as client:
        where = generated.ArticleFilter.model_validate({VARIABLES["where"]!r})
        order_by = [generated.ArticleOrder.model_validate(one) for one in {VARIABLES["orderBy"]!r}]
        print((await client.own(where=where, order_by=order_by)).model_dump_json(by_alias=True))
asyncio.run(main())
"""
    check(json.loads(run(CODEGEN_PYTHON, "-c", program, folder=tmp_path)))


@pytest.mark.usefixtures("schema")
def test_row_19_root_typename_beside_defer_in_a_codegen_manifest_is_answered_in_parts(
    tmp_path: Path, content: Path, gqlnews_factory: ServerFactory
) -> None:
    """Row 19 of the table of issue 17."""
    ((document_id, document),) = generate_client(tmp_path, DEFERRED).items()
    assert document.startswith("query Parts { __typename articles")
    manifest = tmp_path / "client" / "persisted-documents.json"
    server = gqlnews_factory.serve(content, persisted_documents=manifest, persisted_only=True)
    response = server.client.post(
        "/graphql", json={"documentId": document_id}, headers={"accept": "multipart/mixed"}
    )
    assert response.headers["content-type"].startswith("multipart/mixed")
    parts = response.text.split("\r\n--graphql")[1:-1]
    first, *others = [json.loads(part.partition("\r\n\r\n")[2]) for part in parts]
    assert first["data"]["__typename"] == "Query"
    (node,) = first["data"]["articles"]["nodes"]
    assert (node["ownString"], "title" in node, first["hasNext"]) == ("a", False, True)
    deferred = [one["data"] for part in others for one in part["incremental"]]
    assert [(one["title"], one["ownJSON"]) for one in deferred] == [("Published", {"a": 1})]
