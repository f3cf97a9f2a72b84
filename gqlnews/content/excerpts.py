"""Excerpt and image of an article that names neither: from its rendered body."""

import re
from html import unescape
from typing import NamedTuple

from gqlnews.content.html import RenderOptions, render

MAX_EXCERPT = 300  # characters of a paragraph that is cut

_MORE = re.compile(r"<!--\s*(?:more|truncate)\s*-->|\{/\*\s*truncate\s*\*/\}", re.IGNORECASE)
_BLOCK = re.compile(r"<(/?)(p|ul|ol|dl|blockquote|table|pre|details|div|section|figure|aside)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_IMAGE = re.compile(r"<img\b[^>]*>")
_ATTRIBUTE = re.compile(r'\s(src|alt|title|width|height)="([^"]*)"')


class BodyImage(NamedTuple):
    """Image in a body; `url` may be relative."""

    url: str
    title: str | None
    alt: str | None


def text_before_more(body: str, *, is_mdx: bool = False) -> str | None:
    """Return the text before `<!--more-->` or another marker that ends an excerpt; None without one."""
    marker = _MORE.search(body)
    if marker is None:
        return None
    return _to_text(render(body[: marker.start()], RenderOptions(is_mdx=is_mdx)).html or "") or None


def first_paragraph(html: str) -> str | None:
    """Return the text of the first paragraph, cut at a word; else of one in a list or a quote."""
    nested: str | None = None
    for text, is_nested in _paragraphs(html):
        if not is_nested:
            return cut(text)
        nested = nested or text
    return None if nested is None else cut(nested)


def cut(text: str) -> str:
    """Cut a text after the last word that fits into `MAX_EXCERPT` characters."""
    if len(text) <= MAX_EXCERPT:
        return text
    return text[: MAX_EXCERPT + 1].rpartition(" ")[0] or text[:MAX_EXCERPT]


def first_image(html: str) -> BodyImage | None:
    """Return the first image that has a URL."""
    for tag in _IMAGE.finditer(html):
        attributes = {name: unescape(value).strip() for name, value in _ATTRIBUTE.findall(tag[0])}
        if attributes.get("src"):
            alt = attributes.get("alt") or None
            return BodyImage(attributes["src"], attributes.get("title") or alt, alt)
    return None


def _paragraphs(html: str) -> list[tuple[str, bool]]:
    """Return the text of each paragraph that has some, and whether it is in another block."""
    paragraphs: list[tuple[str, bool]] = []
    depth, start = 0, -1
    for tag in _BLOCK.finditer(html):
        if tag[2] != "p":
            depth += -1 if tag[1] else 1
        elif not tag[1]:
            start = tag.end()
        elif start >= 0:
            text = _to_text(html[start : tag.start()])
            start = -1
            if text:
                paragraphs.append((text, depth > 0))
    return paragraphs


def _to_text(html: str) -> str:
    return " ".join(unescape(_TAG.sub("", html)).split())
