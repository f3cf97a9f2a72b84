"""
Build hook: bundle the explorer and the reader into the package, unless they are there already.

If npm is missing or fails, the package is built without them, and their pages explain how to build them. A
source distribution contains the built files, so that building a wheel from it needs no Node.js.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FRONT_ENDS = {"explorer": Path("explorer"), "reader": Path("examples", "reader")}
"""Folders with the sources; each is built into `gqlnews/server/NAME`."""

COMMANDS = (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"])


class FrontEndBuildHook(BuildHookInterface[Any]):
    """Run before the files of a wheel (editable or not) or source distribution are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        for name, sources in FRONT_ENDS.items():
            if (root / "gqlnews" / "server" / name / "manifest.json").is_file():
                continue
            if problem := build(root / sources):
                self.app.display_warning(f"The {name} is left out: {problem}. `make {name}` builds it later.")


def build(sources: Path) -> str | None:
    """Bundle what is in a folder; return what kept it from being built, or None."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    for arguments in COMMANDS:
        done = subprocess.run([npm, *arguments], cwd=sources, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
        if done.returncode:
            return f"`npm {' '.join(arguments)}` failed: {done.stderr.strip()}"
    return None
