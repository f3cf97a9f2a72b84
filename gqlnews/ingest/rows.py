"""Convert a valid article to database rows."""

import base64
from typing import Any

from gqlnews.content.models import FrozenStruct, ParsedArticle, ParseResult, SourceFile
from gqlnews.database.sqlite.writer import tokenize
from gqlnews.text_keys import casefold_key, encode_list, log2_heat
from gqlnews.timestamps import to_epoch_seconds

Row = tuple[Any, ...]

# Columns whose values depend only on the file's content, in the order of `_article_row`. The others (id,
# path, `updated_at` and its key) may differ for the same content.
ARTICLE_COLUMNS = (
    "slug, node_id, published, published_at, published_date_time, title, excerpt, url, web_url, original_url,"
    " amp_web_url, cdn_amp_web_url, category, type, quality, heat, provider_domain, provider_name, images,"
    " related_count, word_count, reading_minutes, revision, provider_images, url_line, url_column,"
    " published_line, published_column, table_of_contents, featured_content, extra, secured, body, html,"
    " slug_folded, title_folded, category_folded, type_folded, provider_domain_folded, heat_log,"
    " published_seconds, topic_slugs, has_image"
)
RELATED_COLUMNS = (
    "published_at, published_date_time, title, excerpt, url, web_url, original_url, amp_web_url,"
    " cdn_amp_web_url, type, quality, provider_domain, provider_name, images"
)
TOPIC_COLUMNS = "topic, name, published, published_at, slug, quality, heat, has_image"


class ArticleRows(FrozenStruct, frozen=True):
    """Rows of an article, its related entries and its topics in file order, without ids.

    `words` is the JSON array of the words that `similar` compares.
    """

    slug: str
    is_public: bool
    article: Row
    related: list[Row]
    topics: list[Row]
    urls: list[str]
    words: str


class FileRows(FrozenStruct, frozen=True):
    """Rows of one parse result; `article` is None if it has no article."""

    source: SourceFile
    revision: str | None
    problems: list[Row]
    article: ArticleRows | None


def node_id(kind: str, key: str) -> str:
    """Return the global id of an object by its natural key; it is the same in a rebuilt store."""
    return base64.b64encode(f"{kind}:{key}".encode()).decode("ascii")


def file_rows(result: ParseResult) -> FileRows:
    """Convert the parse result of one file to rows, in the process that parsed it."""
    article = result.article
    return FileRows(
        result.source,
        result.revision,
        [(p.path, p.line, p.column, p.severity.value, p.code, p.message) for p in result.problems],
        None if article is None else _build_rows(article, result),
    )


def _build_rows(article: ParsedArticle, result: ParseResult) -> ArticleRows:
    return ArticleRows(
        slug=article.slug,
        is_public=article.published,
        article=_article_row(article, result),
        related=_related_rows(article),
        topics=_topic_rows(article),
        urls=_distinct_urls(article),
        words=tokenize(f"{article.title} {article.excerpt or ''}"),
    )


def _topic_rows(a: ParsedArticle) -> list[Row]:
    return [
        (t.slug, t.name, a.published, a.published_at, a.slug, a.quality, a.heat, a.images != "[]")
        for t in a.topics
    ]


def _distinct_urls(article: ParsedArticle) -> list[str]:
    """Return the distinct URLs of the article, in a fixed order."""
    urls = (article.web_url, article.original_url, article.amp_web_url, article.cdn_amp_web_url)
    return list(dict.fromkeys(url for url in urls if url is not None))


def _article_row(a: ParsedArticle, result: ParseResult) -> Row:
    provider, url, published = a.provider, a.url_position, a.published_position
    assert a.published_at is not None, "an article has a date"
    return (
        a.slug,
        node_id("Article", a.slug),
        a.published,
        a.published_at,
        a.published_date_time,
        a.title,
        a.excerpt,
        a.url,
        a.web_url,
        a.original_url,
        a.amp_web_url,
        a.cdn_amp_web_url,
        a.category,
        a.type,
        a.quality,
        a.heat,
        provider.domain if provider else None,
        provider.name if provider else None,
        a.images,
        len(a.related),
        a.word_count,
        a.reading_minutes,
        result.revision,
        provider.images if provider and provider.images != "[]" else None,
        url.line if url else None,
        url.column if url else None,
        published.line if published else None,
        published.column if published else None,
        a.table_of_contents,
        a.featured_content,
        a.extra,
        a.secured,
        a.body,
        a.html,
        casefold_key(a.slug),
        casefold_key(a.title),
        casefold_key(a.category),
        casefold_key(a.type),
        casefold_key(provider.domain) if provider else None,
        log2_heat(a.heat),
        to_epoch_seconds(a.published_at),
        encode_list([topic.slug for topic in a.topics]),
        a.images != "[]",
    )


def _related_rows(article: ParsedArticle) -> list[Row]:
    return [
        (
            r.published_at,
            r.published_date_time,
            r.title,
            r.excerpt,
            r.url,
            r.web_url,
            r.original_url,
            r.amp_web_url,
            r.cdn_amp_web_url,
            r.type,
            r.quality,
            r.provider.domain if r.provider else None,
            r.provider.name if r.provider else None,
            r.images,
        )
        for r in article.related
    ]
