"""Scan a folder for article files, holding one directory listing at a time, never the whole tree."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gqlnews.content.diagnostics import problem
from gqlnews.content.models import Problem, SourceFile
from gqlnews.content.problem_codes import ProblemCode
from gqlnews.content.safe_open import OpenFolder, entries_of
from gqlnews.discovery.root_folder import Root, assert_unchanged, opened, root_identity
from gqlnews.resource_errors import raise_if_exhausted

_EXTENSIONS = (".md", ".markdown")


def scan_folder(folder: Path | OpenFolder) -> Iterator[SourceFile | Problem]:
    """Yield each article file below the folder, or its problem, in no order. Raises ContentFolderError."""
    return _all(folder, root_identity(folder))


def _all(folder: Path | OpenFolder, root: Root) -> Iterator[SourceFile | Problem]:
    with opened(folder) as inside:
        assert_unchanged(inside, root)
        yield from scan_subfolders(inside, [""])
        assert_unchanged(inside.path, root)


def scan_subfolders(folder: OpenFolder, waiting: list[str]) -> Iterator[SourceFile | Problem]:
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


def unlistable_problem(below: str, error: OSError) -> Problem:
    """Build the problem of a folder that cannot be listed; the slash at its path's end marks a folder."""
    raise_if_exhausted(error)
    return _refused(f"{below}/", f"The folder cannot be listed: {error.strerror or error}.")


def unreadable(path: str, error: OSError) -> Problem:
    """Build the problem of a file that cannot be read, of which only the path is known."""
    raise_if_exhausted(error)
    return _refused(path, f"The file cannot be read: {error.strerror or error}.")


def _found(
    folder: OpenFolder, prefix: str, entries: Iterator[os.DirEntry[str]], waiting: list[str]
) -> Iterator[SourceFile | Problem]:
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


def _stat_entry(folder: OpenFolder, path: str, entry: os.DirEntry[str]) -> SourceFile | Problem | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return unreadable(path, error)
    return stat_entry(folder, path, status)


def stat_entry(folder: OpenFolder, path: str, status: os.stat_result) -> SourceFile | Problem | None:
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


def _refused(path: str, message: str) -> Problem:
    return problem(display_path(path), None, ProblemCode.UNREADABLE, message)


def display_path(path: str) -> str:
    """Return the path for display, with bytes that are not UTF-8 escaped as `\\xff`."""
    return os.fsencode(path).decode(errors="backslashreplace")
