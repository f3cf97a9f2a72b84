"""The layout in docs/architecture.md: which package may import which, and the size of modules."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gqlnews"
SHARED = {
    *("errors", "cache", "columns", "custom_fields", "reserved_names", "timestamps", "text_keys"),
    *("time_budget", "versions"),
}
ALLOWED = {
    "errors": set(),
    "cache": set(),
    "columns": set(),
    "custom_fields": {"columns"},
    "reserved_names": set(),
    "timestamps": set(),
    "text_keys": set(),
    "time_budget": {"errors"},
    "versions": {"errors"},
    "config": SHARED,
    "content": SHARED,
    "discovery": SHARED | {"content"},
    "database": SHARED | {"config"},
    "ingest": SHARED | {"config", "content", "discovery", "database"},
    "query": SHARED | {"config"},
    "schema": SHARED | {"config", "query"},
    "engine": SHARED | {"config", "schema", "query", "database"},
    "subscriptions": SHARED | {"config", "engine", "schema", "query", "database"},
    "server": SHARED | {"config", "subscriptions", "engine", "schema", "query", "database"},
    "app": SHARED
    | {"config", "server", "subscriptions", "engine", "schema", "query", "database", "ingest", "discovery"},
    "operations": SHARED | {"config", "engine", "schema", "query"},
    "sample": SHARED,
}
ALLOWED["cli"] = {*SHARED, *ALLOWED}  # all
ALLOWED["python_api"] = {*SHARED, *ALLOWED}
ALLOWED["testing"] = {*SHARED, *ALLOWED}
AT_PLUGIN_LOAD = ("testing/__init__.py", "testing/plugin.py")
"""Modules that pytest imports in every session: they import the rest when it is used."""

READS_ENVIRONMENT = ("os.environ", "os.getenv", "expandvars", "envvar_value", "EnvSettingsSource")


@cache
def sources() -> Mapping[Path, str]:
    """Return the text of every module."""
    return {file: file.read_text() for file in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees() -> Mapping[Path, ast.Module]:
    return {file: ast.parse(text) for file, text in sources().items()}


def find_imports() -> Iterator[tuple[str, str, str]]:
    """Yield (importing package, imported package, file) for every internal import."""
    for file, tree in trees().items():
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        if parts[0].startswith("__"):
            continue  # the version and the entry point
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for module in modules:
                if module.startswith("gqlnews.") and module != "gqlnews.__version__":
                    yield parts[0], module.split(".")[1], "/".join(parts)


IMPORTS = tuple(find_imports())


@pytest.mark.parametrize("package", sorted({package for package, _, _ in IMPORTS}))
def test_a_package_imports_only_what_the_layout_allows(package: str) -> None:
    strangers = [
        f"{file} imports {imported}"
        for importing, imported, file in IMPORTS
        if importing == package and imported not in ALLOWED[package] | {package}
    ]
    assert strangers == []


def test_the_pytest_plugin_imports_nothing_but_pytest_at_its_load() -> None:
    """Not to slow down sessions that do not use it, nor to import what their coverage is to measure."""
    imported = {
        node.module
        for file in AT_PLUGIN_LOAD
        for node in trees()[PACKAGE / file].body
        if isinstance(node, ast.ImportFrom)
    } | {
        alias.name
        for file in AT_PLUGIN_LOAD
        for node in trees()[PACKAGE / file].body
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported == {"pytest", "typing", "collections.abc", "pathlib"}


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        str(file.relative_to(PACKAGE))
        for file, text in sources().items()
        if any(name in text for name in READS_ENVIRONMENT)
    ]
    assert readers == ["config/sources.py"]


def test_only_the_database_package_opens_a_database() -> None:
    openers = {
        file.relative_to(PACKAGE).parts[0]
        for file, text in sources().items()
        if any(name in text for name in ("sqlite3.connect(", "aiosqlite.connect("))
    }
    assert openers <= {"database"}


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {str(file.relative_to(PACKAGE)): len(text.splitlines()) for file, text in sources().items()}
    assert {file: lines for file, lines in lengths.items() if lines > 400} == {}


def test_class_names_are_unique() -> None:
    nodes = (node for tree in trees().values() for node in ast.walk(tree))
    names = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_modules_import_each_other() -> None:
    """Not even through others, at the top level of the modules."""
    files = {
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for file in sources()
    }
    graph: dict[str, set[str]] = {module: set() for module in files}
    for module, file in files.items():
        for node in trees()[file].body:
            if isinstance(node, ast.ImportFrom):
                parts = {f"{node.module}.{alias.name}" for alias in node.names} & files.keys()
                graph[module] |= parts or {str(node.module)}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_no_pattern_has_a_possessive_group() -> None:
    """Python 3.11.2, that of Debian 12, continues at a wrong place after such a group fails within."""
    possessive = re.compile(r"\)[*+?]\+|\(\?>")
    lines = (
        (file.name, line)
        for file, text in sources().items()
        for line in text.splitlines()
        if '"' in line and possessive.search(line.replace("()*+", ""))
    )
    assert list(lines) == []
