"""Lock files: every download is pinned and checked by hash, and no install script runs."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
REQUIRED = {
    "requirements.lock": [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["postgres"],
    ],
    "requirements-build.lock": PROJECT["build-system"]["requires"],
}
INSTRUCTIONS = [
    *(ROOT / name for name in ("Dockerfile", "Makefile", ".ci/run", "hatch_build.py")),
    *(
        file
        for pattern in ("*.md", "docs/*.md", "*/README.md", "*/*/README.md")
        for file in ROOT.glob(pattern)
    ),
    *(ROOT / "gqlnews").rglob("*.py"),
    *(ROOT / "benchmarks").rglob("*.py"),
]
PACKAGE_LOCKS = sorted([*ROOT.glob("*/package-lock.json"), *ROOT.glob("*/*/package-lock.json")])


def locked(name: str) -> dict[str, tuple[Requirement, set[str]]]:
    """Package name → its pinned requirement and the hashes of its files."""
    text = re.sub(r"(?m)^ *#.*\n", "", (ROOT / name).read_text("utf-8")).replace("\\\n", " ")
    entries: dict[str, tuple[Requirement, set[str]]] = {}
    for line in text.splitlines():
        requirement = Requirement(line.partition("--hash")[0].strip())
        hashes = set(re.findall(r"--hash=(\S+)", line))
        entries[canonicalize_name(requirement.name)] = (requirement, hashes)
    return entries


def pinned(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return specifier.version


@pytest.mark.parametrize("name", REQUIRED)
def test_lock_pins_every_package_with_hashes(name: str) -> None:
    assert locked(name)
    for requirement, hashes in locked(name).values():
        assert "*" not in pinned(requirement)
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes)


@pytest.mark.parametrize("name", REQUIRED)
def test_lock_names_no_registry(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"(?m)^-", text), "a lock holds no options, such as --index-url"


@pytest.mark.parametrize("name", REQUIRED)
def test_lock_pins_every_declared_dependency_to_an_allowed_version(name: str) -> None:
    entries = locked(name)
    for requirement in map(Requirement, REQUIRED[name]):
        entry, _ = entries[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pinned(entry)), f"run `make lock`: {entry}, not {requirement}"


@pytest.mark.parametrize("name", REQUIRED)
def test_lock_includes_transitive_dependencies(name: str) -> None:
    """Read the metadata of packages that are installed here in their locked version."""
    entries = locked(name)
    for entry, _ in entries.values():
        missing = [str(need) for need in needs(entry) if canonicalize_name(need.name) not in entries]
        assert missing == [], f"run `make lock`: {entry} needs {missing}"


def needs(entry: Requirement) -> list[Requirement]:
    """Return the package's requirements on this platform; none if another version is installed."""
    try:
        distribution = importlib.metadata.distribution(entry.name)
    except importlib.metadata.PackageNotFoundError:
        return []
    if distribution.version != pinned(entry):
        return []
    requirements = map(Requirement, distribution.requires or [])
    return [item for item in requirements if item.marker is None or item.marker.evaluate({"extra": ""})]


def test_build_group_equals_build_system_requires() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


def test_every_npm_command_ignores_install_scripts() -> None:
    commands = {
        (file.relative_to(ROOT).as_posix(), command)
        for file in INSTRUCTIONS
        for command in re.findall(
            r"\bnpm (?:ci|install|i|add|update)\b[^`&\n]*|\bnpx .*", file.read_text("utf-8")
        )
    }
    assert {"Dockerfile", "Makefile", "explorer/README.md", "gqlnews/server/built_files.py"} <= {
        file for file, _ in commands
    }
    assert [command for command in sorted(commands) if "--ignore-scripts" not in command[1]] == []


@pytest.mark.parametrize("file", PACKAGE_LOCKS, ids=lambda file: file.parent.name)
class TestPackageLock:
    def test_every_npm_package_has_a_hash(self, file: Path) -> None:
        entries = packages(file)
        assert entries
        wrong = [
            name for name, entry in entries.items() if not entry.get("integrity", "").startswith("sha512-")
        ]
        assert wrong == []

    def test_package_lock_names_no_registry(self, file: Path) -> None:
        assert "://" not in json.dumps([entry.get("resolved", "") for entry in packages(file).values()])

    def test_npmrc_sets_the_same_for_npm_install(self, file: Path) -> None:
        """`npm install` updates the lock file."""
        settings = (file.parent / ".npmrc").read_text("utf-8").splitlines()
        assert {"ignore-scripts=true", "omit-lockfile-registry-resolved=true"} <= set(settings)
        assert not [line for line in settings if "registry=" in line or "_auth" in line]


def packages(file: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a package-lock.json except the project itself."""
    entries: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))["packages"]
    return {name: entry for name, entry in entries.items() if name}


def test_every_package_lock_is_found() -> None:
    assert {file.parent.name for file in PACKAGE_LOCKS} >= {"explorer", "reader", "clients", "peers"}
