"""Find and read the source files of a front end.

Passed over are hidden folders, those of `PASSED_OVER`, and files that a code generator wrote: they repeat the
documents of others. A folder or file that several links lead to is read once, so links may form cycles.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gqlnews.errors import ContentFolderError, raise_if_exhausted
from gqlnews.operations.extract import GRAPHQL_SUFFIXES, MARKER, SUFFIXES
from gqlnews.operations.findings import FilePlace, Finding, FindingCode
from gqlnews.operations.sources import FrontEndFile

PASSED_OVER = frozenset(
    {"node_modules", "__generated__", "generated", "dist", "build", "out", "coverage", "storybook-static"}
)
"""Folders of packages, of generated code and of build outputs."""

MAX_FILES = 50_000  # with a suffix that may contain documents
MAX_BYTES = 2 << 20  # of one file
_CHUNK = 1 << 20
_MARKER_BYTES = 7  # of the longest marker

_GENERATED_NAME = re.compile(r"\.(?:generated|gen)\.\w+$")
_GENERATED_TEXT = re.compile(r"@generated\b|^export type (?:Maybe<T>|Exact<T extends )", re.MULTILINE)
_HEAD = 5_000  # characters in which a generated file says so


@dataclass(slots=True)
class FoundFiles:
    """The files that were read, in order; the findings about others; and the generated ones, by path."""

    files: list[FrontEndFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def find_files(folder: Path) -> FoundFiles:
    """Read the source files of a folder. Raises ContentFolderError and ExhaustedError."""
    if not folder.is_dir():
        raise ContentFolderError(
            f"--operations {folder} is not a folder: pass the folder that contains the front end's sources"
        )
    found = FoundFiles()
    for number, path in enumerate(_walk(folder, "", set(), found.findings)):
        if number >= MAX_FILES:
            raise ContentFolderError(
                f"--operations {folder} has more than {MAX_FILES:,} source files: "
                "pass the folder that contains the front end's own sources"
            )
        _read(folder, path, found)
    return found


def _walk(folder: Path, inside: str, seen: set[tuple[int, int]], findings: list[Finding]) -> Iterator[str]:
    """Yield the paths of the source files below a folder, relative to the top, each real file once."""
    try:
        status = os.stat(folder / inside)
        with os.scandir(folder / inside) as entries:
            names = sorted((entry.name, _is_folder(entry)) for entry in entries)
    except OSError as error:
        findings.append(_unreadable(inside or ".", error))
        return
    if not _is_new(status, seen):
        return
    for name, is_folder in names:
        path = f"{inside}/{name}" if inside else name
        if is_folder:
            if not name.startswith(".") and name not in PASSED_OVER:
                yield from _walk(folder, path, seen, findings)
        elif os.path.splitext(name)[1].lower() in SUFFIXES:
            try:
                is_new = _is_new(os.stat(folder / path), seen)
            except OSError as error:
                findings.append(_unreadable(path, error))
                continue
            if is_new:
                yield path


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether an entry is a folder or a link to one; a link that leads nowhere is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_new(status: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    key = (status.st_dev, status.st_ino)
    is_new = key not in seen
    seen.add(key)
    return is_new


def _unreadable(path: str, error: OSError) -> Finding:
    raise_if_exhausted(error)
    reason = error.strerror or str(error)
    return Finding(FilePlace(path), FindingCode.UNREADABLE, f"It cannot be read: {reason}.")


def _read(folder: Path, path: str, found: FoundFiles) -> None:
    """Read one file, or report why it cannot be read."""
    try:
        data = _read_bytes(folder / path)
    except OSError as error:
        found.findings.append(_unreadable(path, error))
        return
    if data is None:
        if path.endswith(tuple(GRAPHQL_SUFFIXES)) or _has_marker(folder / path):
            message = f"It is larger than {MAX_BYTES >> 20} MiB, so it is not checked: split it."
            found.findings.append(Finding(FilePlace(path), FindingCode.TOO_LARGE, message))
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        place = FrontEndFile(path, before).place(len(before))
        message = f"The byte {data[error.start]:#04x} is not UTF-8: save the file as UTF-8."
        found.findings.append(Finding(place, FindingCode.NOT_UTF_8, message))
        return
    if _GENERATED_NAME.search(path) or _GENERATED_TEXT.search(text, 0, _HEAD):
        found.passed_over.append(path)
    else:
        found.files.append(FrontEndFile(path, text))


def _read_bytes(path: Path) -> bytes | None:
    """Read a regular file; None if it is too large."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if not os.path.isfile(path):
            raise OSError(0, "it is not a file")
        return None if status.st_size > MAX_BYTES else file.read(MAX_BYTES)


def _has_marker(path: Path) -> bool:
    """Return whether a script of any size may contain a document."""
    tail = ""
    with open(path, encoding="latin-1", newline="") as file:
        while chunk := file.read(_CHUNK):
            if MARKER.search(tail + chunk):
                return True
            tail = chunk[-_MARKER_BYTES:]
    return False
