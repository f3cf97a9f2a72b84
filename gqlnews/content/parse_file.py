"""Parse one file: read it, split it, and build its article and problems."""

import errno
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Callable
from hashlib import blake2b
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import msgspec

from gqlnews.content.diagnostics import (
    FRONT_MATTER_START,
    NO_OFFSET,
    LineIndex,
    LocatedDiagnostic,
    ProblemCode,
    build_problem,
    to_problems,
)
from gqlnews.content.formats import YAML
from gqlnews.content.front_matter import (
    FrontMatter,
    has_opening_fence,
    split_front_matter,
    split_header_lines,
)
from gqlnews.content.html import BodyLocation, RenderedBody, RenderOptions, link_body, render
from gqlnews.content.local_images import ImageFinder, place_images
from gqlnews.content.mapping import seems_native
from gqlnews.content.models import (
    ContentProblem,
    ParsedArticle,
    ParseOptions,
    ParseResult,
    Position,
    SourceFile,
)
from gqlnews.content.parse_mapped import PASSED_OVER, MappedFile, Parsed, find_target, parse_mapped
from gqlnews.content.parse_tree import parse_with_positions
from gqlnews.content.presets.addresses import mapped_slug
from gqlnews.content.presets.site import PublicationWindow, root_relative
from gqlnews.content.safe_open import OpenFolder, ensure_open, open_within
from gqlnews.content.urls import unsafe_url_message
from gqlnews.content.visibility import apply_visibility
from gqlnews.content.yaml_fast import parse_fast
from gqlnews.content.yaml_strict import Mapping
from gqlnews.errors import raise_if_exhausted
from gqlnews.text_keys import slug_from_path

MAX_BYTES = 1_048_576
_REVISION_BYTES = 16
_MAX_UNSAFE_URLS = 10  # reported for each body
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
        source, data = read_file(folder, file)
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
    article, problems = parse_article(file.path, data, options, folder)
    return ParseResult(source, revision, article, problems)


class _File(NamedTuple):
    """File being parsed: its path and text, the options, and the content folder, if there is one."""

    path: str
    text: str
    options: ParseOptions
    folder: Path | OpenFolder | None


def parse_article(
    path: str, data: bytes, options: ParseOptions, folder: Path | OpenFolder | None = None
) -> Parsed:
    """Parse the bytes of a file; the article is None if a problem is an error. Problems are in file order.

    There is neither an article nor a problem if the file is passed over: if it is a page, for example. With
    `folder`, the content folder, images are looked for there.
    """
    text = _decode(data)
    if isinstance(text, int):
        message = "The file is not UTF-8 text from this position on: save it as UTF-8."
        return None, (build_problem(path, _byte_position(data, text), ProblemCode.NOT_UTF_8, message),)
    file = _File(path, text, options, folder)
    front_matter = split_front_matter(text)
    if front_matter is None:
        return _parse_without_fences(file)

    def parse(rendered: RenderedBody) -> Parsed:
        parsed = parse_fast(path, front_matter, rendered, options) if front_matter.format is YAML else None
        article, problems = parsed or parse_with_positions(path, front_matter, rendered, options)
        if article is not None and not article.is_mapped:
            article = _apply_options(article, options)
        return article, problems

    return _parse_with_body(file, front_matter, parse)


def _apply_options(article: ParsedArticle, options: ParseOptions) -> ParsedArticle:
    """Add to a native article what the caller's options say."""
    if options.base_url is not None:
        url = root_relative(article.web_url, options.base_url)
        article = msgspec.structs.replace(article, root_relative_url=url)
    if options.overrides.hides_future:
        visibility = PublicationWindow(article.published, article.published_at)
        article = apply_visibility(article, visibility, options.now_ns)
    return article


def _parse_without_fences(file: _File) -> Parsed:
    """Parse a file without front matter: with Pelican's header, or with a date in its name.

    In a folder of no generator, it is an error: the file may be a native one that is half saved.
    """
    path, text, options, _ = file
    target = find_target(path, options)
    is_unclosed = has_opening_fence(text)
    if target.place is None and not (is_unclosed and seems_native(text)):
        return PASSED_OVER
    header = split_header_lines(text) if target.site.preset == "pelican" else None
    if header is not None:
        return _parse_with_body(
            file, header, lambda rendered: parse_with_positions(path, header, rendered, options)
        )
    is_site = target.site.preset != "generic" or any(site.config for site in options.sites)
    if is_site and not is_unclosed:
        mapped = MappedFile(path, Mapping(NO_OFFSET), [], LineIndex("", 1).position, text)
        return _parse_with_body(
            file, FrontMatter("", 1, text), lambda rendered: parse_mapped(mapped, target, rendered, options)
        )
    message = (
        "The front matter has no end: add a line `---` below it."
        if is_unclosed
        else "There is no front matter: the first line must be `---`."
    )
    return None, (build_problem(path, FRONT_MATTER_START, ProblemCode.NO_FRONT_MATTER, message),)


