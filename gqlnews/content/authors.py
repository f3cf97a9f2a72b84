"""Authors of an article: names, or mappings that say more about them.

A byline that is a key of the site's author data names that author, and the data win over what the file says.
"""

from collections.abc import Mapping
from typing import Any

from gqlnews.content.diagnostics import FieldPath, ProblemCode
from gqlnews.content.images import IMAGE_URL_KEYS, JSON_ENCODER, NO_IMAGES, StoredImage, build_image
from gqlnews.content.models import ParsedAuthor, RawImage
from gqlnews.content.parse_context import ParseContext
from gqlnews.content.presets.settings import ConfigProblem, SiteSettings
from gqlnews.content.presets.site import SiteAuthor
from gqlnews.content.urls import (
    decode_references,
    is_relative,
    is_unsafe_url,
    resolve_url,
    unsafe_url_message,
)
from gqlnews.content.yaml_strict import parse_bool, parse_int32
from gqlnews.text_keys import topic_slug

AuthorData = Mapping[str, SiteAuthor]
"""What a site says about its authors, by slug."""

NAME_KEYS = ("name", "display_name", "title")
SLUG_KEYS = ("slug", "key", "id")
URL_KEYS = ("url", "link", "to", "web", "website", "homepage")
IMAGE_KEYS = ("image", "image_url", "imageURL", "avatar", "picture", "photo")
BIO_KEYS = ("bio", "description", "about")
"""Keys of each field of an author in site data and mapped files, in order of precedence."""

_NO_NAME = "An author without a name is left out: add `name`, or delete the entry."


def build_authors(raw: Any, data: AuthorData, context: ParseContext) -> tuple[ParsedAuthor, ...]:
    """Build the authors in file order, one per slug."""
    authors: dict[str, ParsedAuthor] = {}
    for index, item in enumerate(raw if isinstance(raw, list) else [raw]):
        if item is None:
            continue
        field_path = ("authors", index) if isinstance(raw, list) else ("authors",)
        author = _build_author(item, field_path, context)
        if author is None:
            context.report(field_path, ProblemCode.LEFT_OUT, _NO_NAME)
            continue
        found = data.get(author.slug)
        authors.setdefault(author.slug, author if found is None else _with_data(author, found, context))
    return tuple(authors.values())


def _build_author(item: Any, field_path: FieldPath, context: ParseContext) -> ParsedAuthor | None:
    """Build an author from a name or a mapping; None without a name."""
    if isinstance(item, str):
        byline = context.decode(item, field_path, "authors")
        return ParsedAuthor(topic_slug(byline), byline) if byline else None
    if not isinstance(item, dict):
        return None

    def read(key: str) -> str | None:
        value = item.get(key)
        return context.read_text(value, field_path, key) or None if isinstance(value, str) else None

    slug, name = read("slug"), read("name")
    label = name or slug
    if label is None:
        return None
    url, image = item.get("url"), item.get("image")
    return ParsedAuthor(
        topic_slug(slug or label),
        label,
        context.read_url(url, field_path, "url") if isinstance(url, str) else None,
        _read_image(image, (*field_path, "image"), context),
        read("bio"),
        is_described=True,
    )


def _read_image(value: Any, field_path: FieldPath, context: ParseContext) -> str:
    """Encode an image that is a URL, or a mapping as in `images`."""
    if isinstance(value, str):
        url = context.read_image_url(value, field_path[:-1], str(field_path[-1]))
        return NO_IMAGES if url is None else encode_image(url)
    if not isinstance(value, dict):
        return NO_IMAGES
    texts = {key: text for key, text in value.items() if isinstance(text, str)}
    width, height = (parse_int32(texts.get(key, "")) for key in ("width", "height"))
    raw = RawImage(
        url=texts.get("url"),
        width=width,
        height=height,
        is_cached=parse_bool(texts.get("isCached", "")),
        **{key: texts.get(key) for key in ("title", "attribution", "alt", "caption")},
    )
    image = build_image(raw, field_path, context)
    return NO_IMAGES if image is None else JSON_ENCODER.encode([image]).decode()


def encode_image(url: str) -> str:
    """Encode an image of which only the URL is known."""
    return JSON_ENCODER.encode([StoredImage(url, None, None, None, None, is_cached=False)]).decode()


def _with_data(author: ParsedAuthor, found: SiteAuthor, context: ParseContext) -> ParsedAuthor:
    """Add the author data; relative URLs in them are relative to the root of the site."""

    root = f"{(context.options.base_url or '').rstrip('/')}/"

    def resolve(url: str | None) -> str | None:
        return None if url is None else resolve_url(url, root)

    image = resolve(found.image)
    if image is not None and is_relative(str(found.image)):
        context.relative_images[image] = resolve_url(str(found.image), "/")
    return ParsedAuthor(
        author.slug,
        found.name or author.name,
        resolve(found.url) or author.url,
        author.image if image is None else encode_image(image),
        found.bio or author.bio,
        is_described=True,
    )


# Author data of a site, such as `authors.yml`.


def read_author_data(values: Any, problems: list[ConfigProblem]) -> dict[str, SiteAuthor]:
    """Read a mapping of keys to authors, or a list of authors; what is neither counts as missing."""
    if isinstance(values, list):
        listed = SiteSettings({"authors": values}, problems).tables("authors")
        pairs = ((_first(table, *SLUG_KEYS, *NAME_KEYS), table) for table in listed)
        return {topic_slug(key): _read_author(table) for key, table in pairs if key is not None}
    settings = SiteSettings(values if isinstance(values, Mapping) else {}, problems)
    authors = {}
    for key in settings:
        name = settings.text(key)
        author = SiteAuthor(name=_decoded(name)) if name is not None else _read_author(settings.table(key))
        authors[topic_slug(str(key))] = author
    return authors


def _read_author(table: SiteSettings) -> SiteAuthor:
    tables = map(table.table, IMAGE_KEYS)
    image = next((below for each in tables if (below := _first(each, *IMAGE_URL_KEYS))), None)
    return SiteAuthor(
        name=_decoded(_first(table, *NAME_KEYS)),
        url=_safe_url(table, _first(table, *URL_KEYS)),
        image=_safe_url(table, _first(table, *IMAGE_KEYS) or image),
        bio=_decoded(_first(table, *BIO_KEYS)),
    )


def _first(table: SiteSettings, *keys: str) -> str | None:
    return next((text for key in keys if (text := table.text(key)) is not None), None)


def _decoded(text: str | None) -> str | None:
    return None if text is None else decode_references(text).strip() or None


def _safe_url(table: SiteSettings, url: str | None) -> str | None:
    if url is None or not is_unsafe_url(url):
        return url
    table.problems.append(ConfigProblem(url, unsafe_url_message(url)))
    return None
