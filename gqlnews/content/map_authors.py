"""Authors of mapped files in all their shapes."""

import re
from collections.abc import Container, Iterator

from gqlnews.content.authors import BIO_KEYS, IMAGE_KEYS, NAME_KEYS, SLUG_KEYS, URL_KEYS
from gqlnews.content.map_values import first_text, image_url, list_items, scalar_text
from gqlnews.content.urls import decode_references
from gqlnews.content.yaml_strict import Mapping, Node
from gqlnews.text_keys import topic_slug

Author = str | dict[str, str]
"""A name, or the texts of the native keys of an author."""

_NAME = re.compile(r"[^\W\d_][\w.'\u2019-]*(?: [\w.'\u2019-]+){1,3}")
_NAME_DIVIDERS = re.compile(r" ?, ?(?:and )?| and | ?&amp; ?| ?&(?!#?\w+;) ?")

_SPELLINGS = {key.lower(): key for key in (*NAME_KEYS, *SLUG_KEYS, *URL_KEYS, *IMAGE_KEYS, *BIO_KEYS)}


def find_authors(
    node: Node, known: Container[str], *, ignores_case: bool = False
) -> Iterator[tuple[Author, Node]]:
    """Yield the authors of a value: a text, a mapping, or a list of these; `known` are the site's slugs."""
    for item in list_items(node):
        if isinstance(item, Mapping):
            if texts := _read_mapping(_with_known_keys(item) if ignores_case else item):
                yield texts, item
        elif (text := scalar_text(item)) is not None:
            yield from ((name, item) for name in split_names(text, known))


def _with_known_keys(node: Mapping) -> Mapping:
    """Spell the keys of an author as they are known, whatever their case."""
    return Mapping(node.offset, {_SPELLINGS.get(key.lower(), key): each for key, each in node.items.items()})


def _read_mapping(node: Mapping) -> dict[str, str] | None:
    """Return the texts of a mapping by native key; None without a name."""
    images = (image_url(node.items[key]) for key in IMAGE_KEYS if key in node.items)
    texts = {
        "name": first_text(node, *NAME_KEYS),
        "slug": first_text(node, *SLUG_KEYS),
        "url": first_text(node, *URL_KEYS),
        "image": next((url for url in images if url is not None), None),
        "bio": first_text(node, *BIO_KEYS),
    }
    if texts["name"] is None and texts["slug"] is None:
        return None
    return {key: text for key, text in texts.items() if text is not None}


def split_names(text: str, known: Container[str]) -> list[str]:
    """Divide `A B, C D and E F`, if every part looks like a name or names an author of the site."""
    text = " ".join(text.split())
    parts = _NAME_DIVIDERS.split(text)
    decoded = map(decode_references, parts)
    are_names = all(_NAME.fullmatch(part) or topic_slug(part) in known for part in decoded)
    return parts if len(parts) > 1 and are_names else [text]
