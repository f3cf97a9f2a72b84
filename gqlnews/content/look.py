"""What `discover` would find at or below some paths of a folder, without listing what is beside them.

1. A path with a hidden name on the way is passed over.
2. Each folder above it must be one that can be listed: below a link or a file there is nothing, and of what
   lies in a folder that cannot be listed nothing is known.
3. A file is asked for itself, a folder is walked.
"""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from gqlnews.content.discover import file_of, is_article, unlistable, unreadable, walk
from gqlnews.content.inside import OpenFolder
from gqlnews.content.records import Problem, SourceFile
from gqlnews.content.root import check_root, opened, root_of


def look(folder: Path | OpenFolder, paths: Collection[str]) -> Iterator[SourceFile | Problem]:
    """The files at or below each of `paths`, in no order and perhaps twice, and the problems; FolderError.

    Paths are relative to the folder, with `/`; what is not there gives nothing.
    """
    with opened(folder) as inside:
        above = _Above(inside)
        for path in paths:
            if is_visible(path):
                yield from above.problems(path) if above.bars(path) else _at(inside, path)
        check_root(inside.path, root_of(inside))


def is_visible(path: str) -> bool:
    """Whether no name on the way is hidden; `..` is."""
    return not path.startswith(".") and "/." not in path


def folders_above(path: str) -> list[str]:
    """`a/b/c.md` gives `a` and `a/b`."""
    return [path[:place] for place, sign in enumerate(path) if sign == "/"]


def _at(folder: OpenFolder, path: str) -> Iterator[SourceFile | Problem]:
    try:
        status = folder.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield unreadable(path, error) if is_article(path) else unlistable(path, error)
        return
    if stat.S_ISDIR(status.st_mode):
        yield from walk(folder, [path])
    elif is_article(path):
        found = file_of(folder, path, status)
        if found is not None:
            yield found


class _Above:
    """What was found of the folders above paths; each is opened once."""

    def __init__(self, folder: OpenFolder) -> None:
        self._folder = folder
        self._known: dict[str, OSError | None] = {}

    def bars(self, path: str) -> bool:
        """Whether nothing below a folder above `path` can be looked at."""
        return any(self._fault(above) is not None for above in folders_above(path))

    def problems(self, path: str) -> Iterator[Problem]:
        """What keeps the first of them from being listed, if it is one."""
        for above in folders_above(path):
            fault = self._fault(above)
            if fault is not None:
                if not isinstance(fault, FileNotFoundError | NotADirectoryError):
                    yield unlistable(above, fault)
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
