"""The fields of an article, each from the first of its sources that is not empty."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from .bodies import excerpt_of, first_heading, first_image, prepared
from .configuration import text_of
from .dates import DateError, When, date_in_path, read_date
from .topics import topic_slug

TITLE = ("title", "newstitle", "headline", "name")
DATE = (
    "date",
    "pubDate",
    "publishDate",
    "publish_date",
    "publishedAt",
    "published_at",
    "datePublished",
    "dateReleased",
    "published",
)
MODIFIED = (
    "lastmod",
    "updated",
    "updatedDate",
    "updated_at",
    "modified",
    "last_modified_at",
    "last_edited",
)
EXCERPT = ("excerpt", "summary", "description", "deck", "blurb", "spoiler", "seo.description")
ORIGINAL = ("external_url", "externalUrl", "source_url", "link")
IMAGE = (
    "images",
    "image",
    "cover",
    "featured_image",
    "featuredImage",
    "heroImage",
    "hero",
    "thumbnail",
    "coverImage",
)
TOPICS = ("topics", "tags", "categories", "category", "keywords")
TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
SAFE = frozenset({"", "http", "https", "mailto", "tel"})


def decoded(text: str) -> str:
    return unescape(text).strip()


def at(keys: dict[str, Any], path: str) -> Any:
    """Return the value of a key, or of a nested one such as `seo.description`."""
    value: Any = keys
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def title_of(keys: dict[str, Any], body: str, suffix: str, name: str) -> tuple[str, str]:
    """Return the title, and its source: the key, `heading`, or `name` (whose capitals are left open)."""
    for key in TITLE:
        if text := text_of(keys.get(key)):
            return decoded(text), key
    if heading := first_heading(prepared(body, suffix)):
        return heading, "heading"
    words = re.sub(r"^\d{4}-\d{1,2}-\d{1,2}[-_ ]", "", name)
    return re.sub(r"[-_\s]+", " ", words).strip(), "name"


def is_a_date(value: Any) -> bool:
    """Whether `published` is a date, and not a state."""
    return isinstance(value, str) and value not in TRUE | FALSE and bool(re.search(r"\d", value))


def has_date_key(keys: dict[str, Any]) -> bool:
    return any(keys.get(key) and (key != "published" or is_a_date(keys[key])) for key in DATE)


def when_of(keys: dict[str, Any], path: str, own: str | None, zone: tzinfo, folded: bool) -> When | None:
    """Return the date of publication, or None: then the file is a page. Raises DateError."""
    for key in DATE:
        value = text_of(keys.get(key.lower() if folded else key))
        if value and (key != "published" or is_a_date(value)):
            try:
                return read_date(value, zone)
            except DateError as error:
                if str(error) == "ambiguous-date" and (other := date_in_path(path, own, zone)):
                    return other
                raise
    return date_in_path(path, own, zone)


def modified_at(keys: dict[str, Any], zone: tzinfo, folded: bool) -> str | None:
    """Return the instant of the last change. Raises DateError."""
    texts = (text_of(keys.get(key.lower() if folded else key)) for key in MODIFIED)
    text = next((text for text in texts if text), None)
    return read_date(text, zone).text if text else None


def excerpt(keys: dict[str, Any], body: str, suffix: str) -> tuple[str | None, str]:
    for key in EXCERPT:
        if text := text_of(at(keys, key)):
            return decoded(text), key
    return excerpt_of(body, suffix)


def topics(keys: dict[str, Any], jekyll: bool) -> tuple[tuple[str, str], ...]:
    """Return slug and name of each topic, once."""
    names: list[str] = []
    values = [(key, keys.get(key)) for key in TOPICS]
    taxonomies = keys.get("taxonomies")
    if isinstance(taxonomies, dict):
        values += [("taxonomies", value) for value in taxonomies.values()]
    for key, value in values:
        if isinstance(value, str):
            words = jekyll and key in {"tags", "categories"}
            names += re.split(r"[,\s]+" if words else ",", value)
        elif isinstance(value, list):
            names += [item for item in value if isinstance(item, str)]
    found: dict[str, str] = {}
    for name in map(decoded, names):
        if name:
            found.setdefault(topic_slug(name), name)
    return tuple(found.items())


def image(keys: dict[str, Any], body: str, suffix: str, address: str, folded: bool) -> str | None:
    """Return the URL of the first image, resolved against the address of the article."""
    for prefix in ("", "params.", "extra."):
        for key in IMAGE:
            found = sources(at(keys, prefix + (key.lower() if folded else key)))
            if found:
                return urljoin(address, found[0])
    source = first_image(prepared(body, suffix))
    return urljoin(address, source) if source and is_safe(source) else None


def sources(value: Any) -> list[str]:
    """Return the URLs of a string, a list or a mapping, without ids and unsafe URLs."""
    if isinstance(value, list):
        return [source for item in value for source in sources(item)]
    if isinstance(value, dict):
        return next(
            (found for key in ("url", "src", "path", "image") if (found := sources(value.get(key)))), []
        )
    if not isinstance(value, str):
        return []
    source = unescape(value.strip())
    has_name = "/" in source or bool(re.search(r"\.\w{2,5}$", source))
    return [source] if has_name and is_safe(source) else []


def is_safe(url: str) -> bool:
    return urlsplit(re.sub(r"[\s\x00-\x1f\x7f]", "", url)).scheme.lower() in SAFE


def unsafe_images(keys: dict[str, Any]) -> bool:
    """Whether a value of an image key is a URL that is left out."""
    values = [keys.get(key) for key in IMAGE]
    return any(isinstance(value, str) and not is_safe(value) for value in values)


def is_published(
    keys: dict[str, Any], when: When, path: str, now: datetime, hides: tuple[bool, bool], zone: tzinfo
) -> bool:
    """Decide from drafts, states and dates; `hides`: whether the future is hidden, and what has expired."""
    if text_of(keys.get("draft")) in TRUE or text_of(keys.get("published")) in FALSE:
        return False
    if (text_of(keys.get("status")) or "").lower() in {"draft", "hidden"} or "_drafts" in path.split("/"):
        return False
    hides_future, hides_expired = hides
    if hides_future and due(keys, when, zone) > now:
        return False
    ends = text_of(keys.get("expirydate")) or text_of(keys.get("unpublishdate"))
    return not (hides_expired and ends and read_date(ends, zone).local < now)


def due(keys: dict[str, Any], when: When, zone: tzinfo) -> datetime:
    """Return when the article comes out. Hugo has further keys for this, before `date`."""
    for key in ("publishdate", "pubdate", "published"):
        value = text_of(keys.get(key))
        if value and is_a_date(value):
            return read_date(value, zone).local
    return when.local
