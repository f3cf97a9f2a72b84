"""The extra `testing`: what it installs, and what pytest finds."""

import ast
import sys
import tomllib
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gqlnews import testing

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def imported_modules() -> set[str]:
    """Return the top-level modules that the package imports anywhere."""
    trees = [ast.parse(file.read_text()) for file in (ROOT / "gqlnews" / "testing").glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    found = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    found |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {module.partition(".")[0] for module in found}


def test_the_extra_installs_what_the_plugin_imports() -> None:
    """So `pip install 'gqlnews[testing]'` is enough, in an environment that has nothing else."""
    installed = names(PROJECT["dependencies"]) | names(PROJECT["optional-dependencies"]["testing"])
    distributions = packages_distributions()
    missing = {
        module
        for module in imported_modules() - sys.stdlib_module_names - {"gqlnews"}
        if not {canonicalize_name(name) for name in distributions[module]} & installed
    }
    assert missing == set()


def test_pytest_finds_the_plugin() -> None:
    (plugin,) = entry_points(group="pytest11", name="gqlnews")
    assert plugin.value == "gqlnews.testing.plugin" == PROJECT["entry-points"]["pytest11"]["gqlnews"]
    assert plugin.load().gqlnews


def test_the_package_exports_its_documented_names() -> None:
    assert all(getattr(testing, name).__name__ == name for name in testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'NewsServers'"):
        testing.NewsServers  # noqa: B018 - the access is what is tested


def test_a_guide_documents_every_error_and_fixture() -> None:
    guide = (ROOT / "docs" / "guides" / "testing.md").read_text("utf-8")
    plugin = (ROOT / "gqlnews" / "testing" / "plugin.py").read_text("utf-8")
    functions = [node for node in ast.parse(plugin).body if isinstance(node, ast.FunctionDef)]
    fixtures = [node.name for node in functions if node.name.startswith("gqlnews")]
    errors = [name for name in testing.__all__ if name.endswith("Error")]
    assert len(fixtures) == 6
    assert [name for name in (*fixtures, *errors) if f"| `{name}` |" not in guide] == []
