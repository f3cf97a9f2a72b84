"""Find the article files of a content folder, or below some of its paths."""

import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from gqlnews.content.diagnostics import ProblemCode, build_problem
from gqlnews.content.models import ContentProblem, SourceFile
from gqlnews.content.safe_open import OpenFolder, scan_entries
from gqlnews.errors import ContentFolderError, raise_if_exhausted

# Opening the folder, and verifying that it has not been replaced.
#
# If the folder is renamed, replaced or unmounted during a scan, all of its files seem to be deleted. So each
# scan calls `assert_unchanged` at the end.


FolderIdentity = tuple[int, int]
"""Identity of a folder: device and inode."""


def open_root(folder: Path) -> OpenFolder:
    """Open a content folder. Raises ContentFolderError if it cannot be listed."""
    try:
        return OpenFolder.open(folder)
    except OSError as error:
        raise_if_exhausted(error)
        raise ContentFolderError(_folder_error_message(folder, error)) from error


@contextmanager
def as_open_folder(folder: Path | OpenFolder) -> Iterator[OpenFolder]:
    """Open the folder for the block, unless it is open already. Raises ContentFolderError."""
    if isinstance(folder, OpenFolder):
        yield folder
    else:
        with open_root(folder) as opened_here:
            yield opened_here


def folder_identity(folder: Path | OpenFolder) -> FolderIdentity:
    """Return the identity of a folder. Raises ContentFolderError if it cannot be listed."""
    with as_open_folder(folder) as content:
        status = os.fstat(content.descriptor)
    return status.st_dev, status.st_ino


def assert_unchanged(folder: Path | OpenFolder, root: FolderIdentity) -> None:
    """Raise ContentFolderError unless the folder still has the identity `root`."""
    if folder_identity(folder) != root:
        path = folder if isinstance(folder, Path) else folder.path
        raise ContentFolderError(f"The folder {path} was replaced by another during the scan: try again.")


