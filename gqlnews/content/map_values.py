"""Values of mapped files in all their shapes: images, topics, and web addresses."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urljoin

from gqlnews.content.diagnostics import ProblemCode
from gqlnews.content.images import IMAGE_URL_KEYS
from gqlnews.content.models import RawImage
from gqlnews.content.plain_nodes import PlainMapping, PlainSequence
from gqlnews.content.urls import ABSOLUTE, is_unsafe_url, unsafe_url_message
from gqlnews.content.yaml_strict import NULLS, Mapping, Node, Scalar, Sequence, parse_int32

_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{[{%]|\$\{")
_PLAIN_URL = re.compile(r"https?://[\w.-]+/[\w/.~%+@,:-]*(?:\?[^\s#\[\]]+)?", re.ASCII)
_EXTENSION = re.compile(r"\.[a-z0-9]{2,5}(?:[?#].*)?$", re.IGNORECASE)
_SOURCE_ALIASES = ("~/", "@/")  # a bundler's names of source folders: the image's address is not known
_MAX_URL = 2_000  # characters


def scalar_text(node: Node | None) -> str | None:
    """Return the text of a scalar without surrounding white space; None if it is blank or no scalar.

    A text with a NUL counts as blank, as the keys of gqlnews do not accept it either.
    """
    if not isinstance(node, Scalar) or (node.plain and node.text in NULLS) or "\0" in node.text:
        return None
    return node.text.strip() or None


def is_empty(node: Node) -> bool:
    """Return whether a value counts as absent: null, blank text, or an empty list or mapping."""
    match node:
        case Scalar():
            return scalar_text(node) is None
        case PlainSequence() | PlainMapping():
            return not node.value
        case Sequence() | Mapping():
            return not node.items
        case _:
            return True


def is_web_url(text: str) -> bool:
    """Return whether the text is an absolute http or https URL."""
    return _WEB.match(text) is not None


def is_template(text: str) -> bool:
    """Return whether a text contains code of a template language, which is never run."""
    return "{" in text and _TEMPLATE.search(text) is not None


def list_items(node: Node) -> list[Node]:
    """Return the items of a list; another value counts as its only item."""
    return list(node.items) if isinstance(node, Sequence) else [node]


def first_text(node: Mapping, *keys: str) -> str | None:
    """Return the first text of these keys."""
    return next((text for key in keys if (text := scalar_text(node.items.get(key)))), None)


# Images.


class WrittenImage(NamedTuple):
    """Image with a resolved URL, its URL as written, and where it stands."""

    image: RawImage
    url: str
    node: Node


def find_images(
    node: Node, web_url: str, report: Callable[[Node, ProblemCode, str], None]
) -> Iterator[WrittenImage]:
    """Yield the images of a value: a text, a mapping or a list; relative URLs are relative to the article."""
    for item in list_items(node):
        url = image_url(item)
        if url is not None and not url.startswith(ABSOLUTE) and is_unsafe_url(url):
            report(item, ProblemCode.UNSAFE_URL, unsafe_url_message(url))
            continue
        if url is None or (resolved := resolve_image(url, web_url)) is None:
            continue
        if not isinstance(item, Mapping):
            yield WrittenImage(RawImage(url=resolved), url, item)
            continue
        image = RawImage(
            url=resolved,
            width=_size(item, "width"),
            height=_size(item, "height"),
            title=first_text(item, "title", "caption", "alt"),
            alt=first_text(item, "alt"),
            caption=first_text(item, "caption"),
            attribution=first_text(item, "attribution", "credit"),
        )
        yield WrittenImage(image, url, item)


def image_url(node: Node) -> str | None:
    """Return the URL of an image that is a text or a mapping."""
    if not isinstance(node, Mapping):
        return scalar_text(node)
    for key in (*IMAGE_URL_KEYS, "image"):
        value = node.items.get(key)
        text = image_url(value) if value is not None else None
        if text is not None:
            return text
    return None


def resolve_image(url: str, web_url: str) -> str | None:
    """Resolve an image against the article's URL; None for an id without extension or a bundler's path."""
    if len(url) > _MAX_URL or is_template(url) or url.startswith(_SOURCE_ALIASES):
        return None
    if not (is_web_url(url) or url.startswith("//") or _EXTENSION.search(url)):
        return None
    if _PLAIN_URL.fullmatch(url):  # quick
        return url
    try:
        return urljoin(web_url, url)
    except ValueError:  # not a URL at all, such as `//[`
        return None


def _size(node: Mapping, key: str) -> int | None:
    text = scalar_text(node.items.get(key))
    return parse_int32(text) if text is not None else None


# Topics.


def find_topics(node: Node, *, splits_at_spaces: bool) -> Iterator[tuple[str, Node]]:
    """Yield the names of a value: a list, or a text with commas (or spaces, as in Jekyll) between them."""
    if isinstance(node, Scalar):
        separator = "," if "," in node.text or not splits_at_spaces else None
        yield from ((name, node) for part in node.text.split(separator) if (name := part.strip()))
        return
    for item in list_items(node):
        label = first_text(item, "label", "name", "title") if isinstance(item, Mapping) else scalar_text(item)
        if label is not None:
            yield label, item
