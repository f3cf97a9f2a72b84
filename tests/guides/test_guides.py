"""The guides: blocks are marked, types are right, versions agree. `make test-guides` runs the blocks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guides.blocks import FOLDER, Block, UnmarkedBlockError, guides, read_blocks
from tests.guides.run import HERE, NODE, ROOT
from tests.guides.terminal import matches

PACKAGE = json.loads((HERE / "package.json").read_text("utf-8"))
LOCK = json.loads((HERE / "package-lock.json").read_text("utf-8"))
BIN = HERE / "node_modules" / ".bin"
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "target": "ES2022",
        "module": "ESNext",
        "moduleResolution": "bundler",
        "resolveJsonModule": True,
        "allowImportingTsExtensions": True,
        "jsx": "react-jsx",
        "types": ["vite/client", "node", "next"],
        "skipLibCheck": True,
        "noEmit": True,
    }
}


def blocks_of(guide: str, *suffixes: str) -> dict[str, Block]:
    """Return the files of a guide with these suffixes, in their last version."""
    return {
        block.argument: block
        for block in read_blocks(guide)
        if block.kind == "file" and block.argument.endswith(suffixes)
    }


def write_files(folder: Path, guide: str) -> Path:
    """Write the files of a guide into a folder of its own."""
    project = folder / guide
    for name, block in blocks_of(guide, "").items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")
    return project


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(  # noqa: S603 - installed by `make guides`
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PATH": f"{NODE}:{os.environ['PATH']}", "CI": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_schema(project: Path) -> None:
    config = project / "content" / "gqlnews.toml"
    arguments: list[str | Path] = ["--config", config] if config.exists() else []
    schema = run(sys.executable, "-m", "gqlnews", "schema", *arguments, folder=project)
    (project / "schema.graphql").write_text(schema)


def generate_code(project: Path) -> None:
    """Run the code generators that the guide runs before the compiler."""
    write_schema(project)
    if (project / "introspect.mjs").exists():
        run(NODE / "node", "introspect.mjs", folder=project)
    if (project / "codegen.ts").exists():
        run(BIN / "graphql-codegen", folder=project)
    if (project / "relay.config.json").exists():
        run(BIN / "relay-compiler", folder=project)


def test_the_typescript_of_all_guides_has_no_type_errors(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps(TSCONFIG))
    written = [write_files(tmp_path, guide) for guide in guides() if blocks_of(guide, ".ts", ".tsx")]
    for project in written:
        generate_code(project)
    assert len(written) >= 5
    run(BIN / "tsc", "--project", ".", folder=tmp_path)


@pytest.mark.parametrize("guide", [guide for guide in guides() if blocks_of(guide, ".mjs")])
def test_node_can_read_the_modules_of_a_guide(tmp_path: Path, guide: str) -> None:
    project = write_files(tmp_path, guide)
    for name in blocks_of(guide, ".mjs"):
        run(NODE / "node", "--check", name, folder=project)


def test_the_python_of_all_guides_has_no_type_errors(tmp_path: Path) -> None:
    """Third-party packages of the guides are not installed here: `make test-guides` has them."""
    for guide in guides():
        for name, block in blocks_of(guide, ".py").items():
            file = tmp_path / f"{guide}-{name}".replace("-", "_").replace("/", "_")
            file.write_text(block.text, "utf-8")
    files = sorted(tmp_path.glob("*.py"))
    assert len(files) >= 3
    cache = ROOT / ".mypy_cache" / "guides"
    options = ["--strict", "--ignore-missing-imports", "--disable-error-code=misc", "--config-file="]
    run(sys.executable, "-m", "mypy", *options, "--cache-dir", cache, *files, folder=tmp_path)


@pytest.mark.parametrize("name", ["src/apollo/cache.ts", "src/apollo/persisted.ts"])
def test_the_apollo_guide_has_modules_of_the_reader(name: str) -> None:
    reader = ROOT / "examples" / "reader"
    assert blocks_of("apollo", ".ts")[name].text == (reader / name).read_text("utf-8")


@pytest.mark.parametrize("guide", guides())
def test_the_text_before_each_file_names_it(guide: str) -> None:
    """The rendered page does not show the comment above the block."""
    lines = (FOLDER / f"{guide}.md").read_text("utf-8").splitlines()
    end = 0
    for block in read_blocks(guide):
        if block.kind == "file":
            assert f"`{block.argument}`" in "\n".join(lines[end : block.line - 2]), block.place
        end = block.line + block.text.count("\n") + 1


def test_the_index_lists_every_guide() -> None:
    listed = re.findall(
        r"^\| \[[^]]+\]\(([\w-]+)\.md\)", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(listed) == guides()


def test_a_block_without_a_mark_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.md").write_text("# A\n\n```sh\nls\n```\n")
    monkeypatch.setattr("tests.guides.blocks.FOLDER", tmp_path)
    with pytest.raises(UnmarkedBlockError, match=r"bad\.md:3"):
        read_blocks("bad")


@pytest.mark.parametrize(
    ("expected", "output", "language", "same"),
    [
        ("a …\n", "a b\nc\n", "text", True),
        ("a b", "a c", "text", False),
        ("a.b", "axb", "text", False),
        ('{"a": "…b", "c": [1]}', '{"a":"xb","c":[1]}', "json", True),
        ('{"a": 1}', '{"a": 1, "b": 2}', "json", False),
        ('{"a": [1]}', '{"a": [1, 2]}', "json", False),
    ],
)
def test_an_expected_output_is_compared(expected: str, output: str, language: str, same: bool) -> None:
    assert matches(expected, output, language) is same


def test_the_guides_install_the_versions_that_are_type_checked() -> None:
    wanted = {name: version.partition(".")[0] for name, version in PACKAGE["dependencies"].items()}
    for guide in guides():
        commands = "".join(block.text for block in read_blocks(guide) if block.kind == "run").replace(
            "\\\n", " "
        )
        for line in re.findall(r"^npm install (.*)$", commands, re.MULTILINE):
            for name, major in re.findall(r"(@?[\w./-]+)@(\d+)", line):
                assert major == wanted.get(name) or (name, major) == ("typescript", "5"), (
                    f"{guide}: {name}@{major}"
                )


def test_versions_are_exact_and_the_lockfile_names_no_registry() -> None:
    locked = {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in PACKAGE["dependencies"]}
    assert PACKAGE["dependencies"] == locked
    assert [entry["resolved"] for entry in LOCK["packages"].values() if "resolved" in entry] == []
