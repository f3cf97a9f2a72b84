"""The schema with own fields: definitions added to the SDL, and their resolvers."""

from __future__ import annotations

from .context import Resolver, world
from .facets import by_count
from .own_fields import Declared, OwnField

FILTERS = {
    **dict.fromkeys(("String", "URL"), "StringFilter"),
    **dict.fromkeys(("Date", "DateTime"), "DateTimeFilter"),
    "Int": "IntFilter",
    "Float": "FloatFilter",
    "Boolean": "Boolean",
}
FLOAT_FILTER = """
input FloatFilter {
  eq: Float ne: Float in: [Float!] notIn: [Float!] gt: Float gte: Float lt: Float lte: Float isNull: Boolean
}
"""
DATE = 'scalar Date @specifiedBy(url: "https://scalars.graphql.org/andimarek/local-date")'


def extension(declared: Declared) -> str:
    """Return what the own fields add to the SDL."""
    fields = declared.fields
    added = {
        "type Article": [f"{one.name}: {one.returns}" for one in fields],
        "type ArticleFacets": [f"{one.name}: [ValueCount!]!" for one in fields if one.facet],
        "input ArticleFilter": [f"{one.name}: {filter_of(one)}" for one in fields if one.filter],
        "enum ArticleOrderField": [one.order_name for one in fields if one.order],
    }
    texts = [f"extend {type_} {{ {' '.join(each)} }}" for type_, each in added.items() if each]
    if any(one.type == "Date" for one in fields):
        texts.append(DATE)
    if any(one.filter and filter_of(one) == "FloatFilter" for one in fields):
        texts.append(FLOAT_FILTER)
    return "\n".join(texts)


def filter_of(field: OwnField) -> str:
    return "SetFilter" if field.is_list else FILTERS[field.type]


def own_resolvers(declared: Declared) -> dict[tuple[str, str], Resolver]:
    """Return the resolvers by type and field."""
    shown = {("Article", one.name): shown_value(one) for one in declared.fields}
    return shown | {("ArticleFacets", one.name): value_counts(one) for one in declared.fields if one.facet}


def shown_value(field: OwnField) -> Resolver:
    return lambda article, info: (
        None if field.is_hidden(world(info).audience) else article.own[field.name].shown
    )


def value_counts(field: OwnField) -> Resolver:
    return lambda source, _: by_count(text for one in source.articles for text in one.own[field.name].texts)