# Bodies.


def _parse_with_body(
    file: _File, front_matter: FrontMatter, parse: Callable[[RenderedBody], Parsed]
) -> Parsed:
    """Render the body, build the article with it, and complete its links now that its URL is known."""
    path, text, options, _ = file
    rendered = render(
        front_matter.body, RenderOptions(is_mdx=path.endswith(".mdx"), iframe_hosts=options.iframe_hosts)
    )
    article, problems = parsed = parse(rendered)
    if parsed == PASSED_OVER:
        return parsed
    if article is not None:
        article = _complete(file, article)
    if rendered.html is None:
        return article, problems
    return article, problems + _body_problems(path, text, front_matter, rendered)


def _complete(file: _File, article: ParsedArticle) -> ParsedArticle:
    """Find the images that lie in the content folder, and complete the links of the body."""
    path, _, options, folder = file
    may_have_images = article.relative_images or "<img" in (article.html or "")
    if folder is None or not options.media or not may_have_images:
        return article if article.html is None else _link_body(path, article, options, None)
    with ensure_open(folder) as content:
        site = find_target(path, options).site
        finder = ImageFinder(content, path, site, site.base_url if article.is_mapped else options.base_url)
        article = place_images(article, finder)
        if article.html is not None:
            article = _link_body(path, article, options, finder)
        return msgspec.structs.replace(article, image_files=tuple(finder.files.values()))


def _link_body(
    path: str, article: ParsedArticle, options: ParseOptions, finder: ImageFinder | None
) -> ParsedArticle:
    def slugs_of(target: str) -> tuple[str, ...]:
        return mapped_slug(options.sites, target), slug_from_path(target)

    def serve_image(written: str, url: str) -> str:
        image = None if finder is None else finder.find(written, url)
        return url if image is None else image.url

    location = BodyLocation(article.base_url, article.slug, path, slugs_of, serve_image)
    html, linked_slugs = link_body(article.html or "", location)
    return msgspec.structs.replace(article, html=html, linked_slugs=linked_slugs)


def _body_problems(
    path: str, text: str, front_matter: FrontMatter, rendered: RenderedBody
) -> tuple[ContentProblem, ...]:
    first = Position(front_matter.first_line + front_matter.front.count("\n") + 1, 1)
    located: list[LocatedDiagnostic] = []
    if rendered.degraded_to_text:
        message = (
            "The body is too complex for HTML, and is served as plain text: nest less, or split the file."
        )
        located.append((first, ProblemCode.LEFT_OUT, message))
    start = len(text) - len(front_matter.body)
    for url in rendered.unsafe_urls[:_MAX_UNSAFE_URLS]:
        offset = text.find(url, start)
        position = _end_position(text[:offset]) if offset >= 0 else first
        located.append((position, ProblemCode.UNSAFE_URL, unsafe_url_message(url)))
    return to_problems(path, located)


def _failed_result(source: SourceFile, code: ProblemCode, message: str) -> ParseResult:
    return ParseResult(source, None, None, (build_problem(source.path, None, code, message),))


def read_file(folder: Path | OpenFolder, file: SourceFile) -> tuple[SourceFile, bytes | None]:
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


def read_config_text(file_object: FileIO) -> str:
    """Return the text of a configuration file, with `\\n` line ends. Raises OSError or UnicodeDecodeError."""
    if not stat.S_ISREG(os.fstat(file_object.fileno()).st_mode):
        raise OSError(0, "it is not a regular file")
    data = _read_at_most(file_object, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(0, f"it has more than {MAX_BYTES:,} bytes")
    return data.decode("utf-8-sig").replace("\r\n", "\n")


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
    return _end_position(data[:index].decode("utf-8-sig", errors="replace"))


def _end_position(before: str) -> Position:
    """Return the position of the character that follows a text."""
    lines = before.replace("\r\n", "\n").replace("\r", "\n")
    return Position(1 + lines.count("\n"), len(lines) - lines.rfind("\n"))
