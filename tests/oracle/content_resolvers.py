"""Plain resolvers of content types for graphql-core, one per field."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Any

from . import lists, similar
from .context import Info, Resolver, world
from .drift import drift
from .markers import EntryId, LooseTail, OneOf, Opaque
from .names import topic_slug
from .neighbours import NEXT, PREVIOUS, neighbour, translations
from .records import Article, Card, Entry, Image, JsonValue, OwnProvider
from .sections import Section
from .world import Provider, Topic, node_id

READ_AS = {"authors": "authors", "translationKey": "translations"}
WORDS_A_MINUTE = 240
CHARACTERS_A_MINUTE = 500
SCRIPTS = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""How the names of characters begin that are words of their own."""


def cut(elements: Sequence[Any], first: int | None, offset: int | None = None) -> Sequence[Any]:
    """Return a slice of a plain list."""
    rest = elements[offset or 0 :]
    return rest if first is None else rest[:first]


def images(source: Any, _info: Info, first: int | None = None) -> Sequence[Image]:
    return cut(source.images, first)


def related(
    source: Article, _info: Info, first: int | None = None, offset: int | None = None
) -> Sequence[Entry]:
    return cut(source.related, first, offset)


def provider_of(source: Card, info: Info) -> Provider | None:
    return None if source.provider is None else world(info).providers[source.provider.domain]


def topics_of(source: Article, info: Info) -> list[Topic]:
    slugs = dict.fromkeys(topic_slug(name) for name in source.topics)
    return [world(info).topics[slug] for slug in slugs]


def derived(name: str) -> Resolver:
    """Resolve a field that the oracle gets from its caller or leaves open."""

    def resolve(source: Article, info: Info) -> Any:
        return info.context.derived(source).get(name, Opaque(f"Article.{name}"))

    return resolve


def updated_at(source: Article, info: Info) -> Any:
    """Resolve `updatedAt`: known for whole seconds, open if the file's clock has more digits."""
    plain = source.updated.text if "." not in source.updated.text else Opaque("Article.updatedAt")
    return info.context.derived(source).get("updatedAt", plain)


def secured(source: Article, info: Info) -> str | None:
    return source.secured if world(info).audience == "editor" else None


def extra(source: Article, info: Info) -> dict[str, JsonValue] | None:
    """Resolve `extra`: without the keys that are read once the schema has their field."""
    if world(info).audience != "editor":
        return None
    fields = info.parent_type.fields
    return {key: value for key, value in source.extra.items() if READ_AS.get(key) not in fields}


def next_to(step: int) -> Resolver:
    def resolve(source: Article, info: Info, within: str | None = None) -> Article | None:
        return neighbour(world(info), source, within, step)

    return resolve


def sections_below(source: Section, info: Info) -> list[Section]:
    return [one for one in world(info).sections.values() if one.parent == source.path]


def similar_to(source: Article, info: Info, first: int | None = None) -> Any:
    return info.context.similar(source, similar.DEFAULT_SIZE if first is None else first)


def reading_minutes(source: Article, _info: Info) -> int | None:
    if source.body is None:
        return None
    characters = sum(map(is_word, source.body))
    words = word_count(source.body) - characters
    return max(1, ceil(Fraction(words, WORDS_A_MINUTE) + Fraction(characters, CHARACTERS_A_MINUTE)))


def word_count(body: str | None) -> int:
    """Count the words between white space, and each character that is a word of its own."""
    return sum(map(words_of, (body or "").split()))


def words_of(piece: str) -> int:
    """Count the words of a piece without white space; between characters, punctuation is no word."""
    characters = sum(map(is_word, piece))
    if not characters:
        return 1
    others = "".join(" " if is_word(letter) else letter for letter in piece).split()
    return characters + sum(any(letter.isalnum() for letter in other) for other in others)


def is_word(letter: str) -> bool:
    """Whether the letter belongs to a script that is written without spaces."""
    if letter.isascii() or unicodedata.category(letter)[0] not in "LMN":
        return False
    return unicodedata.name(letter, "").removeprefix("HALFWIDTH ").startswith(SCRIPTS)


def provider_name(source: Provider, info: Info) -> str | OneOf:
    names = provider_names(source, info)
    return names.head[0] if names.head else OneOf(names.tail)


def provider_names(source: Provider, _info: Info) -> LooseTail:
    """Resolve `names`: the contract fixes the order of names in articles, but not of those in entries."""
    own = {one.provider.name for one in source.articles if one.provider is not None}
    given = [name for name in source.names if name in own]
    rest = [name for name in source.names if name not in own]
    if len(rest) == 1:
        return LooseTail((*given, *rest), frozenset())
    return LooseTail(tuple(given), frozenset(rest))


def own_name(source: OwnProvider | None) -> str | None:
    return None if source is None else source.name


def one_text(articles: Sequence[Article], like: Article) -> str | OneOf:
    """Return the date as written by one of the articles with the same instant as `like`."""
    same = [one.published for one in articles if one.published.nanoseconds == like.published.nanoseconds]
    texts = frozenset(instant.text for instant in same)
    return OneOf(texts) if len(texts) > 1 else like.published.text


def text_of(instant: Any) -> str | None:
    return None if instant is None else instant.text


