"""Parse one file: read it, split it, and build its article and problems."""

import errno
import os
import stat
from codecs import BOM_UTF8
from hashlib import blake2b
from io import FileIO
from pathlib import Path

from gqlnews.content.diagnostics import FRONT_MATTER_START, ProblemCode, build_problem
from gqlnews.content.front_matter import has_opening_fence, split_front_matter
from gqlnews.content.html import render
from gqlnews.content.models import (
    ContentProblem,
    ParsedArticle,
    ParseOptions,
    ParseResult,
    Position,
    SourceFile,
)
from gqlnews.content.safe_open import OpenFolder, open_within
from gqlnews.content.yaml_fast import parse_fast
from gqlnews.content.yaml_positions import parse_with_positions
from gqlnews.errors import raise_if_exhausted

MAX_BYTES = 1_048_576
_REVISION_BYTES = 16
_PERSISTENT_ERRORS = {
    0,  # raised by gqlnews itself: not a regular file, or a link that leaves the folder
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.EISDIR,
    errno.ENXIO,
}
"""Errors that persist until the file changes. After any other error, each scan of the file retries it."""


def parse_file(folder: Path | OpenFolder, file: SourceFile, options: ParseOptions) -> ParseResult:
    """Open, read and parse one file of the folder; errors of the file become problems of the result.

    Raises ExhaustedError if the system is out of file descriptors or memory.
    """
    try:
        source, data = _read_file(folder, file)
    except OSError as error:
        raise_if_exhausted(error)
        source = file if error.errno in _PERSISTENT_ERRORS else SourceFile(file.path, file.size, 0, 0)
        return _failed_result(
            source, ProblemCode.UNREADABLE, f"The file cannot be read: {error.strerror or error}."
        )
    if data is None:
        message = f"The file has {source.size:,} bytes, more than {MAX_BYTES:,}: split it."
        return _failed_result(source, ProblemCode.TOO_LARGE, message)
    revision = blake2b(data, digest_size=_REVISION_BYTES).hexdigest()
    article, problems = parse_article(file.path, data, options)
    return ParseResult(source, revision, article, problems)


def parse_article(
    path: str, data: bytes, options: ParseOptions
) -> tuple[ParsedArticle | None, tuple[ContentProblem, ...]]:
    """Parse the bytes of a file; the article is None if a problem is an error. Problems are in file order."""
    text = _decode(data)
    if isinstance(text, int):
        message = "The file is not UTF-8 text from this position on: save it as UTF-8."
        return None, (build_problem(path, _byte_position(data, text), ProblemCode.NOT_UTF_8, message),)
    front_matter = split_front_matter(text)
    if front_matter is None:
        message = (
            "The front matter has no end: add a line `---` below it."
            if has_opening_fence(text)
            else "There is no front matter: the first line must be `---`."
        )
        return None, (build_problem(path, FRONT_MATTER_START, ProblemCode.NO_FRONT_MATTER, message),)
    rendered = render(front_matter.body)
    article, problems = parse_fast(path, front_matter, rendered, options) or parse_with_positions(
        path, front_matter, rendered, options
    )
    if rendered.degraded_to_text:
        body_position = Position(front_matter.first_line + front_matter.front.count("\n") + 1, 1)
        message = (
            "The body is too complex for HTML, and is served as plain text: nest less, or split the file."
        )
        problems = (*problems, build_problem(path, body_position, ProblemCode.LEFT_OUT, message))
    return article, problems


def _failed_result(source: SourceFile, code: ProblemCode, message: str) -> ParseResult:
    return ParseResult(source, None, None, (build_problem(source.path, None, code, message),))


def _read_file(folder: Path | OpenFolder, file: SourceFile) -> tuple[SourceFile, bytes | None]:
    """Return size and times of the open file, and its bytes, None if it is too large. Raises OSError."""
    descriptor = open_within(folder, file.path)
    with open(descriptor, "rb", buffering=0) as file_object:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a regular file")
        source = SourceFile.from_status(file.path, status)
        if status.st_size > MAX_BYTES:
            return source, None
        data = _read_at_most(file_object, MAX_BYTES + 1)
        return source, data if len(data) <= MAX_BYTES else None


def _read_at_most(file_object: FileIO, limit: int) -> bytes:
    """Read up to `limit` bytes of the file."""
    data = file_object.read(limit) or b""
    while len(data) < limit and (more := file_object.read(limit - len(data))):
        data += more
    return data


def _decode(data: bytes) -> str | int:
    """Decode UTF-8 without a byte order mark, or return the index of the first invalid byte or NUL."""
    nul = data.find(0)
    start = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    try:
        text = data[start : nul if nul >= 0 else None].decode()
    except UnicodeDecodeError as error:
        return start + error.start
    return text if nul < 0 else nul


def _byte_position(data: bytes, index: int) -> Position:
    """Return the position of the byte at `index`; a byte order mark is not counted as a character."""
    before = data[:index].decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return Position(1 + before.count("\n"), len(before) - before.rfind("\n"))
