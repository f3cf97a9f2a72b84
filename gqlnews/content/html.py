"""Render Markdown bodies to sanitized HTML.

1. The template syntax of site generators is removed (`templates.py`).
2. pyromark renders the Markdown to HTML, which may contain any HTML.
3. What would prevent a check of its structure is removed (`html_structure.py`), and the HTML is sanitized
   (`sanitizer.py`). Only then every tag is well-formed, has its attributes in double quotes, and is the only
   place with a `<`.
4. Classes, checkboxes and anchors are completed.
5. When the article's URL is known, URLs are resolved and footnotes are linked (`link_body`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import blake2b
from html import escape, unescape
from typing import NamedTuple

import msgspec
import pyromark

from gqlnews.content.article_links import SlugLookup, find_article_link
from gqlnews.content.html_structure import simplify
from gqlnews.content.sanitizer import sanitize_body
from gqlnews.content.templates import MARKDOWN_OPTIONS, remove_templates
from gqlnews.content.urls import find_unsafe_urls, resolve_url, rewrite_urls
from gqlnews.content.word_count import count_words
from gqlnews.text_keys import slug_from_path

_TAG = re.compile(r'<(/?)([a-z0-9]+)[^"<>]*+(?:"[^"]*"[^"<>]*+)*>')


class RenderOptions(NamedTuple):
    """Options that, together with the Markdown, determine the HTML."""

    is_mdx: bool = False
    iframe_hosts: tuple[str, ...] = ()


class BodyHeading(msgspec.Struct):
    """Heading as the API returns it."""

    level: int
    text: str
    anchor: str


class RenderedBody(NamedTuple):
    """Rendered body; `body`, `html` and `minutes` are None if the body is blank.

    The links in `html` are not yet completed. `prose` is the text without template syntax, None if there is
    none to remove. `degraded_to_text` is set if the HTML was too complex to sanitize; `html` then shows the
    Markdown source. `unsafe_urls` were left out.
    """

    body: str | None
    prose: str | None
    html: str | None
    headings: list[BodyHeading]
    words: int
    minutes: int | None
    degraded_to_text: bool = False
    unsafe_urls: tuple[str, ...] = ()


_EMPTY = RenderedBody(None, None, None, [], 0, None)
_NO_OPTIONS = RenderOptions()


def render(source: str, options: RenderOptions = _NO_OPTIONS) -> RenderedBody:
    """Render the Markdown text below the front matter."""
    body = strip_blank_lines(source)
    if not body:
        return _EMPTY
    markdown, prose = remove_templates(body, is_mdx=options.is_mdx)
    count = count_words(prose)
    kept_prose = None if prose == body else prose
    unsafe = simplify(pyromark.html(markdown, options=MARKDOWN_OPTIONS))
    if unsafe is None:
        html = f"<pre>{escape(markdown)}</pre>"
        return RenderedBody(body, kept_prose, html, [], *count, degraded_to_text=True)
    html, headings = _insert_anchors(_complete_tags(sanitize_body(unsafe, options.iframe_hosts)))
    return RenderedBody(body, kept_prose, html, headings, *count, unsafe_urls=tuple(find_unsafe_urls(unsafe)))


def strip_blank_lines(text: str) -> str:
    """Remove blank lines at the start and the end of `text`, and the line end of its last line.

    The first line's indentation and the last line's trailing spaces remain.
    """
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    if start >= end:
        return ""
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    tail = text[end:]
    return text[first : end + len(tail) - len(tail.lstrip(" \t"))] if tail else text[first:]


# Languages of code, and checkboxes of task lists.


_CODE_CLASS = re.compile(r'(<code(?: [a-z]+="[^"]*")*?) class="([^"]*)"')
_LANGUAGE = re.compile(r"(?<!\S)language-[\w+#.-]+", re.ASCII)
_INPUT = re.compile(r'<input((?: [a-z]+="[^"]*")*)>')


def _complete_tags(html: str) -> str:
    """Reduce the class of code to its language, and the inputs to checkboxes."""
    if "<code" in html:
        html = _CODE_CLASS.sub(_keep_language, html)
    return _INPUT.sub(_checkbox, html) if "<input" in html else html


def _keep_language(code: re.Match[str]) -> str:
    language = _LANGUAGE.search(code[2])
    return f'{code[1]} class="{language[0]}"' if language else code[1]


def _checkbox(element: re.Match[str]) -> str:
    if ' type="checkbox"' not in element[1]:
        return ""
    checked = ' checked=""' if ' checked="' in element[1] else ""
    return f'<input type="checkbox" disabled=""{checked}>'


# Anchors of headings.


_HEADING_TAG = re.compile(r'<(/?)(h[1-6])[^"<>]*+(?:"[^"]*"[^"<>]*+)*>')
_OWN_ID = re.compile(r"\{#([^\s{}<>&\"']+)(?:\s[^{}<>]*)?\}")
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


class _HeadingSpan(NamedTuple):
    """Positions of a heading: its start tag, its content, and its own id, if any."""

    start: int
    content: int
    end: int
    own_id: str | None
    """Explicit id, from `{#own-id}` at the end of the content; `end` excludes it."""
    after: int
    """Position of the end tag."""


def _find_headings(html: str) -> Iterator[_HeadingSpan]:
    """Yield the innermost headings."""
    opened: re.Match[str] | None = None
    for tag in _HEADING_TAG.finditer(html):
        if not tag[1]:
            opened = tag
        elif opened is not None and opened[2] == tag[2]:
            content = html[opened.end() : tag.start()].rstrip()
            braces = content.rfind("{#") if content.endswith("}") else -1
            own_id = _OWN_ID.fullmatch(content, braces) if braces >= 0 else None
            end = opened.end() + len(content[:braces].rstrip()) if own_id else tag.start()
            yield _HeadingSpan(opened.start(), opened.end(), end, own_id[1] if own_id else None, tag.start())
            opened = None


def _insert_anchors(html: str) -> tuple[str, list[BodyHeading]]:
    """Give each heading its own id, `{#own-id}`, or an anchor made of its text."""
    spans = list(_find_headings(html))
    used: dict[str, int] = {}
    own = [each.own_id and _unique_anchor(each.own_id, used) for each in spans]
    headings: list[BodyHeading] = []
    pieces: list[str] = []
    done = 0
    for span, own_anchor in zip(spans, own, strict=True):
        content = html[span.content : span.end]
        text = " ".join(unescape(_TAG.sub("", _REFERENCE_MARK.sub("", content))).split())
        anchor = own_anchor or _unique_anchor(_anchor_stem(text), used)
        headings.append(BodyHeading(int(html[span.start + 2]), text, anchor))
        name_end = span.start + len("<h1")
        pieces += (html[done:name_end], f' id="{anchor}"', html[name_end : span.content], content)
        done = span.after
    pieces.append(html[done:])
    return "".join(pieces), headings


def _anchor_stem(text: str) -> str:
    """Build an anchor as GitHub does: lower case, without punctuation, hyphens for spaces."""
    lower = unicodedata.normalize("NFC", text).lower()
    return _NOT_IN_ANCHOR.sub(_keep_mark, lower).replace(" ", "-") or "section"


def _keep_mark(character: re.Match[str]) -> str:
    return character[0] if unicodedata.category(character[0])[0] == "M" else ""


def _unique_anchor(stem: str, used: dict[str, int]) -> str:
    """Return `stem`, or with a suffix `-1`, `-2`, … if it is taken.

    `used` maps each anchor to the last number tried after it.
    """
    anchor, number = stem, used.get(stem, 0)
    while anchor in used:
        number += 1
        anchor = f"{stem}-{number}"
    used[stem] = number
    used[anchor] = used.get(anchor, 0)
    return anchor


# Links.


def _own_slug(path: str) -> tuple[str, ...]:
    return (slug_from_path(path),)


def _as_resolved(_written: str, url: str) -> str:
    return url


class BodyLocation(NamedTuple):
    """What the links of a body depend on.

    Relative URLs are resolved against `base_url`, and links to other files against the file's `path`. `slug`
    makes ids unique on a page with several articles. `serve_image` returns the URL of an image, of its URL as
    written and what that resolves to.
    """

    base_url: str | None
    slug: str
    path: str
    slugs_of: SlugLookup = _own_slug
    serve_image: Callable[[str, str], str] = _as_resolved


def link_body(html: str, location: BodyLocation) -> tuple[str, tuple[str, ...]]:
    """Resolve the URLs of a rendered body, and link its footnotes.

    Returns the HTML and the slugs for which it contains placeholders (`article_links.py`).
    """
    slugs: dict[str, None] = {}

    def resolve(url: str) -> str:
        return resolve_url(url, location.base_url)

    def resolve_link(url: str) -> str:
        link = find_article_link(url, location.path, location.base_url, location.slugs_of)
        if link is None:
            return resolve(url)
        slugs.update(dict.fromkeys(link.slugs))
        return link.placeholder

    def resolve_image(url: str) -> str:
        return location.serve_image(url, resolve(url))

    html = rewrite_urls(html, resolve_link, resolve_image, resolve)
    return _link_footnotes(html, location.slug), tuple(slugs)


# Footnotes: links from each reference to its note, and from the number of the note back to its references.


_FOOTNOTE = re.compile(
    r'<sup class="footnote-reference"><a href="#(?P<reference>[^"]*)"[^<>]*>\d+</a></sup>'
    r'|<div class="footnote-definition" id="(?P<note>[^"]*)"><sup class="footnote-definition-label">\d+</sup>'
    r'|(?P<other><div(?: [a-z]+="[^"]*")*?) id="[^"]*"'
)
_REFERENCE_MARK = re.compile(r'<sup class="footnote-reference">.*?</sup>', re.DOTALL)
_HASH_BYTES = 4


def _link_footnotes(html: str, slug: str) -> str:
    """Link references and notes by ids that contain a hash of `slug`; remove all other ids of `div`."""
    if "<div" not in html:
        return html
    found = [(mark.lastgroup, _label(mark)) for mark in _FOOTNOTE.finditer(html) if mark.lastgroup != "other"]
    numbers = {label: number for number, label in enumerate(dict.fromkeys(label for _, label in found), 1)}
    totals, written = Counter(found), Counter[tuple[str | None, str]]()
    prefix = blake2b(slug.encode(), digest_size=_HASH_BYTES).hexdigest()

    def reference_id(number: int, nth: int) -> str:
        return f"fnref-{prefix}-{number}" + (f"-{nth}" if nth > 1 else "")

    def link(mark: re.Match[str]) -> str:
        kind = mark.lastgroup
        if kind == "other":
            return mark["other"]
        label = _label(mark)
        number = numbers[label]
        written[kind, label] += 1
        nth = written[kind, label]
        if kind == "reference":
            to_note = f'<a href="#fn-{prefix}-{number}" id="{reference_id(number, nth)}">{number}</a>'
            return f'<sup class="footnote-reference">{to_note if totals["note", label] else number}</sup>'
        if nth > 1:  # another note with the same label
            return f'<div class="footnote-definition"><sup class="footnote-definition-label">{number}</sup>'
        back = " ".join(
            f'<a href="#{reference_id(number, each)}">{number if each == 1 else f"↩{each}"}</a>'
            for each in range(1, totals["reference", label] + 1)
        )
        return (
            f'<div class="footnote-definition" id="fn-{prefix}-{number}">'
            f'<sup class="footnote-definition-label">{back or number}</sup>'
        )

    return _FOOTNOTE.sub(link, html)


def _label(mark: re.Match[str]) -> str:
    """Return the label of a footnote, which is case-insensitive."""
    return unescape(mark[mark.lastgroup or 0]).casefold()
