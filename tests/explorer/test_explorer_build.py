"""How the explorer and the reader are built into the package."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
EXPLORER, READER = "gqlnews/server/explorer", "gqlnews/server/reader"
SOURCES_OF = {EXPLORER: "explorer", READER: "examples/reader"}
LICENCE = (REPOSITORY / "LICENSE").read_bytes()
SOURCES = (
    "pyproject.toml",
    "hatch_build.py",
    ".gitignore",
    "README.md",
    "LICENSE",
    "gqlnews/__init__.py",
    *(f"{sources}/package.json" for sources in SOURCES_OF.values()),
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The parts of the repository that a build needs, with explorer and reader already built."""
    for name in SOURCES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    for built in SOURCES_OF:
        (tmp_path / built).mkdir(parents=True)
        (tmp_path / built / "manifest.json").write_text("{}")
    return tmp_path


def build(checkout: Path, path: str = "") -> str:
    """Build wheel and source distribution into `dist/` with this PATH; return the output."""
    command = [sys.executable, "-m", "hatchling", "build"]
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=checkout, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def in_wheel(checkout: Path) -> set[str]:
    (wheel,) = (checkout / "dist").glob("*.whl")
    return {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith((EXPLORER, READER))}


def manifests(*built: str) -> set[str]:
    return {f"{folder}/manifest.json" for folder in built}


def test_wheel_and_source_distribution_hold_what_is_built(checkout: Path) -> None:
    build(checkout)
    assert in_wheel(checkout) == manifests(EXPLORER, READER)
    (archive,) = (checkout / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as distribution:
        inside = {name.partition("/")[2] for name in distribution.getnames()}
    assert manifests(EXPLORER, READER) | set(SOURCES) - {".gitignore"} <= inside


def test_wheel_and_source_distribution_hold_the_licence(checkout: Path) -> None:
    build(checkout)
    (wheel,) = (checkout / "dist").glob("*.whl")
    (information,) = {
        name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" in name
    }
    assert zipfile.ZipFile(wheel).read(f"{information}/licenses/LICENSE") == LICENCE
    assert b"\nLicense-Expression: MIT\n" in zipfile.ZipFile(wheel).read(f"{information}/METADATA")
    (archive,) = (checkout / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as distribution:
        (member,) = [name for name in distribution.getnames() if name.partition("/")[2] == "LICENSE"]
        file = distribution.extractfile(member)
        assert file is not None
        assert file.read() == LICENCE


@pytest.mark.parametrize(("built", "other"), [(EXPLORER, READER), (READER, EXPLORER)])
class TestWhereOneIsMissing:
    @pytest.fixture
    def checkout(self, checkout: Path, built: str) -> Path:
        (checkout / built / "manifest.json").unlink()
        return checkout

    def test_without_npm_the_package_is_built_with_a_warning(
        self, checkout: Path, built: str, other: str
    ) -> None:
        name = Path(built).name
        assert f"The {name} is left out: npm is not installed. `make {name}` builds it" in build(checkout)
        assert in_wheel(checkout) == manifests(other)

    def test_if_npm_fails_the_package_is_built_with_a_warning(
        self, checkout: Path, built: str, other: str
    ) -> None:
        npm(checkout / "bin", "echo no such registry >&2; exit 1")
        assert "failed: no such registry" in build(checkout, str(checkout / "bin"))
        assert in_wheel(checkout) == manifests(other)

    def test_npm_builds_it_and_runs_no_install_script(self, checkout: Path, built: str, other: str) -> None:
        log, manifest = checkout / "commands", checkout / built / "manifest.json"
        npm(
            checkout / "bin",
            f'echo "${{PWD}} $@" >> {log}; [ "$1" = ci ] || echo "{{}}" > {manifest}',
        )
        build(checkout, str(checkout / "bin"))
        assert in_wheel(checkout) == manifests(built, other)
        install, run = log.read_text().splitlines()
        assert install.startswith(f"{checkout / SOURCES_OF[built]} ci --ignore-scripts ")
        assert run == f"{checkout / SOURCES_OF[built]} run build"


def npm(folder: Path, script: str) -> None:
    """Write a program called npm into `folder`."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)


@pytest.mark.parametrize("sources", SOURCES_OF.values())
def test_versions_are_exact_and_come_from_the_public_registry(sources: str) -> None:
    package = json.loads((REPOSITORY / sources / "package.json").read_text("utf-8"))
    lock = json.loads((REPOSITORY / sources / "package-lock.json").read_text("utf-8"))
    wanted = package["dependencies"] | package["devDependencies"] | package.get("optionalDependencies", {})
    locked = {name: lock["packages"][f"node_modules/{name}"]["version"] for name in wanted}
    assert wanted == locked
    addresses = {entry.get("resolved", "") for entry in lock["packages"].values()}
    assert all(not address or address.startswith("https://registry.npmjs.org/") for address in addresses)


@pytest.fixture
def bundle() -> Path:
    if not (REPOSITORY / EXPLORER / "LICENSES.txt").exists():
        pytest.skip("the explorer is not built: run `make explorer`")
    return REPOSITORY / EXPLORER


def test_bundle_ships_the_licence_of_every_package(bundle: Path) -> None:
    text = (bundle / "LICENSES.txt").read_text("utf-8")
    sections = re.split(r"(?m)^(\S+)(?: \S+)? \(.+\)\n-{72}\n", text)[1:]
    texts = dict(zip(sections[::2], sections[1::2], strict=True))
    assert {"graphiql", "monaco-editor", "react", "@vscode/codicons"} <= set(texts)
    assert [name for name in texts if not re.search("permission|copyright", texts[name], re.IGNORECASE)] == []


def test_bundle_ships_the_notices_of_code_inside_packages(bundle: Path) -> None:
    assert "NOTICES AND INFORMATION" in (bundle / "LICENSES.txt").read_text("utf-8")  # Monaco's file
    assert "Sindre Sorhus" in (bundle / "LICENSES.txt").read_text("utf-8")  # Prettier's file
    assert any("@license DOMPurify" in script.read_text("utf-8") for script in bundle.glob("*.js"))
