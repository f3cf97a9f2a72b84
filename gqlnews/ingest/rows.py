"""Convert a valid article to database rows."""

from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any

from gqlnews.columns import CONTENT_COLUMNS, FOLDED_COLUMNS, GROUP_COLUMNS
from gqlnews.content.models import (
    ContentProblem,
    FrozenStruct,
    ImageFile,
    ParsedArticle,
    ParsedAuthor,
    ParsedRelated,
    ParseResult,
    SourceFile,
)
from gqlnews.database.sqlite.writer import tokenize
from gqlnews.text_keys import (
    casefold_key,
    encode_list,
    log2_heat,
    node_id,
    path_of,
    related_id,
    section_of,
    with_parents,
)
from gqlnews.timestamps import to_epoch_seconds

Row = tuple[Any, ...]
Getter = Callable[[ParsedArticle, ParseResult], Any]

# Columns of an article whose value is neither an attribute of `ParsedArticle` nor that of a front matter key.
_DERIVED: dict[str, Getter] = {
    "node_id": lambda a, _: node_id("Article", a.slug),
    "provider_domain": lambda a, _: a.provider.domain if a.provider else None,
    "provider_name": lambda a, _: a.provider.name if a.provider else None,
    "provider_images": lambda a, _: a.provider.images if a.provider and a.provider.images != "[]" else None,
    "related_count": lambda a, _: len(a.related),
    "revision": lambda _, result: result.revision,
    "url_line": lambda a, _: a.url_position.line if a.url_position else None,
    "url_column": lambda a, _: a.url_position.column if a.url_position else None,
    "published_line": lambda a, _: a.published_position.line if a.published_position else None,
    "published_column": lambda a, _: a.published_position.column if a.published_position else None,
    "linked_html": lambda a, _: a.html if a.linked_slugs else None,
    "html": lambda a, _: None if a.linked_slugs else a.html,
    "heat_log": lambda a, _: log2_heat(a.key_values["heat"]),
    "published_seconds": lambda a, _: to_epoch_seconds(a.published_at),
    "topic_slugs": lambda a, _: encode_list([topic.slug for topic in a.topics]),
    "has_image": lambda a, _: a.images != "[]",
    "web_path": lambda a, _: path_of(a.web_url),
    "author_slugs": lambda a, _: encode_list([author.slug for author in a.authors]),
    "section": lambda a, _: section_of(a.slug),
}
_ATTRIBUTES = [c.name for c in CONTENT_COLUMNS if c.name not in _DERIVED and c.key is None]
_get_attributes: Callable[[ParsedArticle], tuple[Any, ...]] = attrgetter(*_ATTRIBUTES)

_FOLDED = [(str(column.folded), column.name) for column in FOLDED_COLUMNS]

ARTICLE_ROW = (*(column.name for column in CONTENT_COLUMNS), *(folded for folded, _ in _FOLDED))
TOPIC_ROW = ("topic", "name", *GROUP_COLUMNS)
AUTHOR_ROW = ("author", "name", "url", "image", "bio", "is_described", *GROUP_COLUMNS)
SECTION_ROW = ("section", *GROUP_COLUMNS)
_get_article_row = itemgetter(*ARTICLE_ROW)
_get_group_columns = itemgetter(*GROUP_COLUMNS)
_RELATED_ATTRIBUTES = (
    *("published_at", "published_date_time", "title", "excerpt", "url", "web_url", "original_url"),
    *("amp_web_url", "cdn_amp_web_url", "type", "quality", "images"),
)
RELATED_ROW = (*_RELATED_ATTRIBUTES, "provider_domain", "provider_name", "node_id")
PROBLEM_COLUMNS = "path, line, column_, severity, code, message"
_get_related: Callable[[ParsedRelated], tuple[Any, ...]] = attrgetter(*_RELATED_ATTRIBUTES)
_get_author: Callable[[ParsedAuthor], tuple[Any, ...]] = attrgetter(
    "slug", "name", "url", "image", "bio", "is_described"
)