COVERAGE: dict[str, Resolver] = {
    "title": lambda card, _: card.title,
    "excerpt": lambda card, _: card.excerpt,
    "url": lambda card, _: card.url,
    "webUrl": lambda card, _: card.web_url,
    "originalUrl": lambda card, _: card.original_url,
    "ampWebUrl": lambda card, _: card.amp_web_url,
    "cdnAmpWebUrl": lambda card, _: card.cdn_amp_web_url,
    "publishedDateTime": lambda card, _: text_of(card.published),
    "type": lambda card, _: card.type,
    "quality": lambda card, _: card.quality,
    "provider": provider_of,
    "providerName": lambda card, _: own_name(card.provider),
    "images": images,
    "image": lambda card, _: next(iter(card.images), None),
}

NODE: dict[str, Resolver] = {"id": lambda node, _: node_id(node)}

CONTENT: dict[str, dict[str, Resolver]] = {
    "Article": COVERAGE
    | NODE
    | {
        "slug": lambda article, _: article.slug,
        "path": lambda article, _: article.path,
        "modifiedDateTime": lambda article, _: text_of(article.modified),
        "language": lambda article, _: article.language,
        "category": lambda article, _: article.category,
        "heat": lambda article, _: article.heat,
        "published": lambda article, _: article.is_published,
        "topics": topics_of,
        "article": lambda article, _: article,
        "related": related,
        "relatedCount": lambda article, _: len(article.related),
        "referencedBy": lambda article, info, **args: lists.articles(
            info, world(info).referenced_by.get(article.slug, []), args
        ),
        "similar": similar_to,
        "story": lambda article, info: world(info).story_of.get(article.slug),
        "body": lambda article, _: article.body,
        "wordCount": lambda article, _: word_count(article.body),
        "readingMinutes": reading_minutes,
        "secured": secured,
        "extra": extra,
        "authors": lambda article, info: [world(info).authors[one.slug] for one in article.authors],
        "section": lambda article, info: world(info).sections.get(article.section),
        "next": next_to(NEXT),
        "previous": next_to(PREVIOUS),
        "translations": lambda article, info: translations(world(info), article),
        "updatedAt": updated_at,
    }
    | {name: derived(name) for name in ("featuredContent", "html", "tableOfContents", "revision")},
    "Related": COVERAGE
    | {
        "id": lambda entry, _: EntryId(entry.listing, entry.url, entry.occurrence),
        "position": lambda entry, _: entry.position,
        "article": lambda entry, info: world(info).by_url.get(entry.url),
        "drift": lambda entry, info: drift(entry, world(info).by_url.get(entry.url)),
    },
    "Provider": NODE
    | {
        "domain": lambda provider, _: provider.domain,
        "name": provider_name,
        "names": provider_names,
        "images": images,
        "url": lambda *_: None,  # no provider of the folders that are compared is the site itself
        "articleCount": lambda provider, _: len(provider.articles),
        "articles": lambda provider, info, **args: lists.articles(info, provider.articles, args),
    },
    "Topic": NODE
    | {
        "slug": lambda topic, _: topic.slug,
        "name": lambda topic, _: topic.name,
        "articleCount": lambda topic, _: len(topic.articles),
        "articles": lambda topic, info, **args: lists.articles(info, topic.articles, args),
    },
    "Author": NODE
    | {
        "slug": lambda author, _: author.slug,
        "name": lambda author, _: author.name,
        "url": lambda author, _: author.url,
        "image": lambda author, _: author.image,
        "bio": lambda author, _: author.bio,
        "articleCount": lambda author, _: len(author.articles),
        "articles": lambda author, info, **args: lists.articles(info, author.articles, args),
    },
    "Section": NODE
    | {
        "path": lambda section, _: section.path,
        "title": lambda section, _: section.title,
        "articleCount": lambda section, _: len(section.articles),
        "parent": lambda section, info: world(info).sections.get(section.parent),
        "children": sections_below,
        "articles": lambda section, info, **args: lists.articles(info, section.articles, args),
    },
    "Story": NODE
    | {
        "title": lambda story, _: story.lead.title,
        "lead": lambda story, _: story.lead,
        "size": lambda story, _: len(story.articles),
        "firstPublished": lambda story, _: one_text(story.articles, story.articles[0]),
        "lastPublished": lambda story, _: one_text(story.articles, story.articles[-1]),
        "providers": lambda story, info: [
            (world(info).providers[domain], count) for domain, count in story.domains()
        ],
        "articles": lambda story, info, **args: lists.articles(info, story.articles, args),
    },
    "Drift": {
        "field": lambda drift, _: drift.field,
        "listed": lambda drift, _: drift.listed,
        "stored": lambda drift, _: drift.stored,
    },
    "Image": {
        "url": lambda image, _: image.url,
        "width": lambda image, _: image.width,
        "height": lambda image, _: image.height,
        "title": lambda image, _: image.title,
        "attribution": lambda image, _: image.attribution,
        "isCached": lambda image, _: image.is_cached,
        "alt": lambda image, _: image.alt,
        "caption": lambda image, _: image.caption,
        "mimeType": lambda *_: None,  # no image lies in the folders that are compared
    },
}
