"""Open, list and stat paths inside a content folder, and nothing outside it.

1. The folder is opened once. Every path is opened relative to its descriptor without following links, so a
   file that is replaced by a link between two system calls is not followed.
2. A path with a link in it is resolved first. If its target is inside the folder, the target's path relative
   to the folder is opened by rule 1; otherwise PathEscapesError is raised.

Rule 1 takes one call of openat2(2). If the system does not have it, each component is opened relative to the
previous one, with O_NOFOLLOW.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

ResultT = TypeVar("ResultT")
OpenBeneath = Callable[[int, str, int], int]
"""(folder descriptor, path, flags) → descriptor; raises an OSError of `_LINK_ERRORS` for a link in it."""

_O_PATH: int = getattr(os, "O_PATH", os.O_RDONLY)  # needs no read permission; Linux only
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_LIST = os.O_RDONLY | os.O_DIRECTORY
_TRAVERSE = _O_PATH | os.O_DIRECTORY
_LINK_ERRORS = {errno.ELOOP, errno.ENOTDIR, errno.EXDEV}
_RETRIES = 3
_MAX_LINKS = 40  # as in Linux
_PATH_MAX = 4096


class PathEscapesError(OSError):
    """A path leads outside the folder; reading it could disclose any file of the host."""


def open_by_component(folder: int, path: str, flags: int) -> int:
    """Open each component of `path` relative to the previous one, without following links. Raises OSError."""
    *folders, name = path.split("/")
    current = folder
    try:
        for each in folders:
            child = os.open(_checked_component(each), _TRAVERSE | os.O_NOFOLLOW, dir_fd=current)
            if current != folder:
                os.close(current)
            current = child
        return os.open(_checked_component(name), flags | os.O_NOFOLLOW, dir_fd=current)
    finally:
        if current != folder:
            os.close(current)


def open_beneath(folder: int, path: str, flags: int) -> int:
    """Open `path` below the descriptor `folder`, without following links. Raises OSError.

    This takes one system call if the system has openat2(2).
    """
    if "/" not in path:
        return os.open(_checked_component(path), flags | os.O_NOFOLLOW, dir_fd=folder)
    return _opener()(folder, path, flags)


@cache
def _opener() -> OpenBeneath:
    try:
        from gqlnews.content import openat2  # imports ctypes, which is not needed without subfolders
    except ImportError:  # a Python without ctypes
        return open_by_component
    return openat2.openat2 if openat2.is_available() else open_by_component


def _checked_component(name: str) -> str:
    if name in {"", ".."}:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
    return name


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """Open content folder. It remains the same folder if its path is renamed, replaced or made a link.

    Paths are relative to it and use `/`.
    """

    path: Path
    descriptor: int
    open_beneath: OpenBeneath = open_beneath

    @classmethod
    def open(cls, path: Path) -> "OpenFolder":
        """Open the folder at `path`, which may be a link. Raises OSError if it cannot be listed."""
        return cls(path, os.open(path, _LIST))

    def __enter__(self) -> "OpenFolder":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def open_file(self, path: str) -> int:
        """Open the file at `path`, following a link, and return its descriptor.

        Does not block on a named pipe without a writer. Raises OSError or PathEscapesError.
        """
        try:
            return self.open_beneath(self.descriptor, path, _FILE)
        except OSError as error:
            if error.errno not in _LINK_ERRORS:
                raise
        return self._with_target(path, lambda target: self.open_beneath(self.descriptor, target, _FILE))

    def open_folder(self, path: str, flags: int = _LIST) -> int:
        """Open the folder at `path`. Raises OSError, NotADirectoryError also for a link in the path."""
        if (
            len(os.fsencode(self.path)) + len(os.fsencode(path)) + 1 >= _PATH_MAX
        ):  # some calls use the full path
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        try:
            return self.open_beneath(self.descriptor, path or ".", flags)
        except OSError as error:
            if error.errno in _LINK_ERRORS:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error
            raise

    def lstat(self, path: str) -> os.stat_result:
        """Stat `path` without following a link. Raises OSError."""
        parent, _, name = path.rpartition("/")
        if not parent:
            return os.stat(_checked_component(name), dir_fd=self.descriptor, follow_symlinks=False)
        folder = self.open_folder(parent, _TRAVERSE)
        try:
            return os.stat(_checked_component(name), dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(folder)

    def stat_target(self, link: str) -> os.stat_result:
        """Stat the target of a link. Raises OSError or PathEscapesError."""
        return self._with_target(link, self._stat_unless_link)

    def _stat_unless_link(self, path: str) -> os.stat_result:
        status = self.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        return status

    def _with_target(self, path: str, action: Callable[[str], ResultT]) -> ResultT:
        """Apply `action` to `path` with its links resolved; retry if the target has become a link since."""
        for _ in range(_RETRIES):
            try:
                return action(resolve_within(self.path, path))
            except OSError as error:
                if error.errno not in _LINK_ERRORS:
                    raise
        return action(resolve_within(self.path, path))


@contextmanager
def scan_entries(descriptor: int) -> Iterator[Iterator[os.DirEntry[str]]]:
    """Iterate over the entries of an open folder, and close its descriptor at the end of the block."""
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


@contextmanager
def ensure_open(folder: Path | OpenFolder) -> Iterator[OpenFolder]:
    """Open the folder for the block, unless it is open already. Raises OSError."""
    if isinstance(folder, OpenFolder):
        yield folder
    else:
        with OpenFolder.open(folder) as opened:
            yield opened


def open_within(folder: Path | OpenFolder, path: str) -> int:
    """Open a file as `OpenFolder.open_file` does; a folder that is a path is opened for that."""
    with ensure_open(folder) as opened:
        return opened.open_file(path)


def resolve_within(folder: Path, path: str) -> str:
    """Resolve all links in `path` and return the result relative to `folder`.

    The target may be replaced by a link afterwards. Raises OSError or PathEscapesError.
    """
    root = os.path.realpath(folder, strict=True)
    real = _follow_links(root, path, [])
    if real == root:
        return "."
    prefix = _prefix(root)
    if not real.startswith(prefix):
        raise PathEscapesError(0, "it is a link to a target outside the folder")
    return real[len(prefix) :]


def resolution_entries(folder: Path, path: str) -> frozenset[str]:
    """Return the entries of folders that resolving `path` reads, as far as they are inside `folder`.

    These are the links, folders and the target on the way, or the first one that is missing: a change of any
    of them can change the result of `resolve_within`. They are relative to `folder`, which has no links.
    """
    entries: list[str] = []
    with suppress(OSError):
        _follow_links(str(folder), path, entries)
    prefix = _prefix(str(folder))
    return frozenset(entry[len(prefix) :] for entry in entries if entry.startswith(prefix))


def _follow_links(root: str, path: str, entries: list[str]) -> str:
    """Return the real path of `path` relative to `root`; append to `entries` each path that is read.

    `root` is a real path. Raises OSError if an entry is missing, or there are too many links.
    """
    current, pending, links = "/" if path.startswith("/") else root, path.split("/")[::-1], 0
    while pending:
        name = pending.pop()
        if name in {"", "."}:
            continue
        if name == "..":
            current = os.path.dirname(current)
            continue
        entry = _prefix(current) + name
        entries.append(entry)
        try:
            target = os.readlink(entry)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            current = entry  # not a link
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        current = "/" if target.startswith("/") else current
        pending += target.split("/")[::-1]
    return current


def _prefix(folder: str) -> str:
    return f"{folder.rstrip('/')}/"
