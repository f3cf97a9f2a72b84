"""Which files of a folder are articles: a walk that holds one listing at a time, never the whole tree."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from gqlnews.content.codes import Code
from gqlnews.content.exhausted import raise_if_exhausted
from gqlnews.content.findings import problem
from gqlnews.content.inside import resolve_inside
from gqlnews.content.records import Problem, SourceFile
from gqlnews.content.root import Listing, Root, check_root, list_root, root_of

_EXTENSIONS = (".md", ".markdown")


class Entry(Protocol):
    """One name in a folder: an `os.DirEntry`, or a `Path`."""

    def is_symlink(self) -> bool:
        """Whether it is a link."""

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        """What the file system says of it; OSError."""


def discover(folder: Path) -> Iterator[SourceFile | Problem]:
    """Each article file below the folder, in no order, and a problem for each refused one; FolderError."""
    return _all(folder, root_of(folder))


def _all(folder: Path, root: Root) -> Iterator[SourceFile | Problem]:
    waiting: list[str] = []
    yield from _entries(folder, "", list_root(folder), waiting)
    yield from walk(folder, waiting)
    check_root(folder, root)


def walk(folder: Path, waiting: list[str]) -> Iterator[SourceFile | Problem]:
    """What lies below the folders that are `waiting` to be listed, each by its path below `folder`."""
    while waiting:
        below = waiting.pop()
        try:
            listing = os.scandir(os.path.join(folder, below))
        except (FileNotFoundError, NotADirectoryError):  # gone since it was listed
            continue
        except OSError as error:
            yield unlistable(below, error)
            continue
        yield from _entries(folder, f"{below}/", listing, waiting)


def unlistable(below: str, error: OSError) -> Problem:
    """Nothing is known of a folder that cannot be listed: its path ends with a slash, as no file's does."""
    raise_if_exhausted(error)
    return _refused(f"{below}/", f"The folder cannot be listed: {error.strerror or error}.")


def unreadable(path: str, error: OSError) -> Problem:
    """Nothing is known of the file but that it is there, or was."""
    raise_if_exhausted(error)
    return _refused(path, f"The file cannot be read: {error.strerror or error}.")


def _entries(
    folder: Path, prefix: str, listing: Listing, waiting: list[str]
) -> Iterator[SourceFile | Problem]:
    with listing as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(prefix + entry.name)
            elif is_article(entry.name):
                found = file_of(folder, prefix + entry.name, entry)
                if found is not None:
                    yield found


def is_article(name: str) -> bool:
    """Whether a file of this name, or at this path, is an article."""
    return name.endswith(_EXTENSIONS)


def file_of(folder: Path, path: str, entry: Entry) -> SourceFile | Problem | None:
    """The file of one entry; None where there is nothing to say of it."""
    if not _is_utf_8(path):
        return _refused(path, "The file's name is no UTF-8: rename it.")
    try:
        status = (
            os.stat(resolve_inside(folder, path)) if entry.is_symlink() else entry.stat(follow_symlinks=False)
        )
    except FileNotFoundError:
        return _refused(path, "The link leads nowhere: mend or delete it.") if entry.is_symlink() else None
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
    return problem(shown(path), None, Code.UNREADABLE, message)


def shown(path: str) -> str:
    """The path as problems name it: of a name that is no UTF-8, the other bytes as `\\xff`."""
    return os.fsencode(path).decode(errors="backslashreplace")
