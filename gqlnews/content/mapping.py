"""The table of front matter keys: from which keys of ordinary sites each field of an article is read.

A file is *native* if it has the keys of gqlnews; it is read as it is. Every other file is *mapped*: the first
source of each field that is not empty counts. `docs/content.md` shows the table, and a test compares both.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class FieldSources(NamedTuple):
    """Sources of a field: its keys in order of precedence, then what counts without any of them.

    A key with a dot is in a nested mapping.
    """

    field: str
    keys: tuple[str, ...]
    otherwise: tuple[str, ...] = ()


_IMAGE_KEYS = (
    *("images", "image", "cover", "featured_image", "featuredImage", "heroImage", "hero", "thumbnail"),
    "coverImage",
)

TITLE = FieldSources(
    "title",
    ("title", "newstitle", "headline", "name"),
    ("the first heading of level 1", "the file name in words"),
)
DATE = FieldSources(
    "publishedDateTime",
    (
        *("date", "pubDate", "publishDate", "publish_date", "publishedAt", "published_at"),
        *("datePublished", "dateReleased", "published"),
    ),
    ("the file name", "a date in `path`, in `permalink` or in the folders"),
)
MODIFIED = FieldSources(
    "modifiedDateTime",
    (
        *("modifiedDateTime", "lastmod", "updated", "updatedDate", "updated_at", "modified"),
        *("last_modified_at", "last_edited"),
    ),
)
EXCERPT = FieldSources(
    "excerpt",
    ("excerpt", "summary", "description", "deck", "blurb", "spoiler", "seo.description"),
    ("the text before `<!--more-->` or `<!--truncate-->`", "the first paragraph, up to 300 characters"),
)
ORIGINAL_URL = FieldSources(
    "originalUrl", ("originalUrl", "external_url", "externalUrl", "source_url", "link")
)
WEB_URL = FieldSources(
    "webUrl", ("webUrl", "permalink", "url", "path"), ("the address that the generator gives the article",)
)
IMAGES = FieldSources(
    "images",
    (*_IMAGE_KEYS, *(f"{table}.{key}" for table in ("params", "extra") for key in _IMAGE_KEYS)),
    ("the first image of the body",),
)
TOPICS = FieldSources("topics", ("topics", "tags", "categories", "category", "keywords", "taxonomies.*"), ())
AUTHORS = FieldSources("authors", ("authors", "author", "params.author", "extra.author"))
LANGUAGE = FieldSources(
    "language", ("lang", "language", "locale"), ("the folder or suffix of its language in the site",)
)
PUBLISHED = FieldSources(
    "published",
    ("draft", "published", "status"),
    ("a folder `_drafts`, and the site's policy for future and expired articles",),
)
FIELDS = (
    *(TITLE, DATE, MODIFIED, EXCERPT, ORIGINAL_URL, WEB_URL, IMAGES, TOPICS, AUTHORS, LANGUAGE, PUBLISHED),
)

HUGO_FUTURE_KEYS = ("publishDate", "pubdate", "published", "date")
EXPIRY_KEYS = ("expiryDate", "unpublishdate")
PUBLISHER_KEYS = ("source", "publisher")

NATIVE_KEYS = frozenset(
    {
        *("ampWebUrl", "cdnAmpWebUrl", "sourceUrl", "ampUrl", "cdnAmpUrl", "type", "quality", "category"),
        *("heat", "related", "featuredContent", "secured", "provider"),
    }
)
"""Keys of gqlnews that mean the same in a mapped file."""


# Native files.

_NATIVE_URLS = ("webUrl", "originalUrl", "sourceUrl")
_LOOKS_LIKE_DATE = re.compile(r"\s*(?:\d|[A-Za-z]{3,9}\.?,?\s+\d)", re.ASCII)
_NATIVE_LINE = re.compile(
    r"^[\"']?(?:publishedDateTime|webUrl|originalUrl|sourceUrl)[\"']?\s*[:=]", re.MULTILINE
)


def is_native(texts: Mapping[str, object]) -> bool:
    """Return whether a file with these keys is native; `texts` need only contain the text of scalars."""
    if "publishedDateTime" in texts:
        return True
    return any(key in texts for key in _NATIVE_URLS) and not any(
        key in texts and (key != "published" or looks_like_date(texts[key])) for key in DATE.keys
    )


def seems_native(front: str) -> bool:
    """Return whether front matter has a line that looks like one of the keys of native files."""
    return _NATIVE_LINE.search(front) is not None


def looks_like_date(value: object) -> bool:
    """Return whether the value of `published` is a date and not a boolean."""
    return isinstance(value, str) and _LOOKS_LIKE_DATE.match(value) is not None


def to_markdown_table() -> str:
    """Return the table of sources as Markdown."""
    rows = []
    for sources in FIELDS:
        keys = ", ".join(f"`{key}`" for key in sources.keys)
        rows.append(f"| `{sources.field}` | {keys} | {'; '.join(sources.otherwise)} |")
    return "\n".join(["| field | keys, the first that is not empty | otherwise |", "|---|---|---|", *rows])
