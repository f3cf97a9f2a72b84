"""What `npm run build` has written into the package."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

REPOSITORY = Path(__file__).parents[2]
PROJECT = REPOSITORY / "examples/reader"
MAX_SCRIPT = 150_000  # bytes, of all scripts together in brotli
COMPRESS = "process.stdout.write(require('zlib').brotliCompressSync(require('fs').readFileSync(0)))"


@pytest.fixture
def bundle() -> Path:
    folder = REPOSITORY / "gqlnews/server/reader"
    if not (folder / "manifest.json").exists():
        pytest.skip("the reader is not built: run `make reader`")
    return folder


def test_the_scripts_are_small(bundle: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    sizes = {}
    for path in bundle.glob("*.js"):
        command = [node, "-e", COMPRESS]
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=path.read_bytes(), capture_output=True, check=True
        )
        sizes[path.name] = len(done.stdout)
    assert 0 < sum(sizes.values()) <= MAX_SCRIPT, sizes


def test_files_are_named_by_their_content(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert set(manifest) == {"script", "style"}
    assert all(re.fullmatch(r"reader-[\w-]{8}\.(js|css)", name) for name in manifest.values())
    assert {path.name for path in bundle.iterdir()} == {
        *manifest.values(),
        "manifest.json",
        "documents.json",
        "LICENSES.txt",
    }


def test_documents_are_valid_and_known_by_their_hash(bundle: Path) -> None:
    schema = build_schema((REPOSITORY / "schema.graphql").read_text("utf-8"))
    documents = json.loads((bundle / "documents.json").read_text("utf-8"))
    assert len(documents) >= 10
    for identifier, text in documents.items():
        assert identifier == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        assert validate(schema, parse(text)) == []


def test_the_bundle_ships_the_licence_of_every_package(bundle: Path) -> None:
    text = (bundle / "LICENSES.txt").read_text("utf-8")
    sections = re.split(r"(?m)^(\S+) \S+ \(.+\)\n-{72}\n", text)[1:]
    texts = dict(zip(sections[::2], sections[1::2], strict=True))
    assert {"@apollo/client", "graphql", "graphql-ws", "react", "react-dom", "rxjs", "wouter"} <= set(texts)
    words = re.compile("permission|copyright|public domain", re.IGNORECASE)
    assert [name for name in texts if not words.search(texts[name])] == []


def test_versions_are_exact_and_come_from_the_public_registry() -> None:
    package = json.loads((PROJECT / "package.json").read_text("utf-8"))
    lock = json.loads((PROJECT / "package-lock.json").read_text("utf-8"))
    wanted = package["dependencies"] | package["devDependencies"] | package["optionalDependencies"]
    locked = {name: lock["packages"][f"node_modules/{name}"]["version"] for name in wanted}
    assert wanted == locked
    addresses = {entry.get("resolved", "") for entry in lock["packages"].values()}
    assert all(not address or address.startswith("https://registry.npmjs.org/") for address in addresses)
