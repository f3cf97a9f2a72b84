"""The source tree of another commit, whose server is compared with the present one in the same run."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The source tree of this benchmark."""


def python_path(tree: Path) -> dict[str, str]:
    """Variables that make child processes import from `tree`, whatever their working directory is."""
    return {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """Check the commit out in this new folder, and remove it afterwards. Raises SystemExit if git refuses."""
    added = _git("add", "--detach", str(folder), commit)
    if added.returncode:
        raise SystemExit(f"cannot check out {commit}: {added.stderr.strip()}")
    try:
        yield folder
    finally:
        _git("remove", "--force", str(folder))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", ROOT, "worktree", *arguments], capture_output=True, text=True)  # noqa: S603, S607, PLW1510
