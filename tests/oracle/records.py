"""The content of one file as plain data, named as in the schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from .instants import Instant

PATH = re.compile(r"(?:[a-z][-+.a-z0-9]*:)?(?://[^/?#]*)?+(/.*)", re.IGNORECASE | re.DOTALL)

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True)
class Image:
    url: str
    width: int | None
    height: int | None
    title: str | None
    attribution: str | None
    is_cached: bool
    alt: str | None = None
    caption: str | None = None


@dataclass(frozen=True)
class OwnProvider:
    """A provider as named by one file or entry."""

    domain: str
    name: str
    images: tuple[Image, ...]


@dataclass(frozen=True)
class AuthorData:
    """What a mapping in `authors` says about an author."""

    name: str | None
    url: str | None
    image: Image | None
    bio: str | None


@dataclass(frozen=True)
class OwnAuthor:
    """An author as named by one file. `name` is None if only a slug is given, `data` without a mapping."""

    slug: str
    name: str | None
    data: AuthorData | None


@dataclass(frozen=True)
class Card:
    """The fields common to articles and related entries: the interface `Coverage`."""

    title: str
    excerpt: str | None
    web_url: str | None
    original_url: str | None
    amp_web_url: str | None
    cdn_amp_web_url: str | None
    type: str
    quality: int | None
    provider: OwnProvider | None
    images: tuple[Image, ...]

    @property
    def url(self) -> str:
        url = self.web_url if self.web_url is not None else self.original_url
        assert url is not None
        return url


@dataclass(frozen=True)
class Entry(Card):
    """One entry of `related`. `position` counts valid entries only.

    `listing` is the slug of the article that lists it, `occurrence` its number among the entries with
    its URL.
    """

    position: int
    published: Instant | None
    listing: str
    occurrence: int


@dataclass(frozen=True)
class OwnValue:
    """The value of an own field: as in responses, as compared, and its distinct items as texts."""

    shown: JsonValue
    compared: str | float | None  # None for lists and JSON
    texts: tuple[str, ...]


NO_VALUE = OwnValue(None, None, ())


@dataclass(frozen=True)
class Article(Card):
    slug: str
    published: Instant
    modified: Instant | None
    language: str | None
    category: str | None
    heat: int | None
    is_published: bool
    topics: tuple[str, ...]
    authors: tuple[OwnAuthor, ...]
    translation_key: str | None
    related: tuple[Entry, ...]
    featured_content: str | None
    body: str | None
    secured: str | None
    extra: dict[str, JsonValue]
    updated: Instant  # the file's modification time
    own: Mapping[str, OwnValue] = field(default_factory=dict)  # by the field's name

    @cached_property
    def order_key(self) -> tuple[int, str]:
        """Sort key: newest first, then by slug."""
        return (-self.published.nanoseconds, self.slug)

    @property
    def path(self) -> str | None:
        """Return what follows scheme and host of `web_url`, if it begins with a slash."""
        found = PATH.fullmatch(self.web_url or "")
        return None if found is None else found[1]

    @property
    def section(self) -> str | None:
        """Return the path of its folder, or None at the root."""
        return self.slug.rpartition("/")[0] or None

    @property
    def urls(self) -> tuple[str, ...]:
        """Return the distinct URLs of the article."""
        four = (self.web_url, self.original_url, self.amp_web_url, self.cdn_amp_web_url)
        return tuple(dict.fromkeys(url for url in four if url is not None))
