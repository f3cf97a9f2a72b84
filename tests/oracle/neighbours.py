"""The articles beside one: the next newer and older, and translations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from .names import topic_slug
from .records import Article
from .world import World


def of_section(world: World, article: Article) -> Sequence[Article]:
    """Return the articles of exactly the same section."""
    if article.section is None:
        return ()
    return [one for one in world.sections[article.section].articles if one.section == article.section]


def of_topic(world: World, article: Article) -> Sequence[Article]:
    return world.topics[topic_slug(article.topics[0])].articles if article.topics else ()


def of_author(world: World, article: Article) -> Sequence[Article]:
    return world.authors[article.authors[0].slug].articles if article.authors else ()


def of_language(world: World, article: Article) -> Sequence[Article]:
    return [one for one in world.articles if one.language == article.language] if article.language else ()


WITHIN: dict[str, Callable[[World, Article], Sequence[Article]]] = {
    "ALL": lambda world, _: world.articles,
    "SECTION": of_section,
    "TOPIC": of_topic,
    "AUTHOR": of_author,
    "LANGUAGE": of_language,
}
NEXT, PREVIOUS = -1, 1


def neighbour(world: World, article: Article, within: str | None, step: int) -> Article | None:
    """Return the article `step` places away among the others, newest first, or None."""
    others = WITHIN[within or "ALL"](world, article)
    place = bisect_left(others, article.order_key, key=lambda one: one.order_key) + step
    return others[place] if others and 0 <= place < len(others) else None


def translations(world: World, article: Article) -> list[Article]:
    """Return the articles in another language with the same translation key; those without one come last."""
    group = world.by_translation_key.get(article.translation_key or "", ())
    return sorted((one for one in group if one.language != article.language), key=translation_order)


def translation_order(article: Article) -> tuple[bool, str, str]:
    return (article.language is None, article.language or "", article.slug)
