"""Slugs of articles and topics, from which URLs are built."""

import re
import unicodedata

_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def slug_of(path: str) -> str:
    """Return an article's slug: its relative path without the extension."""
    return path.rpartition(".")[0]


def topic_slug(name: str) -> str:
    """Slugify a topic, such as `computer-vision`; a name without ASCII letters or digits is lower-cased."""
    letters = unicodedata.normalize("NFKD", name).lower()
    return _NOT_IN_SLUG.sub("-", letters).strip("-") or name.lower()
