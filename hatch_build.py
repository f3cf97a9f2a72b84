"""
Build hook: bundle the explorer into the package, unless it is there already.

If npm is missing or fails, the package is built without it, and the explorer page explains how to build it. A
source distribution contains the built files, so that building a wheel from it needs no Node.js.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("gqlnews", "server", "explorer")
COMMANDS = (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"])


class ExplorerBuildHook(BuildHookInterface[Any]):
    """Run before the files of a wheel (editable or not) or source distribution are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if (root / BUILT / "manifest.json").is_file():
            return
        if problem := build_explorer(root / "explorer"):
            self.app.display_warning(f"The explorer is left out: {problem}. `make explorer` builds it later.")


def build_explorer(sources: Path) -> str | None:
    """Bundles the explorer; returns what kept it from being built, or None."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    for arguments in COMMANDS:
        done = subprocess.run([npm, *arguments], cwd=sources, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
        if done.returncode:
            return f"`npm {' '.join(arguments)}` failed: {done.stderr.strip()}"
    return None
