"""`where`: which articles or providers match a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .durations import read_duration
from .instants import read_instant
from .names import topic_slug
from .own_fields import OwnField
from .records import Article
from .sections import is_below
from .world import World

Test: TypeAlias = Callable[[Any], bool]
Given: TypeAlias = Mapping[str, Any]
Maker: TypeAlias = "Callable[[Any, Scene], Test]"


@dataclass(frozen=True)
class Scene:
    """What filters read beside the article: its world, and the time in nanoseconds since 1970."""

    world: World
    now: int


# (value or None if it is missing, operand) → whether the value matches.
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value is not None and value == operand,
    "ne": lambda value, operand: value is None or value != operand,
    "in": lambda value, operand: value is not None and value in operand,
    "notIn": lambda value, operand: value is None or value not in operand,
    "startsWith": lambda value, operand: value is not None and value.startswith(operand),
    "contains": lambda value, operand: value is not None and operand.casefold() in value.casefold(),
    "isNull": lambda value, operand: (value is None) == operand,
    "gt": lambda value, operand: value is not None and value > operand,
    "gte": lambda value, operand: value is not None and value >= operand,
    "lt": lambda value, operand: value is not None and value < operand,
    "lte": lambda value, operand: value is not None and value <= operand,
}
SETS: dict[str, Callable[[set[str], Sequence[str]], bool]] = {
    "any": lambda values, operand: any(one in values for one in operand),
    "all": lambda values, operand: all(one in values for one in operand),
    "none": lambda values, operand: not any(one in values for one in operand),
}


def given(filter_: Given | None) -> Given:
    """Return the filter without nulls, which have the same meaning as absence."""
    return {name: value for name, value in (filter_ or {}).items() if value is not None}


def article_test(where: Given | None, scene: Scene) -> Test:
    """Return the test for articles. The arguments are already validated."""
    return all_of([maker(name, scene)(value, scene) for name, value in given(where).items()])


def maker(name: str, scene: Scene) -> Maker:
    return FIELDS[name] if name in FIELDS else own_test(scene.world.declared.by_name[name])


def own_test(field: OwnField) -> Maker:
    """Return the test of an own field."""
    if field.is_list:
        return set_test(lambda article: set(article.own[field.name].texts))
    return OWN_TESTS.get(field.type, plain)(lambda article: article.own[field.name].compared)


def all_of(tests: Sequence[Test]) -> Test:
    return lambda one: all(test(one) for test in tests)


def any_of(tests: Sequence[Test]) -> Test:
    return lambda one: any(test(one) for test in tests)


def none_of(test: Test) -> Test:
    return lambda one: not test(one)


def value_test(operators: Given | None) -> Test:
    tests = [(OPERATORS[name], operand) for name, operand in given(operators).items()]
    return lambda value: all(test(value, operand) for test, operand in tests)


def plain(value_of: Callable[[Article], Any]) -> Maker:
    """A field of strings or numbers."""

    def make(operators: Given, _scene: Scene) -> Test:
        test = value_test(operators)
        return lambda article: test(value_of(article))

    return make


def date(nanoseconds_of: Callable[[Article], Any]) -> Maker:
    def make(operators: Given, scene: Scene) -> Test:
        asked = dict(given(operators))
        within = asked.pop("withinLast", None)
        bounds = {name: read_instant(written).nanoseconds for name, written in asked.items()}
        if within is not None:
            bounds["gte"] = max(bounds.get("gte", EVER), scene.now - read_duration(within))
        test = value_test(bounds)
        return lambda article: test(nanoseconds_of(article))

    return make


EVER = -(10**21)  # before every instant


def set_test(texts_of: Callable[[Article], set[str]]) -> Maker:
    def make(operators: Given, _scene: Scene) -> Test:
        tests = [(SETS[name], operand) for name, operand in given(operators).items()]
        return lambda article: all(test(texts_of(article), operand) for test, operand in tests)

    return make


def section_test(operators: Given, _scene: Scene) -> Test:
    asked = dict(given(operators))
    under = asked.pop("under", None)
    exact = value_test(asked)
    return lambda article: exact(article.section) and (under is None or is_below(article.section, under))


def author_slugs(article: Article) -> set[str]:
    return {one.slug for one in article.authors}


def topic_slugs(article: Article) -> set[str]:
    return {topic_slug(name) for name in article.topics}


def slug_test(slugs: set[str]) -> Test:
    return lambda article: article.slug in slugs


def truth(value_of: Callable[[Article], Any]) -> Maker:
    return lambda wanted, _scene: lambda article: value_of(article) == wanted


OWN_TESTS = {"Boolean": truth, "Date": date, "DateTime": date}
FIELDS: dict[str, Maker] = {
    "and": lambda each, scene: all_of([article_test(one, scene) for one in each]),
    "or": lambda each, scene: any_of([article_test(one, scene) for one in each]),
    "not": lambda one, scene: none_of(article_test(one, scene)),
    "slug": plain(lambda article: article.slug),
    "title": plain(lambda article: article.title),
    "category": plain(lambda article: article.category),
    "type": plain(lambda article: article.type),
    "language": plain(lambda article: article.language),
    "topic": set_test(topic_slugs),
    "author": set_test(author_slugs),
    "section": section_test,
    "provider": plain(lambda article: article.provider.domain if article.provider else None),
    "publishedDateTime": date(lambda article: article.published.nanoseconds),
    "modifiedDateTime": date(lambda article: article.modified.nanoseconds if article.modified else None),
    "updatedAt": date(lambda article: article.updated.nanoseconds),
    "quality": plain(lambda article: article.quality),
    "heat": plain(lambda article: article.heat),
    "published": truth(lambda article: article.is_published),
    "hasImage": truth(lambda article: bool(article.images)),
    "matches": lambda text, scene: slug_test(scene.world.text.matching(text)),
    "hasRelated": truth(lambda article: bool(article.related)),
}


def provider_test(where: Given | None) -> Callable[[str, str], bool]:
    """Return the test for a provider's domain and name."""
    tests = {name: value_test(operators) for name, operators in given(where).items()}

    def test(domain: str, name: str) -> bool:
        values = {"domain": domain, "name": name}
        return all(one(values[field]) for field, one in tests.items())

    return test