def _folder_error_message(folder: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return f"There is no folder {folder}: specify the path of your content folder."
        case NotADirectoryError():
            return f"{folder} is not a folder: specify the path of the folder that contains your articles."
        case _:
            return f"The folder {folder} cannot be read: {error.strerror or error}."


# Full scan, which has one folder's listing in memory at a time, never the whole tree.


_PACKAGES = "node_modules"  # thousands of folders with documentation, which are never articles
_EXTENSIONS = (".md", ".markdown", ".mdx")
_IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif")


def scan_folder(folder: Path | OpenFolder) -> Iterator[SourceFile | ContentProblem]:
    """Yield each article file below the folder, or its problem, in no order. Raises ContentFolderError."""
    return _scan_all(folder, folder_identity(folder))


def _scan_all(folder: Path | OpenFolder, root: FolderIdentity) -> Iterator[SourceFile | ContentProblem]:
    with as_open_folder(folder) as content:
        assert_unchanged(content, root)
        yield from scan_subfolders(content, [""])
        assert_unchanged(content.path, root)


def scan_subfolders(folder: OpenFolder, pending: list[str]) -> Iterator[SourceFile | ContentProblem]:
    """Scan the folders in `pending`, which are paths relative to `folder`, and all their subfolders."""
    while pending:
        subfolder = pending.pop()
        try:
            descriptor = folder.open_folder(subfolder)
        except (FileNotFoundError, NotADirectoryError):  # gone or replaced since it was listed
            continue
        except OSError as error:
            yield unlistable_folder_problem(subfolder, error)
            continue
        try:
            with scan_entries(descriptor) as entries:
                yield from _scan_listing(folder, f"{subfolder}/" if subfolder else "", entries, pending)
        except OSError as error:  # of the listing; those of a file are its problem
            yield unlistable_folder_problem(subfolder, error)


def unlistable_folder_problem(subfolder: str, error: OSError) -> ContentProblem:
    """Build the problem of a folder that cannot be listed; its path ends with `/`.

    Raises ExhaustedError, and ContentFolderError for the content folder itself.
    """
    raise_if_exhausted(error)
    if not subfolder:
        raise ContentFolderError(
            f"The content folder cannot be listed: {error.strerror or error}: check its disk."
        ) from error
    return _unreadable_problem(f"{subfolder}/", f"The folder cannot be listed: {error.strerror or error}.")


def unreadable_file_problem(path: str, error: OSError) -> ContentProblem:
    """Build the problem of a file that cannot be read. Raises ExhaustedError."""
    raise_if_exhausted(error)
    return _unreadable_problem(path, f"The file cannot be read: {error.strerror or error}.")


def _scan_listing(
    folder: OpenFolder, prefix: str, entries: Iterator[os.DirEntry[str]], pending: list[str]
) -> Iterator[SourceFile | ContentProblem]:
    for entry in entries:
        if not is_visible(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            pending.append(prefix + entry.name)
        elif is_article(entry.name):
            result = _stat_dir_entry(folder, prefix + entry.name, entry)
            if result is not None:
                yield result


def is_article(name: str) -> bool:
    """Return whether a file of this name or path is an article."""
    return name.endswith(_EXTENSIONS)


def is_image(name: str) -> bool:
    """Return whether a file of this name or path is probably an image; its content decides."""
    return name.lower().endswith(_IMAGE_EXTENSIONS)


def _stat_dir_entry(
    folder: OpenFolder, path: str, entry: os.DirEntry[str]
) -> SourceFile | ContentProblem | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return unreadable_file_problem(path, error)
    return stat_entry(folder, path, status)


def stat_entry(folder: OpenFolder, path: str, status: os.stat_result) -> SourceFile | ContentProblem | None:
    """Return the file at `path` or its problem, from its lstat(2) `status`; None for a link to a folder."""
    if not _is_utf_8(path):
        return _unreadable_problem(path, "The file's path is not valid UTF-8: rename the file or its folder.")
    if stat.S_ISLNK(status.st_mode):
        try:
            status = folder.stat_target(path)
        except FileNotFoundError:
            return _unreadable_problem(
                path, "The target of the link does not exist: correct or delete the link."
            )
        except OSError as error:
            return unreadable_file_problem(path, error)
    if stat.S_ISREG(status.st_mode):
        return SourceFile.from_status(path, status)
    if stat.S_ISDIR(status.st_mode):
        return None
    return _unreadable_problem(path, "This is not a regular file: replace it by one, or delete it.")


def _is_utf_8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable_problem(path: str, message: str) -> ContentProblem:
    return build_problem(display_path(path), None, ProblemCode.UNREADABLE, message)


def display_path(path: str) -> str:
    """Return the path for display, with bytes that are not UTF-8 escaped as `\\xff`."""
    return os.fsencode(path).decode(errors="backslashreplace")


# Scan of some paths, with the same results as `scan_folder`, without listing their siblings.
#
# 1. A path with a hidden component is ignored.
# 2. If a parent folder is missing, or is a link or a file, the path yields nothing. If it cannot be listed,
#    the problem of that folder is the result.
# 3. The status of a file is read; a folder is scanned recursively.


def scan_paths(folder: Path | OpenFolder, paths: Collection[str]) -> Iterator[SourceFile | ContentProblem]:
    """Yield the files and problems at or below each of `paths`, in no order and possibly more than once.

    Paths are relative to the folder and use `/`; missing ones yield nothing. Raises ContentFolderError.
    """
    with as_open_folder(folder) as content:
        ancestors = _AncestorCheck(content)
        for path in paths:
            if is_visible(path):
                yield from (
                    ancestors.problems(path) if ancestors.is_blocked(path) else _scan_path(content, path)
                )
        assert_unchanged(content.path, folder_identity(content))


def is_visible(path: str) -> bool:
    """Return whether no component of the path is hidden (as `..` is) or a folder of npm packages."""
    if path.startswith(".") or "/." in path:
        return False
    return _PACKAGES not in path or _PACKAGES not in path.split("/")


def parent_folders(path: str) -> list[str]:
    """Return all parent folders: `a` and `a/b` for `a/b/c.md`."""
    return [path[:index] for index, character in enumerate(path) if character == "/"]


def _scan_path(folder: OpenFolder, path: str) -> Iterator[SourceFile | ContentProblem]:
    try:
        status = folder.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield (
            unreadable_file_problem(path, error)
            if is_article(path)
            else unlistable_folder_problem(path, error)
        )
        return
    if stat.S_ISDIR(status.st_mode):
        yield from scan_subfolders(folder, [path])
    elif is_article(path):
        result = stat_entry(folder, path, status)
        if result is not None:
            yield result


class _AncestorCheck:
    """Check which parent folders can be listed, opening each only once."""

    def __init__(self, folder: OpenFolder) -> None:
        self._folder = folder
        self._known: dict[str, OSError | None] = {}

    def is_blocked(self, path: str) -> bool:
        """Return whether any parent folder of `path` cannot be listed."""
        return any(self._listing_error(parent) is not None for parent in parent_folders(path))

    def problems(self, path: str) -> Iterator[ContentProblem]:
        """Yield the problem of the first parent that cannot be listed, but not of a missing one or a file."""
        for parent in parent_folders(path):
            error = self._listing_error(parent)
            if error is not None:
                if not isinstance(error, FileNotFoundError | NotADirectoryError):
                    yield unlistable_folder_problem(parent, error)
                return

    def _listing_error(self, parent: str) -> OSError | None:
        if parent not in self._known:
            self._known[parent] = _try_listing(self._folder, parent)
        return self._known[parent]


def _try_listing(folder: OpenFolder, parent: str) -> OSError | None:
    try:
        os.close(folder.open_folder(parent))
    except OSError as error:
        return error
    return None


_ESCAPE = re.compile(r"\\([0-7]{3})")


def decode_mount_path(text: str) -> str:
    """Decode the octal escapes in a path of /proc/self/mountinfo: `\\040` is a space."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
