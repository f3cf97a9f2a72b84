"""Authors of mapped files in all their shapes."""

import re
from collections.abc import Container, Iterator

from gqlnews.content.authors import BIO_KEYS, IMAGE_KEYS, NAME_KEYS, SLUG_KEYS, URL_KEYS
from gqlnews.content.map_values import first_text, image_url, list_items, scalar_text
from gqlnews.content.yaml_strict import Mapping, Node
from gqlnews.text_keys import topic_slug

Author = str | dict[str, str]
"""A name, or the texts of the native keys of an author."""

_NAME = re.compile(r"[^\W\d_][\w.'\u2019-]*(?: [\w.'\u2019-]+){1,3}")
_NAME_DIVIDERS = re.compile(r" ?, ?(?:and )?| and | ?& ?")


def find_authors(node: Node, known: Container[str]) -> Iterator[tuple[Author, Node]]:
    """Yield the authors of a value: a text, a mapping, or a list of these; `known` are the site's slugs."""
    for item in list_items(node):
        if isinstance(item, Mapping):
            if texts := _read_mapping(item):
                yield texts, item
        elif (text := scalar_text(item)) is not None:
            yield from ((name, item) for name in split_names(text, known))


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
    are_names = all(map(_NAME.fullmatch, parts)) or all(topic_slug(part) in known for part in parts)
    return parts if len(parts) > 1 and are_names else [text]
