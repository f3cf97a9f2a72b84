"""Scan only given paths of a folder, with the same results as `scan_folder`, without listing their siblings.

1. A path with a hidden component is ignored.
2. Every parent folder must be listable: nothing below a link or a file counts, and the content of an
   unlistable folder is unknown.
3. A file is stat'ed, a folder is scanned recursively.
"""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from gqlnews.content.models import Problem, SourceFile
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.root_folder import assert_unchanged, opened, root_identity
from gqlnews.discovery.scan import is_article, scan_subfolders, stat_entry, unlistable_problem, unreadable


def scan_paths(folder: Path | OpenFolder, paths: Collection[str]) -> Iterator[SourceFile | Problem]:
    """Yield the files and problems at or below each of `paths`, in no order and possibly more than once.

    Paths are relative to the folder and use `/`; missing ones yield nothing. Raises ContentFolderError.
    """
    with opened(folder) as inside:
        above = _AncestorCheck(inside)
        for path in paths:
            if is_visible(path):
                yield from above.problems(path) if above.is_blocked(path) else _at(inside, path)
        assert_unchanged(inside.path, root_identity(inside))


def is_visible(path: str) -> bool:
    """Return whether no component of the path is hidden; `..` counts as hidden."""
    return not path.startswith(".") and "/." not in path


def parent_folders(path: str) -> list[str]:
    """Return all parent folders: `a` and `a/b` for `a/b/c.md`."""
    return [path[:place] for place, sign in enumerate(path) if sign == "/"]


def _at(folder: OpenFolder, path: str) -> Iterator[SourceFile | Problem]:
    try:
        status = folder.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield unreadable(path, error) if is_article(path) else unlistable_problem(path, error)
        return
    if stat.S_ISDIR(status.st_mode):
        yield from scan_subfolders(folder, [path])
    elif is_article(path):
        found = stat_entry(folder, path, status)
        if found is not None:
            yield found


class _AncestorCheck:
    """Check which parent folders can be listed, opening each only once."""

    def __init__(self, folder: OpenFolder) -> None:
        self._folder = folder
        self._known: dict[str, OSError | None] = {}

    def is_blocked(self, path: str) -> bool:
        """Return whether any parent folder of `path` cannot be listed."""
        return any(self._fault(above) is not None for above in parent_folders(path))

    def problems(self, path: str) -> Iterator[Problem]:
        """Yield the problem of the first parent that cannot be listed, unless it is missing or no folder."""
        for above in parent_folders(path):
            fault = self._fault(above)
            if fault is not None:
                if not isinstance(fault, FileNotFoundError | NotADirectoryError):
                    yield unlistable_problem(above, fault)
                return

    def _fault(self, above: str) -> OSError | None:
        if above not in self._known:
            self._known[above] = _fault_of(self._folder, above)
        return self._known[above]


def _fault_of(folder: OpenFolder, above: str) -> OSError | None:
    try:
        os.close(folder.open_folder(above))
    except OSError as error:
        return error
    return None