class ArticleRows(FrozenStruct, frozen=True):
    """Rows of an article, its related entries, topics and authors in file order, and its sections.

    They have no ids. `words` is the JSON array of the words that `similar` compares. `links` are the slugs to
    which links of the body may lead. `images` are the files in which the article has looked for its images.
    """

    slug: str
    is_public: bool
    article: Row
    related: list[Row]
    topics: list[Row]
    authors: list[Row]
    sections: list[Row]
    urls: list[str]
    words: str
    links: tuple[str, ...]
    images: tuple[ImageFile, ...] = ()


_NEVER_DUE = (None, None)


class FileRows(FrozenStruct, frozen=True):
    """Rows of one parse result; `article` is None if it has no article.

    `slug` is None if it is unknown, and empty if the file is passed over. `state` is `mapped` for the article
    of a site and `passed` for a file that is passed over. `due` are `due` and `due_after` of the article.
    """

    source: SourceFile
    revision: str | None
    problems: list[Row]
    article: ArticleRows | None
    slug: str | None = None
    state: str | None = None
    due: tuple[str | None, str | None] = _NEVER_DUE


def problem_row(problem: ContentProblem) -> Row:
    """Convert a problem to the values of `PROBLEM_COLUMNS`."""
    place = problem.path, problem.line, problem.column
    return *place, problem.severity.value, problem.code, problem.message


def file_rows(result: ParseResult) -> FileRows:
    """Convert the parse result of one file to rows, in the process that parsed it."""
    article = result.article
    return FileRows(
        result.source,
        result.revision,
        [problem_row(problem) for problem in result.problems],
        None if article is None else _build_rows(article, result),
        *_source_columns(result),
    )


def _source_columns(
    result: ParseResult,
) -> tuple[str | None, str | None, tuple[str | None, str | None]]:
    """Return slug, state and due instants."""
    article = result.article
    if article is not None:
        return article.slug, "mapped" if article.is_mapped else None, (article.due, article.due_after)
    return (None, None, _NEVER_DUE) if result.problems else ("", "passed", _NEVER_DUE)


def _build_rows(article: ParsedArticle, result: ParseResult) -> ArticleRows:
    values = _article_values(article, result)
    copied = _get_group_columns(values)
    section = values["section"]
    return ArticleRows(
        slug=article.slug,
        is_public=article.published,
        article=_get_article_row(values) + article.field_values,
        related=_related_rows(article),
        topics=[(topic.slug, topic.name, *copied) for topic in article.topics],
        authors=[(*_get_author(author), *copied) for author in article.authors],
        sections=[(path, *copied) for path in with_parents(section)] if section else [],
        urls=_distinct_urls(article),
        words=tokenize(f"{article.title} {article.excerpt or ''}"),
        links=article.linked_slugs,
        images=article.image_files,
    )


def _article_values(article: ParsedArticle, result: ParseResult) -> dict[str, Any]:
    """Return the value of each column."""
    values = dict(zip(_ATTRIBUTES, _get_attributes(article), strict=True))
    values |= article.key_values
    for name, get in _DERIVED.items():
        values[name] = get(article, result)
    for folded, name in _FOLDED:
        values[folded] = casefold_key(values[name])
    return values


def _related_rows(article: ParsedArticle) -> list[Row]:
    """Return the rows of the related entries, each with an id that other entries do not change."""
    rows, occurrences = [], dict[str, int]()
    for entry in article.related:
        provider, url = entry.provider, entry.url
        occurrences[url] = occurrence = occurrences.get(url, 0) + 1
        own_id = related_id(f"{article.slug}\n{url}\n{occurrence}")
        names = (provider.domain, provider.name) if provider else (None, None)
        rows.append((*_get_related(entry), *names, own_id))
    return rows


def _distinct_urls(article: ParsedArticle) -> list[str]:
    """Return the distinct URLs of the article, in a fixed order."""
    urls = (
        article.web_url,
        article.original_url,
        article.amp_web_url,
        article.cdn_amp_web_url,
        article.root_relative_url,
    )
    return list(dict.fromkeys(url for url in urls if url is not None))
