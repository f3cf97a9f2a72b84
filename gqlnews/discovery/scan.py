"""Find the article files of a content folder, or below some of its paths."""

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from gqlnews.content.diagnostics import ProblemCode, problem
from gqlnews.content.models import ContentProblem, SourceFile
from gqlnews.content.safe_open import OpenFolder, entries_of
from gqlnews.errors import ContentFolderError, raise_if_exhausted

# Open the content folder and verify that it has not been replaced.
#
# If the folder is renamed, replaced or unmounted during a scan, all of its files appear to be deleted. So
# code that treats missing files as deleted must call `assert_unchanged` at the end.


Root = tuple[int, int]
"""Device and inode."""


def open_root(folder: Path) -> OpenFolder:
    """Open a content folder. Raises ContentFolderError if it cannot be listed."""
    try:
        return OpenFolder.at(folder)
    except OSError as error:
        raise_if_exhausted(error)
        raise ContentFolderError(_unusable(folder, error)) from error


@contextmanager
def opened(folder: Path | OpenFolder) -> Iterator[OpenFolder]:
    """Open the folder for the block, unless it is open already. Raises ContentFolderError."""
    if isinstance(folder, OpenFolder):
        yield folder
    else:
        with open_root(folder) as own:
            yield own


def root_identity(folder: Path | OpenFolder) -> Root:
    """Return the identity of a folder. Raises ContentFolderError if it cannot be listed."""
    with opened(folder) as inside:
        status = os.fstat(inside.descriptor)
    return status.st_dev, status.st_ino


def assert_unchanged(folder: Path | OpenFolder, root: Root) -> None:
    """Raise ContentFolderError unless the folder still has the identity `root`."""
    if root_identity(folder) != root:
        path = folder if isinstance(folder, Path) else folder.path
        raise ContentFolderError(
            f"The folder {path} was replaced by another while it was looked at: try again."
        )


def _unusable(folder: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return f"There is no folder {folder}: give the path of your content folder."
        case NotADirectoryError():
            return f"{folder} is no folder: give the path of the folder that holds your articles."
        case _:
            return f"The folder {folder} cannot be read: {error.strerror or error}."


# Scan a folder for article files, holding one directory listing at a time, never the whole tree.


_EXTENSIONS = (".md", ".markdown")


def scan_folder(folder: Path | OpenFolder) -> Iterator[SourceFile | ContentProblem]:
    """Yield each article file below the folder, or its problem, in no order. Raises ContentFolderError."""
    return _all(folder, root_identity(folder))


def _all(folder: Path | OpenFolder, root: Root) -> Iterator[SourceFile | ContentProblem]:
    with opened(folder) as inside:
        assert_unchanged(inside, root)
        yield from scan_subfolders(inside, [""])
        assert_unchanged(inside.path, root)


def scan_subfolders(folder: OpenFolder, waiting: list[str]) -> Iterator[SourceFile | ContentProblem]:
    """Scan the folders in `waiting`, which are paths relative to `folder`, and all their subfolders."""
    while waiting:
        below = waiting.pop()
        try:
            descriptor = folder.open_folder(below)
        except (FileNotFoundError, NotADirectoryError):  # gone or replaced since it was listed
            continue
        except OSError as error:
            yield unlistable_problem(below, error)
            continue
        with entries_of(descriptor) as entries:
            yield from _found(folder, f"{below}/" if below else "", entries, waiting)


def unlistable_problem(below: str, error: OSError) -> ContentProblem:
    """Build the problem of a folder that cannot be listed; the slash at its path's end marks a folder."""
    raise_if_exhausted(error)
    return _refused(f"{below}/", f"The folder cannot be listed: {error.strerror or error}.")


def unreadable(path: str, error: OSError) -> ContentProblem:
    """Build the problem of a file that cannot be read, of which only the path is known."""
    raise_if_exhausted(error)
    return _refused(path, f"The file cannot be read: {error.strerror or error}.")


def _found(
    folder: OpenFolder, prefix: str, entries: Iterator[os.DirEntry[str]], waiting: list[str]
) -> Iterator[SourceFile | ContentProblem]:
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            waiting.append(prefix + entry.name)
        elif is_article(entry.name):
            found = _stat_entry(folder, prefix + entry.name, entry)
            if found is not None:
                yield found


def is_article(name: str) -> bool:
    """Return whether a file of this name or path is an article."""
    return name.endswith(_EXTENSIONS)


def _stat_entry(folder: OpenFolder, path: str, entry: os.DirEntry[str]) -> SourceFile | ContentProblem | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return unreadable(path, error)
    return stat_entry(folder, path, status)


def stat_entry(folder: OpenFolder, path: str, status: os.stat_result) -> SourceFile | ContentProblem | None:
    """Return the file at `path` or its problem, from its lstat(2) `status`; None for a link to a folder."""
    if not _is_utf_8(path):
        return _refused(path, "The file's name is no UTF-8: rename it.")
    if stat.S_ISLNK(status.st_mode):
        try:
            status = folder.stat_target(path)
        except FileNotFoundError:
            return _refused(path, "The link leads nowhere: mend or delete it.")
        except OSError as error:
            return unreadable(path, error)
    if stat.S_ISREG(status.st_mode):
        return SourceFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if stat.S_ISDIR(status.st_mode):
        return None
    return _refused(path, "This is no regular file: only files hold articles.")


def _is_utf_8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(path: str, message: str) -> ContentProblem:
    return problem(display_path(path), None, ProblemCode.UNREADABLE, message)


def display_path(path: str) -> str:
    """Return the path for display, with bytes that are not UTF-8 escaped as `\\xff`."""
    return os.fsencode(path).decode(errors="backslashreplace")


# Scan only given paths of a folder, with the same results as `scan_folder`, without listing their siblings.
#
# 1. A path with a hidden component is ignored.
# 2. Every parent folder must be listable: nothing below a link or a file counts, and the content of an
#    unlistable folder is unknown.
# 3. A file is stat'ed, a folder is scanned recursively.


def scan_paths(folder: Path | OpenFolder, paths: Collection[str]) -> Iterator[SourceFile | ContentProblem]:
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


def _at(folder: OpenFolder, path: str) -> Iterator[SourceFile | ContentProblem]:
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

    def problems(self, path: str) -> Iterator[ContentProblem]:
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
