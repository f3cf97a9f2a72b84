"""Build an article from the raw front matter values and validate what they mean.

Both YAML parsers, the fast one and the one with positions, end here, so they cannot disagree.
"""

import re
from collections.abc import Callable

from gqlnews.content.build_common import (
    AS_JSON,
    DEFAULT_TYPE,
    ParseContext,
    build_provider,
    encode_images,
    resolve_urls,
)
from gqlnews.content.build_related import build_related
from gqlnews.content.diagnostics import Diagnostic, FieldPath, has_error
from gqlnews.content.embed_html import sanitize_embed
from gqlnews.content.html_complexity import is_safe_to_sanitize
from gqlnews.content.markdown import RenderedBody
from gqlnews.content.models import Article, ParseOptions, Position, Topic
from gqlnews.content.problem_codes import ProblemCode
from gqlnews.content.raw_models import RawArticle
from gqlnews.content.slugs import topic_slug
from gqlnews.timestamps import Instant, parse_instant

Locate = Callable[[FieldPath], Position]

_SEALED = re.compile(r"[A-Za-z0-9+/]+={0,2};[A-Za-z0-9+/]+={0,2}")


def build_article(
    slug: str, raw: RawArticle, extra: str, rendered: RenderedBody, options: ParseOptions, locate: Locate
) -> tuple[Article | None, list[Diagnostic]]:
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
    article = Article(
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


def _topics(names: list[str] | None, reading: ParseContext) -> tuple[Topic, ...]:
    """Build the topics without blank names, one for each slug; the first spelling wins."""
    topics: dict[str, Topic] = {}
    for index, name in enumerate(names or ()):
        if not name or name.isspace():
            reading.found(
                ("topics", index), ProblemCode.LEFT_OUT, "A topic without a name is left out: delete it."
            )
            continue
        slug = topic_slug(name)
        topics.setdefault(slug, Topic(slug, name))
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
