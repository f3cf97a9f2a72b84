"""Build an article from the raw front matter values, and validate them.

Both YAML parsers, the fast one and the strict one, call this module, so they validate in the same way.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gqlnews.columns import KEY_COLUMNS
from gqlnews.content.authors import AuthorData, build_authors
from gqlnews.content.diagnostics import Diagnostic, FieldPath, ProblemCode, has_error, quote
from gqlnews.content.html import RenderedBody
from gqlnews.content.html_structure import is_safe_to_sanitize
from gqlnews.content.images import JSON_ENCODER, encode_images
from gqlnews.content.language_codes import language_tag
from gqlnews.content.models import (
    ParsedArticle,
    ParsedProvider,
    ParsedRelated,
    ParsedTopic,
    ParseOptions,
    Position,
    RawArticle,
    RawCoverage,
    RawProvider,
    RawRelated,
)
from gqlnews.content.parse_context import ParseContext
from gqlnews.content.sanitizer import sanitize_embed
from gqlnews.content.urls import find_unsafe_urls, unsafe_url_message
from gqlnews.text_keys import topic_slug
from gqlnews.timestamps import Instant, parse_instant

# Common parts of articles and related entries: URLs, images and provider.


DEFAULT_TYPE = "article"


@dataclass(slots=True)
class ResolvedUrls:
    """Resolved URLs; `url` is the URL of the page, and `key` the front matter key that it comes from."""

    web: str | None
    original: str | None
    amp: str | None
    cdn_amp: str | None
    url: str | None
    key: str


def resolve_urls(raw: RawCoverage, field_path: FieldPath, context: ParseContext) -> ResolvedUrls:
    """Resolve the URLs, preferring current keys over legacy ones; `url` is None if no key has a page URL.

    The other URLs of an article are resolved against its `webUrl`, but not against `sourceUrl` and
    `originalUrl`, which may be on another site.
    """
    read = context.read_url
    current_web = raw.web_url and read(raw.web_url, field_path, "webUrl")
    if current_web and not field_path:
        context.base_url = current_web
    source = raw.source_url and read(raw.source_url, field_path, "sourceUrl")
    original = (raw.original_url and read(raw.original_url, field_path, "originalUrl")) or source
    amp = (raw.amp_web_url and read(raw.amp_web_url, field_path, "ampWebUrl")) or (
        raw.amp_url and read(raw.amp_url, field_path, "ampUrl")
    )
    cdn_amp = (raw.cdn_amp_web_url and read(raw.cdn_amp_web_url, field_path, "cdnAmpWebUrl")) or (
        raw.cdn_amp_url and read(raw.cdn_amp_url, field_path, "cdnAmpUrl")
    )
    web = current_web or source
    return ResolvedUrls(
        web=web or None,
        original=original or None,
        amp=amp or None,
        cdn_amp=cdn_amp or None,
        url=web or original or None,
        key="webUrl" if current_web else "sourceUrl" if source else "originalUrl",
    )


def build_provider(
    raw: RawProvider | None, field_path: FieldPath, context: ParseContext
) -> ParsedProvider | None:
    """Build the provider, with its domain as the default name; return None without a domain."""
    if raw is None:
        return None
    provider_path = (*field_path, "provider")
    images = encode_images(raw.images, provider_path, context)
    if not raw.domain:
        context.report(
            provider_path,
            ProblemCode.LEFT_OUT,
            "A provider without `domain` is left out: add the key, for example `domain: nextgov.com`.",
        )
        return None
    name = context.read_text(raw.name, provider_path, "name")
    return ParsedProvider(raw.domain, name or raw.domain, images)


# Related coverage.


_MISSING_KEY = "An entry of `related` without {} is left out: add the key, or delete the entry."
_BAD_DATE = "An entry of `related` is left out: `{}` is not a date such as `2021-04-15T13:00:00Z`."


def build_related(
    raw: list[RawRelated] | None, article_urls: ResolvedUrls, context: ParseContext
) -> tuple[ParsedRelated, ...]:
    """Build the valid entries in file order, with a warning for repeated URLs and self-references."""
    if not raw:
        return ()
    own_urls = {article_urls.web, article_urls.original, article_urls.amp, article_urls.cdn_amp}
    listed: set[str] = set()
    entries = []
    for index, each in enumerate(raw):
        field_path = ("related", index)
        urls = resolve_urls(each, field_path, context)
        entry = _entry(each, urls, field_path, context)
        if entry is None:
            continue
        if entry.url in own_urls:
            context.report(
                (*field_path, urls.key),
                ProblemCode.SELF_RELATED,
                "This is a URL of the article itself: delete the entry.",
            )
        if entry.url in listed:
            context.report(
                (*field_path, urls.key),
                ProblemCode.RELATED_TWICE,
                "An earlier entry has the same URL: delete one of the two.",
            )
        listed.add(entry.url)
        entries.append(entry)
    return tuple(entries)


def _entry(
    raw: RawRelated, urls: ResolvedUrls, field_path: FieldPath, context: ParseContext
) -> ParsedRelated | None:
    title = context.read_text(raw.title, field_path, "title")
    if not title:
        context.report(field_path, ProblemCode.LEFT_OUT, _MISSING_KEY.format("`title`"))
        return None
    if urls.url is None:
        context.report(field_path, ProblemCode.LEFT_OUT, _MISSING_KEY.format("`webUrl` or `originalUrl`"))
        return None
    published = parse_instant(raw.published_date_time) if raw.published_date_time is not None else None
    if published is None and raw.published_date_time is not None:
        message = _BAD_DATE.format(quote(raw.published_date_time))
        context.report((*field_path, "publishedDateTime"), ProblemCode.LEFT_OUT, message)
        return None
    return _related(raw, title, urls, published, field_path, context)


def _related(
    raw: RawRelated,
    title: str,
    urls: ResolvedUrls,
    published: Instant | None,
    field_path: FieldPath,
    context: ParseContext,
) -> ParsedRelated:
    return ParsedRelated(
        title=title,
        excerpt=context.read_text(raw.excerpt, field_path, "excerpt"),
        url=urls.url or "",
        web_url=urls.web,
        original_url=urls.original,
        amp_web_url=urls.amp,
        cdn_amp_web_url=urls.cdn_amp,
        published_at=published.key if published else None,
        published_date_time=published.text if published else None,
        type=DEFAULT_TYPE if raw.type is None else raw.type,
        quality=raw.quality,
        provider=build_provider(raw.provider, field_path, context),
        images=encode_images(raw.images, field_path, context),
    )


# Articles.


PositionLookup = Callable[[FieldPath], Position]

_ENCRYPTED = re.compile(r"[A-Za-z0-9+/]+={0,2};[A-Za-z0-9+/]+={0,2}")


def build_article(
    slug: str,
    raw: RawArticle,
    extra: str,
    rendered: RenderedBody,
    options: ParseOptions,
    locate: PositionLookup,
    author_data: AuthorData,
) -> tuple[ParsedArticle | None, list[Diagnostic]]:
    """Build the article, or return None if a diagnostic is an error; `locate` returns a value's position.

    `extra` is the JSON object of the unknown keys, `author_data` what the site says about its authors.
    """
    context = ParseContext(options, options.base_url)
    urls = resolve_urls(raw, (), context)
    title = context.read_text(raw.title, (), "title")
    excerpt = context.read_text(raw.excerpt, (), "excerpt")
    published = _parse_published(raw.published_date_time, context)
    topics = _topics(raw.topics, context)
    related = build_related(raw.related, urls, context)
    provider = build_provider(raw.provider, (), context)
    images = encode_images(raw.images, (), context)
    featured_content = _sanitize_featured_content(raw.featured_content, context)
    _check_secured(raw.secured, context)
    is_draft = _is_draft(raw, context)
    modified = _parse_modified(raw.modified_date_time, context)
    authors = build_authors(raw.authors, author_data, context) if raw.authors else ()
    if not title:
        message = "`title` is missing: add it, because every article needs one."
        context.report(("title",), ProblemCode.MISSING_KEY, message)
    if urls.url is None:
        context.report(
            ("webUrl",),
            ProblemCode.MISSING_KEY,
            "`webUrl` and `originalUrl` are missing: add one of them, because every article needs a URL.",
        )
    if has_error(context.diagnostics) or not title or not urls.url or not published:
        return None, context.diagnostics
    article = ParsedArticle(
        title=title,
        excerpt=excerpt,
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
        published=not is_draft if raw.published is None else raw.published,
        topics=topics,
        related=related,
        featured_content=featured_content,
        body=rendered.body,
        prose=rendered.prose,
        html=rendered.html,
        table_of_contents=JSON_ENCODER.encode(rendered.headings).decode(),
        word_count=rendered.words,
        reading_minutes=rendered.minutes,
        secured=raw.secured,
        extra=extra,
        url_position=locate((urls.key,)),
        published_position=None if raw.published is None else locate(("published",)),
        key_values={column.name: getattr(raw, column.name) for column in KEY_COLUMNS},
        base_url=context.base_url,
        modified_at=modified.key if modified else None,
        modified_date_time=modified.text if modified else None,
        authors=authors,
        language=language_tag(raw.language),
        translation_key=_read_key(raw.translation_key),
        relative_images=tuple(context.relative_images.items()),
    )
    return article, context.diagnostics


def _read_key(text: str | None) -> str | None:
    return text.strip() or None if text else None


def _parse_published(text: str | None, context: ParseContext) -> Instant | None:
    if text is None:
        message = "`publishedDateTime` is missing: add it, because every article needs one."
        context.report(("publishedDateTime",), ProblemCode.MISSING_KEY, message)
        return None
    instant = parse_instant(text)
    if instant is None:
        message = f"`{quote(text)}` is not a date: write one such as `2021-04-15T13:00:00Z` or `2021-04-15`."
        context.report(("publishedDateTime",), ProblemCode.BAD_DATE, message)
    return instant


def _parse_modified(text: str | None, context: ParseContext) -> Instant | None:
    instant = None if text is None else parse_instant(text)
    if text is not None and instant is None:
        message = f"`{quote(text)}` is left out: it is not a date such as `2021-04-15T13:00:00Z`."
        context.report(("modifiedDateTime",), ProblemCode.LEFT_OUT, message)
    return instant


def _topics(names: list[str] | None, context: ParseContext) -> tuple[ParsedTopic, ...]:
    """Build one topic per slug, with the first spelling of its name; report blank and colliding names."""
    topics: dict[str, ParsedTopic] = {}
    for index, written in enumerate(names or ()):
        field_path = ("topics", index)
        name = context.decode(written, field_path, "topics")
        if not name:
            message = "A topic without a name is left out: delete it."
            context.report(field_path, ProblemCode.LEFT_OUT, message)
            continue
        slug = topic_slug(name)
        first = topics.setdefault(slug, ParsedTopic(slug, name))
        if first.name != name:
            message = f"`{name:.40}` and `{first.name:.40}` are the same topic, `{slug:.40}`: use one name."
            context.report(field_path, ProblemCode.TOPIC_COLLISION, message)
    return tuple(topics.values())


def _sanitize_featured_content(text: str | None, context: ParseContext) -> str | None:
    if text is None:
        return None
    if not is_safe_to_sanitize(text):
        message = "`featuredContent` is too complex to sanitize and is left out: make it simpler."
        context.report(("featuredContent",), ProblemCode.LEFT_OUT, message)
        return None
    for url in find_unsafe_urls(text)[:1]:
        context.report(("featuredContent",), ProblemCode.UNSAFE_URL, unsafe_url_message(url))
    return sanitize_embed(text, context.options.iframe_hosts)


def _is_draft(raw: RawArticle, context: ParseContext) -> bool:
    """Return whether the file says `draft: true` and not whether it is published."""
    if not raw.draft or raw.published is not None:
        return False
    message = "`draft: true` hides this article from the public: write `published: true` to publish it."
    context.report(("draft",), ProblemCode.DRAFT, message)
    return True


def _check_secured(secured: str | None, context: ParseContext) -> None:
    if secured is not None and not _ENCRYPTED.fullmatch(secured):
        message = (
            "`secured` does not have the form `base64;base64`: encrypt it again. It is stored unchanged."
        )
        context.report(("secured",), ProblemCode.BAD_SECURED, message)
