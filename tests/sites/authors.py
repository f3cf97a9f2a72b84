"""Authors: whom the header of a file names, and what the author data of the site says about them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from . import fields
from .configuration import STATIC, Configuration, read_data, text_of
from .places import ROOTS, hugo_roots
from .topics import topic_slug

KEYS = ("authors", "author", "params.author", "extra.author")
NAME = ("name", "display_name", "title")
SLUG = ("slug", "key", "id")
URL = ("url", "link", "to", "web", "website", "homepage")
IMAGE = ("image", "image_url", "imageURL", "avatar", "picture", "photo")
SOURCE = ("url", "src", "path")
BIO = ("bio", "description", "about")
SEPARATOR = re.compile(r"\s*,\s*(?:and\s+|&\s*)?|\s+and\s+|\s*&\s*")
People = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Author:
    """An author as one file names them. `is_described`: by a mapping or by the author data of the site."""

    slug: str
    name: str
    url: str | None = None
    image: str | None = None
    bio: str | None = None
    is_described: bool = False

    @property
    def row(self) -> tuple[str, str, str | None, str | None, str | None]:
        return self.slug, self.name, self.url, self.image, self.bio


def author_data(config: Configuration) -> dict[str, dict[str, Any]]:
    """Return the author data of the site by slug of the key; of equal keys, the first counts."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in entries(config):
        described = {"name": value} if isinstance(value, str) else value
        if isinstance(described, dict):
            root = f"{(config.base_url or '').rstrip('/')}/"
            resolved_data = {name: from_root(name, each, root) for name, each in described.items()}
            found.setdefault(topic_slug(key), resolved_data)
    return found


def from_root(key: str, value: Any, root: str) -> Any:
    """Resolve the URLs of author data against the root of the site."""
    if key in IMAGE and isinstance(value, dict):
        return {
            name: from_root(URL[0], each, root) if name in SOURCE else each for name, each in value.items()
        }
    is_url = key in URL + IMAGE and isinstance(value, str) and fields.is_safe(value)
    return urljoin(root, value) if is_url and value.strip() else value


def entries(config: Configuration) -> Iterator[tuple[str, Any]]:
    roots = hugo_roots(config) if config.preset == "hugo" else ROOTS.get(config.preset, ())
    for place in (".", "_data", "data", *sorted(roots)):
        for file in (config.folder / place / f"authors.{suffix}" for suffix in STATIC):
            if file.is_file():
                yield from by_key(read_data(file))
    for place in ("_data", "data"):
        for file in sorted((config.folder / place / "authors").glob("*")):
            if file.suffix[1:] in STATIC:
                yield file.stem, read_data(file)


def by_key(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield key and value of a mapping; a list has the keys in its mappings."""
    if isinstance(data, dict):
        yield from data.items()
    for item in data if isinstance(data, list) else []:
        if isinstance(item, dict) and (key := first(item, SLUG + NAME, False)):
            yield key, item


def authors_of(
    keys: dict[str, Any], people: People, address: str | None, folded: bool = False
) -> tuple[Author, ...]:
    """Return the authors in order, each once; relative URLs are resolved against the address."""
    found: dict[str, Author] = {}
    for item in bylines(keys):
        for author in named(item, people, folded):
            found.setdefault(author.slug, resolved(author, address))
    return tuple(found.values())


def bylines(keys: dict[str, Any]) -> list[Any]:
    """Return the texts and mappings of the first key that is not empty."""
    values = (fields.at(keys, key) for key in KEYS)
    value: Any = next((each for each in values if each and (not isinstance(each, str) or text_of(each))), [])
    return value if isinstance(value, list) else [value]


def names_written(keys: dict[str, Any]) -> list[str]:
    """Return the names as written, those of mappings too."""
    names = (first(item, NAME, False) if isinstance(item, dict) else text_of(item) for item in bylines(keys))
    return [name for name in names if name]


def unsafe_urls(keys: dict[str, Any]) -> bool:
    """Whether the URL of an author is left out."""
    urls = (first(item, URL, False) for item in bylines(keys) if isinstance(item, dict))
    return any(url and not fields.is_safe(url) for url in urls)


def named(item: Any, people: People, folded: bool) -> Iterator[Author]:
    """Yield the author of a mapping, or all those of a text."""
    if isinstance(item, dict):
        author = described(item, folded)
        slug = first(item, SLUG, folded)
        if author.name or slug:
            yield completed(replace(author, slug=topic_slug(slug or author.name)), people, slug)
    elif isinstance(item, str):
        for name in divided(fields.decoded(item), people):
            if name:
                yield completed(Author(topic_slug(name), name), people, name)


def described(value: Mapping[str, Any], folded: bool = False) -> Author:
    """Return what a mapping says, without its slug."""
    urls = [url for url in (first(value, URL, folded),) if url and fields.is_safe(url)]
    name = fields.decoded(first(value, NAME, folded) or "")
    bio = first(value, BIO, folded)
    return Author("", name, urls[0] if urls else None, picture(value, folded), bio, is_described=True)


def picture(value: Mapping[str, Any], folded: bool) -> str | None:
    for key in IMAGE:
        image = value.get(key.lower() if folded else key)
        source = first(image, SOURCE, False) if isinstance(image, dict) else text_of(image)
        if source:
            return next(iter(fields.sources(source)), None)
    return None


def completed(author: Author, people: People, written: str | None) -> Author:
    """Let the author data of the site win over the file; without any name, the slug is the name."""
    if author.slug in people:
        data = described(people[author.slug])
        author = Author(
            author.slug,
            data.name or author.name,
            data.url or author.url,
            data.image or author.image,
            data.bio or author.bio,
            is_described=True,
        )
    return replace(author, name=author.name or str(written))


def resolved(author: Author, address: str | None) -> Author:
    base = address or ""
    return replace(
        author,
        url=author.url and urljoin(base, author.url),
        image=author.image and urljoin(base, author.image),
    )


def divided(text: str, people: People) -> list[str]:
    """Divide a text where every part looks like a name or is a key of the author data."""
    parts = [part for part in SEPARATOR.split(text) if part]
    return parts if all(looks_like_a_name(part) or topic_slug(part) in people for part in parts) else [text]


def looks_like_a_name(part: str) -> bool:
    words = part.split()
    return 2 <= len(words) <= 4 and all(word[0].isalpha() for word in words)


def first(value: Mapping[str, Any], keys: tuple[str, ...], folded: bool) -> str | None:
    texts = (text_of(value.get(key.lower() if folded else key)) for key in keys)
    return next((text for text in texts if text), None)


def whole_authors(found_in: Iterable[tuple[datetime, str, Author]]) -> dict[str, Author]:
    """Return the authors of a whole site by slug, from the authors of its articles with date and slug.

    The name is that of the newest article that describes the author, else the one that most articles use,
    then the first by code point. URL, image and biography are each of the newest article that has one.
    """
    lines: dict[str, list[Author]] = {}
    for _, _, author in sorted(found_in, key=lambda line: (-line[0].timestamp(), line[1])):
        lines.setdefault(author.slug, []).append(author)
    return {slug: whole_author(slug, newest_first) for slug, newest_first in lines.items()}


def whole_author(slug: str, newest_first: list[Author]) -> Author:
    uses = Counter(author.name for author in newest_first)
    described = [author.name for author in newest_first if author.is_described]
    return Author(
        slug,
        described[0] if described else min(uses, key=lambda name: (-uses[name], name)),
        next((author.url for author in newest_first if author.url), None),
        next((author.image for author in newest_first if author.image), None),
        next((author.bio for author in newest_first if author.bio), None),
    )
