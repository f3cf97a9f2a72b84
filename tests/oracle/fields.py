"""Front matter → Article, value by value.

Each reader gets the mapping and a key, and raises FileError for an invalid value. In an article that is
an error of the file; an entry of `related` is left out.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from .frontmatter import FileError, Scalar, Tree
from .instants import Instant, read_instant
from .names import topic_slug
from .records import Article, AuthorData, Entry, Image, JsonValue, OwnAuthor, OwnProvider

TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
WHOLE = re.compile(r"[+-]?[0-9]+")
INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z0-9]+);")
SCHEME = re.compile(r"([a-zA-Z][-+.a-zA-Z0-9]*):")
SAFE = frozenset({"http", "https", "mailto", "tel"})
URL_KEYS = {  # a key and its older name
    "webUrl": "sourceUrl",
    "originalUrl": "sourceUrl",
    "ampWebUrl": "ampUrl",
    "cdnAmpWebUrl": "cdnAmpUrl",
}
KNOWN = {key for pair in URL_KEYS.items() for key in pair} | {
    *("title", "excerpt", "category", "type", "publishedDateTime", "quality", "heat", "published"),
    *("provider", "topics", "images", "related", "featuredContent", "secured"),
    *("language", "modifiedDateTime"),
}

Keys = Mapping[str, Tree]


def scalar(keys: Keys, name: str) -> Scalar | None:
    """Return the scalar under `name`, or None if it is absent or null."""
    value = keys.get(name)
    if value is None or (isinstance(value, Scalar) and value.is_null):
        return None
    if not isinstance(value, Scalar):
        raise FileError(f"wrong-type: {name}")
    return value


def text(keys: Keys, name: str) -> str | None:
    found = scalar(keys, name)
    return None if found is None else found.text


def needed(keys: Keys, name: str) -> str:
    found = words(keys, name)
    if not found:
        raise FileError(f"missing-key: {name}")
    return found


def whole(keys: Keys, name: str) -> int | None:
    """Return a 32-bit integer, quoted or not."""
    found = text(keys, name)
    if found is None:
        return None
    if not WHOLE.fullmatch(found) or not -(2**31) <= int(found) < 2**31:
        raise FileError(f"wrong-type: {name}")
    return int(found)


def truth(keys: Keys, name: str, default: bool) -> bool:
    found = text(keys, name)
    if found is None:
        return default
    if found not in TRUE | FALSE:
        raise FileError(f"wrong-type: {name}")
    return found in TRUE


def instant(keys: Keys, name: str) -> Instant | None:
    found = text(keys, name)
    if found is None:
        return None
    try:
        return read_instant(found)
    except ValueError as error:
        raise FileError("bad-date") from error


def modified(keys: Keys) -> Instant | None:
    """Return the date of the last change, or None if it is missing or no date."""
    try:
        return instant(keys, "modifiedDateTime")
    except FileError:
        return None


def language(keys: Keys) -> str | None:
    """`en_GB` → `en-gb`; None if it is blank or no text."""
    try:
        return (text(keys, "language") or "").strip().replace("_", "-").lower() or None
    except FileError:
        return None


def items(keys: Keys, name: str) -> list[Tree]:
    """Return the list under `name`, empty if it is absent or null."""
    value = keys.get(name)
    if isinstance(value, list):
        return value
    if value is None or (isinstance(value, Scalar) and value.is_null):
        return []
    raise FileError(f"wrong-type: {name}")


def mapping(value: Tree | None, name: str) -> Keys | None:
    """Return the mapping, or None if it is absent or null."""
    if isinstance(value, dict):
        return value
    if value is None or (isinstance(value, Scalar) and value.is_null):
        return None
    raise FileError(f"wrong-type: {name}")


def unescaped(written: str) -> str:
    """Decode each entity once."""
    return ENTITY.sub(lambda entity: html.unescape(entity[0]), written)


def words(keys: Keys, name: str) -> str | None:
    """Return a text that is shown: its entities decoded, its ends trimmed."""
    found = text(keys, name)
    return None if found is None else unescaped(found).strip()


def link(keys: Keys, name: str, base_url: str | None) -> str | None:
    """Return an absolute URL as far as `base_url` allows, or None without a URL that is safe."""
    found = text(keys, name)
    if not found or not found.strip():
        return None
    url = unescaped(found)
    scheme = SCHEME.match("".join(letter for letter in url if not is_ignored(letter)))
    if scheme and scheme[1].lower() not in SAFE:
        return None
    return urljoin(base_url, url) if base_url and not scheme else url  # urljoin lower-cases schemes


def is_ignored(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) == "Cc"


def links(keys: Keys, base_url: str | None, own_url: str | None) -> dict[str, str | None]:
    """Return the four URLs by their names in a Card. `webUrl` or `originalUrl` is required.

    `base_url` is for `webUrl`, `own_url` for the others.
    """
    found = {
        key: link(keys, key, base_url if key == "webUrl" else own_url) or link(keys, old, own_url)
        for key, old in URL_KEYS.items()
    }
    if found["webUrl"] is None and found["originalUrl"] is None:
        raise FileError("missing-key: webUrl")
    return {
        "web_url": found["webUrl"],
        "original_url": found["originalUrl"],
        "amp_web_url": found["ampWebUrl"],
        "cdn_amp_web_url": found["cdnAmpWebUrl"],
    }


def images(keys: Keys, base_url: str | None) -> tuple[Image, ...]:
    """Return the images that have a `url`."""
    found = [mapping(item, "images") for item in items(keys, "images")]
    return tuple(image(item, url) for item in found if item and (url := link(item, "url", base_url)))


def image(keys: Keys, url: str) -> Image:
    return Image(
        url=url,
        width=whole(keys, "width"),
        height=whole(keys, "height"),
        title=words(keys, "title"),
        attribution=words(keys, "attribution"),
        is_cached=truth(keys, "isCached", default=False),
        alt=words(keys, "alt"),
        caption=words(keys, "caption"),
    )


def provider(keys: Keys, base_url: str | None) -> OwnProvider | None:
    """Return the provider, or None without a domain. Its name defaults to the domain."""
    found = mapping(keys.get("provider"), "provider")
    if found is None or not (domain := text(found, "domain")):
        return None
    return OwnProvider(domain, words(found, "name") or domain, images(found, base_url))


def topics(keys: Keys) -> tuple[str, ...]:
    found = items(keys, "topics")
    if any(not isinstance(item, Scalar) for item in found):
        raise FileError("wrong-type: topics")
    names = [unescaped(item.text).strip() for item in found if isinstance(item, Scalar) and not item.is_null]
    return tuple(name for name in names if name)


def authors(keys: Keys, own_url: str | None) -> tuple[OwnAuthor, ...]:
    """Return the authors in the order of the byline; of those with one slug, the first."""
    value = keys.get("authors")
    named = [author(item, own_url) for item in (value if isinstance(value, list) else [value])]
    found: dict[str, OwnAuthor] = {}
    for one in named:
        if one is not None:
            found.setdefault(one.slug, one)
    return tuple(found.values())


def author(item: Tree | None, own_url: str | None) -> OwnAuthor | None:
    """Return the author that a name or a mapping describes, or None if it has neither name nor slug."""
    keys: Keys = item if isinstance(item, dict) else {} if item is None else {"name": item}
    name, slug = words(keys, "name") or None, (text(keys, "slug") or "").strip()
    if not (slug or name):
        return None
    data = AuthorData(name, link(keys, "url", own_url), portrait(keys, own_url), words(keys, "bio") or None)
    return OwnAuthor(topic_slug(slug or str(name)), name, data if isinstance(item, dict) else None)


def portrait(keys: Keys, own_url: str | None) -> Image | None:
    """Return the image of an author: a URL, or a mapping that has one."""
    value = keys.get("image")
    found: Keys = value if isinstance(value, dict) else {} if value is None else {"url": value}
    url = link(found, "url", own_url)
    return image(found, url) if url else None


def translation_key(keys: Keys) -> str | None:
    return (text(keys, "translationKey") or "").strip() or None


def card(keys: Keys, base_url: str | None, own_url: str | None) -> dict[str, Any]:
    """Return the arguments of a Card."""
    kind = text(keys, "type")
    return {
        "title": needed(keys, "title"),
        "excerpt": words(keys, "excerpt"),
        **links(keys, base_url, own_url),
        "type": "article" if kind is None else kind,
        "quality": whole(keys, "quality"),
        "provider": provider(keys, own_url),
        "images": images(keys, own_url),
    }


def related(slug: str, keys: Keys, own_url: str | None) -> tuple[Entry, ...]:
    """Return the valid entries of the article with this slug, numbered."""
    entries: list[Entry] = []
    for item in items(keys, "related"):
        try:
            found = mapping(item, "related") or {}
            shared = card(found, own_url, own_url)
            published = instant(found, "publishedDateTime")
        except FileError:
            continue
        entries.append(
            Entry(position=len(entries), published=published, listing=slug, occurrence=0, **shared)
        )
    return numbered(entries)


def numbered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Number the entries among those with the same URL."""
    uses: Counter[str] = Counter()
    found: list[Entry] = []
    for entry in entries:
        found.append(replace(entry, occurrence=uses[entry.url]))
        uses[entry.url] += 1
    return tuple(found)


