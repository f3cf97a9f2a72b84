"""What `npm run build` has written into the package."""

import hashlib
import json
import re
from pathlib import Path

import brotli
import pytest
from graphql import build_schema, parse, validate

REPOSITORY = Path(__file__).parents[2]
PROJECT = REPOSITORY / "examples/reader"
MAX_SCRIPT = 150_000  # bytes, of all scripts together in brotli
COMPRESSED = {".br", ".gz", ".zst"}


@pytest.fixture
def bundle() -> Path:
    folder = REPOSITORY / "gqlnews/server/reader"
    if not (folder / "manifest.json").exists():
        pytest.skip("the reader is not built: run `make reader`")
    return folder


def test_the_scripts_are_small(bundle: Path) -> None:
    sizes = {path.name: len(brotli.compress(path.read_bytes())) for path in bundle.glob("*.js")}
    assert 0 < sum(sizes.values()) <= MAX_SCRIPT, sizes


def test_files_are_named_by_their_content(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert set(manifest) == {"script", "style"}
    assert all(re.fullmatch(r"reader-[\w-]{8}\.(js|css)", name) for name in manifest.values())
    others = {"manifest.json", "documents.json", "LICENSES.txt"}
    written = {path.name for path in bundle.iterdir() if path.suffix not in COMPRESSED}
    assert written == others | set(manifest.values())


def test_files_are_compressed_in_each_coding(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    for name in (*manifest.values(), "LICENSES.txt"):
        size = (bundle / name).stat().st_size
        assert all(0 < (bundle / f"{name}{coding}").stat().st_size < size / 2 for coding in COMPRESSED), name


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
