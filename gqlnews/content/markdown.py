"""Render the Markdown body to HTML, headings and word counts.

Anchors are inserted after the HTML is sanitized, because only then is every tag sure to be well-formed, with
its attributes in double quotes.
"""

import re
import unicodedata
from html import escape, unescape
from typing import NamedTuple

import msgspec
import nh3
import pyromark

from gqlnews.content.html_complexity import is_safe_to_sanitize

_WORDS_A_MINUTE = 240
_OPTIONS = (
    pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_FOOTNOTES | pyromark.Options.ENABLE_STRIKETHROUGH
)
_TAG = re.compile(r'<(/?)([a-z0-9]+)(?:[^"<>]|"[^"]*")*+>')
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


class Heading(msgspec.Struct):
    """Heading as the API returns it."""

    level: int
    text: str
    anchor: str


class RenderedBody(NamedTuple):
    """Rendered body; `body`, `html` and `minutes` are None if the body is blank.

    `is_plain` is set if the HTML was too complex to sanitize; `html` then shows the Markdown source.
    """

    body: str | None
    html: str | None
    headings: list[Heading]
    words: int
    minutes: int | None
    is_plain: bool = False


_EMPTY = RenderedBody(None, None, [], 0, None)


def render(written: str) -> RenderedBody:
    """Render the text below the front matter."""
    body = strip_blank_lines(written)
    if not body:
        return _EMPTY
    words = len(body.split())
    minutes = -(-words // _WORDS_A_MINUTE)
    unsafe = pyromark.html(body, options=_OPTIONS)
    if not is_safe_to_sanitize(unsafe):
        return RenderedBody(body, f"<pre>{escape(body)}</pre>", [], words, minutes, is_plain=True)
    html, headings = _with_anchors(nh3.clean(unsafe))
    return RenderedBody(body, html, headings, words, minutes)


def strip_blank_lines(text: str) -> str:
    """Strip blank lines around `text` and the last line's end; indentation and trailing spaces remain."""
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    if start >= end:
        return ""
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    tail = text[end:]
    return text[first : end + len(tail) - len(tail.lstrip(" \t"))] if tail else text[first:]


def _with_anchors(html: str) -> tuple[str, list[Heading]]:
    headings: list[Heading] = []
    pieces: list[str] = []
    taken: dict[str, int] = {}
    done = 0
    opened: tuple[str, int, int] | None = None
    for tag in _TAG.finditer(html):
        name = tag[2]
        if name not in _HEADINGS:
            continue
        if not tag[1]:
            opened = (name, tag.start(), tag.end())
        elif opened is not None and opened[0] == name:
            inside = html[opened[2] : tag.start()]
            text = " ".join(unescape(_TAG.sub("", inside)).split())
            heading = Heading(int(name[1]), text, _free_anchor(text, taken))
            headings.append(heading)
            pieces += (
                html[done : opened[1]],
                f'<{name} id="{heading.anchor}"',
                html[opened[1] + 3 : opened[2]],
            )
            done = opened[2]
            opened = None
    pieces.append(html[done:])
    return "".join(pieces), headings


def _free_anchor(text: str, taken: dict[str, int]) -> str:
    """Build a unique anchor as GitHub does: lower case, no punctuation, hyphens for spaces.

    Repeated anchors get the suffix `-1`, `-2`, …; `taken` maps each anchor to the last number tried after it.
    """
    words = _NOT_IN_ANCHOR.sub("", unicodedata.normalize("NFC", text).lower())
    stem = words.replace(" ", "-") or "section"
    anchor, number = stem, taken.get(stem, 0)
    while anchor in taken:
        number += 1
        anchor = f"{stem}-{number}"
    taken[stem] = number
    taken[anchor] = taken.get(anchor, 0)
    return anchor