def article(slug: str, keys: Keys, body: str | None, base_url: str | None, updated: Instant) -> Article:
    """Return the article of one file, last modified at `updated`. Raises FileError for an invalid file."""
    published = instant(keys, "publishedDateTime")
    if published is None:
        raise FileError("missing-key: publishedDateTime")
    own_url = link(keys, "webUrl", base_url) or base_url
    return Article(
        slug=slug,
        published=published,
        modified=modified(keys),
        language=language(keys),
        category=text(keys, "category"),
        heat=whole(keys, "heat"),
        is_published=truth(keys, "published", default=True),
        topics=topics(keys),
        authors=authors(keys, own_url),
        translation_key=translation_key(keys),
        related=related(slug, keys, own_url),
        featured_content=text(keys, "featuredContent"),
        body=body,
        secured=text(keys, "secured"),
        extra={key: json_value(value) for key, value in keys.items() if key not in KNOWN},
        updated=updated,
        **card(keys, base_url, own_url),
    )


def json_value(value: Tree) -> JsonValue:
    """Convert an unknown key's value to JSON: plain scalars get their YAML type, others are strings."""
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [json_value(item) for item in value]
    if value.is_null:
        return None
    if not value.plain:
        return value.text
    return plain_value(value.text) if value.number is None else value.number


def plain_value(written: str) -> JsonValue:
    if written in TRUE | FALSE:
        return written in TRUE
    if INTEGER.fullmatch(written):
        return int(written) if -(2**63) <= int(written) < 2**63 else written
    if DECIMAL.fullmatch(written) and math.isfinite(float(written)):
        return float(written)
    return written
