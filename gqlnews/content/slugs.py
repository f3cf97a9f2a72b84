"""The names that addresses are made of."""

import re
import unicodedata

_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def slug_of(path: str) -> str:
    """An article's slug: its path below the folder without the extension."""
    return path.rpartition(".")[0]


def topic_slug(name: str) -> str:
    """`Computer Vision` gives `computer-vision`; a name without ASCII letters and digits its lower case."""
    letters = unicodedata.normalize("NFKD", name).lower()
    return _NOT_IN_SLUG.sub("-", letters).strip("-") or name.lower()
