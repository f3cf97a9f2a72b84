"""How the explorer gets into the package."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BUILT = "gqlnews/server/explorer"
SOURCES = (
    "pyproject.toml",
    "hatch_build.py",
    ".gitignore",
    "README.md",
    "gqlnews/__init__.py",
    "explorer/package.json",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of the repository as a build looks at, with the explorer built."""
    for name in SOURCES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    (tmp_path / BUILT).mkdir(parents=True)
    (tmp_path / BUILT / "manifest.json").write_text("{}")
    return tmp_path


def build(checkout: Path, path: str = "") -> str:
    """Builds wheel and source distribution into `dist/`, `path` for programs; returns what was said."""
    command = [sys.executable, "-m", "hatchling", "build"]
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=checkout, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def in_wheel(checkout: Path) -> set[str]:
    (wheel,) = (checkout / "dist").glob("*.whl")
    return {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(BUILT)}


def test_wheel_and_source_distribution_hold_the_built_explorer(checkout: Path) -> None:
    build(checkout)
    assert in_wheel(checkout) == {f"{BUILT}/manifest.json"}
    (archive,) = (checkout / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as distribution:
        inside = {name.partition("/")[2] for name in distribution.getnames()}
    assert {f"{BUILT}/manifest.json", "explorer/package.json", "hatch_build.py"} <= inside


def test_without_npm_the_package_is_built_and_says_what_is_missing(checkout: Path) -> None:
    (checkout / BUILT / "manifest.json").unlink()
    assert "The explorer is left out: npm is not installed." in build(checkout)
    assert in_wheel(checkout) == set()


def test_where_npm_fails_the_package_is_built_and_says_why(checkout: Path) -> None:
    (checkout / BUILT / "manifest.json").unlink()
    npm(checkout / "bin", "echo no such registry >&2; exit 1")
    assert "failed: no such registry" in build(checkout, str(checkout / "bin"))


def test_a_missing_explorer_is_built_by_npm(checkout: Path) -> None:
    (checkout / BUILT / "manifest.json").unlink()
    npm(checkout / "bin", f'[ "$1" = ci ] || echo "{{}}" > ../{BUILT}/manifest.json')
    build(checkout, str(checkout / "bin"))
    assert in_wheel(checkout) == {f"{BUILT}/manifest.json"}


def npm(folder: Path, script: str) -> None:
    """Puts a program called npm into `folder`."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)


def test_versions_are_exact_and_come_from_the_public_registry() -> None:
    package = json.loads((REPOSITORY / "explorer/package.json").read_text("utf-8"))
    lock = json.loads((REPOSITORY / "explorer/package-lock.json").read_text("utf-8"))
    wanted = package["dependencies"] | package["devDependencies"]
    locked = {name: lock["packages"][f"node_modules/{name}"]["version"] for name in wanted}
    assert wanted == locked
    addresses = {entry.get("resolved", "") for entry in lock["packages"].values()}
    assert all(not address or address.startswith("https://registry.npmjs.org/") for address in addresses)
