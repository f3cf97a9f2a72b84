"""Which files of a folder are articles: a walk that holds one listing at a time, never the whole tree."""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from gqlnews.content.codes import Code
from gqlnews.content.findings import problem
from gqlnews.content.inside import resolve_inside
from gqlnews.content.records import Problem, SourceFile
from gqlnews.errors import FolderError

Listing = AbstractContextManager[Iterator[os.DirEntry[str]]]

_EXTENSIONS = (".md", ".markdown")


def discover(folder: Path) -> Iterator[SourceFile | Problem]:
    """Each article file below the folder, in no order, and a problem for each refused one; FolderError."""
    try:
        listing = os.scandir(folder)
    except OSError as error:
        raise FolderError(_unusable(folder, error)) from error
    return _walk(folder, listing)


def _unusable(folder: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return f"There is no folder {folder}: give the path of your content folder."
        case NotADirectoryError():
            return f"{folder} is no folder: give the path of the folder that holds your articles."
        case _:
            return f"The folder {folder} cannot be read: {error.strerror or error}."


def _walk(folder: Path, listing: Listing) -> Iterator[SourceFile | Problem]:
    """`waiting` holds the folders that are yet to be listed, by their path below `folder`."""
    waiting: list[str] = []
    yield from _entries(folder, "", listing, waiting)
    while waiting:
        below = waiting.pop()
        try:
            listing = os.scandir(os.path.join(folder, below))
        except FileNotFoundError:  # gone since it was listed
            continue
        except OSError as error:
            yield _refused(f"{below}/", f"The folder cannot be listed: {error.strerror or error}.")
            continue
        yield from _entries(folder, f"{below}/", listing, waiting)


def _entries(
    folder: Path, prefix: str, listing: Listing, waiting: list[str]
) -> Iterator[SourceFile | Problem]:
    with listing as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(prefix + entry.name)
            elif entry.name.endswith(_EXTENSIONS):
                found = _look(folder, prefix + entry.name, entry)
                if found is not None:
                    yield found


def _look(folder: Path, path: str, entry: os.DirEntry[str]) -> SourceFile | Problem | None:
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
        return _refused(path, f"The file cannot be read: {error.strerror or error}.")
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
    shown = os.fsencode(path).decode(errors="backslashreplace")
    return problem(shown, None, Code.UNREADABLE, message)
