"""Build an article from the raw front matter values and validate what they mean."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin

import msgspec

from gqlnews.content.diagnostics import Diagnostic, FieldPath, ProblemCode, has_error
from gqlnews.content.html import RenderedBody, is_safe_to_sanitize, sanitize_embed
from gqlnews.content.models import (
    ParsedArticle,
    ParsedProvider,
    ParsedRelated,
    ParsedTopic,
    ParseOptions,
    Position,
    RawArticle,
    RawCoverage,
    RawImage,
    RawProvider,
    RawRelated,
)
from gqlnews.text_keys import topic_slug
from gqlnews.timestamps import Instant, parse_instant

# Normalize URLs from files.


_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def normalize_url(written: str, base_url: str | None) -> str:
    """Replace `&amp;` by `&`, and resolve a relative URL against `base_url` if there is one."""
    url = written.replace("&amp;", "&")
    if base_url is None or _HAS_SCHEME.match(url):
        return url
    try:
        return urljoin(base_url, url)
    except ValueError:  # not a URL at all, such as `//[`
        return url


# Build what articles and related entries have in common: URLs, images and provider.


AS_JSON = msgspec.json.Encoder()
_NO_IMAGES = "[]"
DEFAULT_TYPE = "article"


class StoredImage(msgspec.Struct, rename="camel", gc=False):
    """Image as the API returns it."""

    url: str
    width: int | None
    height: int | None
    title: str | None
    attribution: str | None
    is_cached: bool


@dataclass(slots=True)
class ParseContext:
    """Parse context of one file: the options and the findings so far."""

    options: ParseOptions
    findings: list[Diagnostic] = field(default_factory=list)

    def found(self, place: FieldPath, code: ProblemCode, message: str) -> None:
        """Add a finding."""
        self.findings.append(Diagnostic(place, code, message))


@dataclass(slots=True)
class ResolvedUrls:
    """Resolved URLs; `url` is the page to open and `key` the front matter key that it comes from."""

    web: str | None
    original: str | None
    amp: str | None
    cdn_amp: str | None
    url: str | None
    key: str


def resolve_urls(raw: RawCoverage, place: FieldPath, reading: ParseContext) -> ResolvedUrls:
    """Resolve the URLs, preferring current keys over legacy ones; `url` is None if there is no page."""
    source = _url(raw.source_url, place, "sourceUrl", reading)
    own_web = _url(raw.web_url, place, "webUrl", reading)
    original = _url(raw.original_url, place, "originalUrl", reading) or source
    web = own_web or source
    return ResolvedUrls(
        web=web,
        original=original,
        amp=_url(raw.amp_web_url, place, "ampWebUrl", reading) or _url(raw.amp_url, place, "ampUrl", reading),
        cdn_amp=_url(raw.cdn_amp_web_url, place, "cdnAmpWebUrl", reading)
        or _url(raw.cdn_amp_url, place, "cdnAmpUrl", reading),
        url=web or original,
        key="webUrl" if own_web else "sourceUrl" if source else "originalUrl",
    )


def encode_images(raw: list[RawImage] | None, place: FieldPath, reading: ParseContext) -> str:
    """Encode the images as JSON text, without those that have no URL."""
    if not raw:
        return _NO_IMAGES
    images = []
    for index, each in enumerate(raw):
        at = (*place, "images", index)
        url = _url(each.url, at, "url", reading)
        if url is None:
            reading.found(
                at, ProblemCode.LEFT_OUT, "An image without `url` is left out: give it one, or delete it."
            )
            continue
        images.append(
            StoredImage(url, each.width, each.height, each.title, each.attribution, each.is_cached or False)
        )
    return AS_JSON.encode(images).decode()


def build_provider(raw: RawProvider | None, place: FieldPath, reading: ParseContext) -> ParsedProvider | None:
    """Build the provider, with its domain as the default name; return None without a domain."""
    if raw is None:
        return None
    at = (*place, "provider")
    images = encode_images(raw.images, at, reading)
    if not raw.domain:
        reading.found(
            at,
            ProblemCode.LEFT_OUT,
            "A provider without `domain` is left out: give it one, such as `nextgov.com`.",
        )
        return None
    return ParsedProvider(raw.domain, raw.name or raw.domain, images)


def _url(written: str | None, place: FieldPath, key: str, reading: ParseContext) -> str | None:
    if not written or written.isspace():
        return None
    if "&amp;" in written:
        message = f"`{key}` is written with `&amp;` and is served with `&`: write `&`."
        reading.found((*place, key), ProblemCode.ESCAPED_URL, message)
    return normalize_url(written, reading.options.base_url)


# Build the related coverage of one article.


_LACKS = "A related entry without {} is left out: give it one, or delete it."
_NO_DATE = "A related entry is left out: `{:.40}` is no date such as `2021-04-15T13:00:00Z`."


def build_related(
    raw: list[RawRelated] | None, own: ResolvedUrls, reading: ParseContext
) -> tuple[ParsedRelated, ...]:
    """Build the valid entries in file order; repeats and self-references stay, with a warning."""
    if not raw:
        return ()
    own_urls = {own.web, own.original, own.amp, own.cdn_amp}
    listed: set[str] = set()
    entries = []
    for index, each in enumerate(raw):
        place = ("related", index)
        urls = resolve_urls(each, place, reading)
        entry = _entry(each, urls, place, reading)
        if entry is None:
            continue
        if entry.url in own_urls:
            reading.found(
                (*place, urls.key),
                ProblemCode.SELF_RELATED,
                "This is the article's own URL: delete the entry.",
            )
        if entry.url in listed:
            reading.found(
                (*place, urls.key),
                ProblemCode.RELATED_TWICE,
                "An entry before this one has the same URL: delete one.",
            )
        listed.add(entry.url)
        entries.append(entry)
    return tuple(entries)


def _entry(
    raw: RawRelated, urls: ResolvedUrls, place: FieldPath, reading: ParseContext
) -> ParsedRelated | None:
    if not raw.title or raw.title.isspace():
        reading.found(place, ProblemCode.LEFT_OUT, _LACKS.format("`title`"))
        return None
    if urls.url is None:
        reading.found(place, ProblemCode.LEFT_OUT, _LACKS.format("`webUrl` or `originalUrl`"))
        return None
    published = parse_instant(raw.published_date_time) if raw.published_date_time is not None else None
    if published is None and raw.published_date_time is not None:
        message = _NO_DATE.format(raw.published_date_time)
        reading.found((*place, "publishedDateTime"), ProblemCode.LEFT_OUT, message)
        return None
    return _related(raw, urls, published, place, reading)


def _related(
    raw: RawRelated, urls: ResolvedUrls, published: Instant | None, place: FieldPath, reading: ParseContext
) -> ParsedRelated | None:
    return ParsedRelated(
        title=raw.title or "",
        excerpt=raw.excerpt,
        url=urls.url or "",
        web_url=urls.web,
        original_url=urls.original,
        amp_web_url=urls.amp,
        cdn_amp_web_url=urls.cdn_amp,
        published_at=published.key if published else None,
        published_date_time=published.text if published else None,
        type=DEFAULT_TYPE if raw.type is None else raw.type,
        quality=raw.quality,
        provider=build_provider(raw.provider, place, reading),
        images=encode_images(raw.images, place, reading),
    )


# Build an article from the raw front matter values and validate what they mean.
#
# Both YAML parsers, the fast one and the one with positions, end here, so they cannot disagree.


Locate = Callable[[FieldPath], Position]

_SEALED = re.compile(r"[A-Za-z0-9+/]+={0,2};[A-Za-z0-9+/]+={0,2}")


def build_article(
    slug: str, raw: RawArticle, extra: str, rendered: RenderedBody, options: ParseOptions, locate: Locate
) -> tuple[ParsedArticle | None, list[Diagnostic]]:
    """Build the article, or return None if a finding is an error; `locate` returns a value's position."""
    reading = ParseContext(options)
    urls = resolve_urls(raw, (), reading)
    published = _parse_published(raw.published_date_time, reading)
    topics = _topics(raw.topics, reading)
    related = build_related(raw.related, urls, reading)
    provider = build_provider(raw.provider, (), reading)
    images = encode_images(raw.images, (), reading)
    featured_content = _embed(raw.featured_content, reading)
    _check_secured(raw.secured, reading)
    if not raw.title or raw.title.isspace():
        reading.found(("title",), ProblemCode.MISSING_KEY, "`title` is missing: an article needs one.")
    if urls.url is None:
        reading.found(
            ("webUrl",),
            ProblemCode.MISSING_KEY,
            "`webUrl` or `originalUrl` is missing: an article needs one.",
        )
    if has_error(reading.findings) or not raw.title or not urls.url or not published:
        return None, reading.findings
    article = ParsedArticle(
        title=raw.title,
        excerpt=raw.excerpt,
        url=urls.url,
        web_url=urls.web,
        original_url=urls.original,
        amp_web_url=urls.amp,
        cdn_amp_web_url=urls.cdn_amp,
        published_at=published.key,
        published_date_time=published.text,
        type=DEFAULT_TYPE if raw.type is None else raw.type,
        quality=raw.quality,
        provider=provider,
        images=images,
        slug=slug,
        category=raw.category,
        heat=raw.heat,
        published=True if raw.published is None else raw.published,
        topics=topics,
        related=related,
        featured_content=featured_content,
        body=rendered.body,
        html=rendered.html,
        table_of_contents=AS_JSON.encode(rendered.headings).decode(),
        word_count=rendered.words,
        reading_minutes=rendered.minutes,
        secured=raw.secured,
        extra=extra,
        url_mark=locate((urls.key,)),
        published_mark=None if raw.published is None else locate(("published",)),
    )
    return article, reading.findings


