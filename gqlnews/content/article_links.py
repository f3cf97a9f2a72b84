"""Links from a body to the files of other articles, such as `[more](../other.md#part)`.

Which URL such a link gets depends on the other file. So the HTML of a body contains a placeholder instead,
which the ingest replaces: `article:SLUG|SLUG URL#part`. It has the slugs that the link may mean, the best
first, and the URL to use if no such article exists. A file itself cannot contain placeholders, because the
sanitizer removes their scheme.
"""

import posixpath
import re
from collections.abc import Callable
from html import escape
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from gqlnews.content.urls import resolve_url

_HINT = re.compile(r"\.m(?:d|arkdown|dx)(?:#|$)")
_SUFFIXES = (".md", ".markdown", ".mdx")
_MAX_SLUGS = 16
_URL_CHARACTERS = "!$&()*+,/:;=?@[]%"  # and those that are never quoted; `'` would be escaped with a `#`
_PLACEHOLDER = re.compile(r'(<a(?: [a-z]+="[^"]*")*? href=")article:([^" ]*) ([^"#]*)(#[^"]*)?"')


class ArticleLink(NamedTuple):
    """Link to the first article of `slugs` that exists."""

    slugs: tuple[str, ...]
    placeholder: str


SlugLookup = Callable[[str], tuple[str, ...]]
"""Returns the slugs that the article of a file may have."""


def find_article_link(url: str, path: str, base_url: str | None, slugs_of: SlugLookup) -> ArticleLink | None:
    """Return the link to another file that a URL in the file `path` is; None if it is another URL."""
    if not _HINT.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:  # not a URL at all, such as `//[`
        return None
    if parts.scheme or parts.netloc or parts.query or not parts.path.endswith(_SUFFIXES):
        return None
    slugs = _candidates(unquote(parts.path), path, slugs_of)
    if not slugs:
        return None
    target, hash_, anchor = url.partition("#")
    fallback = quote(resolve_url(target, base_url), safe=_URL_CHARACTERS)
    return ArticleLink(slugs, f"article:{'|'.join(map(quote, slugs))} {fallback}{hash_}{anchor}")


def _candidates(target: str, path: str, slugs_of: SlugLookup) -> tuple[str, ...]:
    """Return the slugs of a path relative to the folder of the file, and to each folder above it.

    Markdown means the first. The others are for shortcodes, which count from the root or from the folder of a
    language.
    """
    folder = "" if target.startswith("/") else posixpath.dirname(path)
    files = []
    for _ in range(_MAX_SLUGS):
        files.append(posixpath.normpath(posixpath.join(folder, target.lstrip("/"))))
        if not folder:
            break
        folder = posixpath.dirname(folder)
    inside = (file for file in files if not file.startswith("../"))
    return tuple(dict.fromkeys(slug for file in inside for slug in slugs_of(file)))


def resolve_placeholders(html: str, find_url: Callable[[str], str | None]) -> str:
    """Replace the placeholders by the URLs that `find_url` returns for a slug."""

    def resolve(link: re.Match[str]) -> str:
        before, slugs, fallback, anchor = link.groups(default="")
        urls = (find_url(unquote(slug)) for slug in slugs.split("|"))
        url = next((url for url in urls if url is not None), None)
        if url is None:
            return f'{before}{fallback}{anchor}"'
        return f'{before}{escape(url.partition("#")[0] if anchor else url)}{anchor}"'

    return _PLACEHOLDER.sub(resolve, html)