def _parse_published(written: str | None, reading: ParseContext) -> Instant | None:
    if written is None:
        reading.found(
            ("publishedDateTime",),
            ProblemCode.MISSING_KEY,
            "`publishedDateTime` is missing: an article needs one.",
        )
        return None
    instant = parse_instant(written)
    if instant is None:
        message = f"`{written[:40]}` is no date: write one such as `2021-04-15T13:00:00Z` or `2021-04-15`."
        reading.found(("publishedDateTime",), ProblemCode.BAD_DATE, message)
    return instant


def _topics(names: list[str] | None, reading: ParseContext) -> tuple[ParsedTopic, ...]:
    """Build the topics without blank names, one for each slug; the first spelling wins."""
    topics: dict[str, ParsedTopic] = {}
    for index, name in enumerate(names or ()):
        if not name or name.isspace():
            reading.found(
                ("topics", index), ProblemCode.LEFT_OUT, "A topic without a name is left out: delete it."
            )
            continue
        slug = topic_slug(name)
        topics.setdefault(slug, ParsedTopic(slug, name))
    return tuple(topics.values())


def _embed(written: str | None, reading: ParseContext) -> str | None:
    if written is None:
        return None
    if not is_safe_to_sanitize(written):
        message = "`featuredContent` is too much HTML to sanitise and is left out: make it simpler."
        reading.found(("featuredContent",), ProblemCode.LEFT_OUT, message)
        return None
    return sanitize_embed(written, reading.options.iframe_hosts)


def _check_secured(secured: str | None, reading: ParseContext) -> None:
    if secured is not None and not _SEALED.fullmatch(secured):
        message = "`secured` is not of the form `base64;base64`: seal it again. It is stored unchanged."
        reading.found(("secured",), ProblemCode.BAD_SECURED, message)
