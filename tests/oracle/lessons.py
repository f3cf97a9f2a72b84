"""Requests for pages of every list in several orders, from whose responses the registry learns cursors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphql import GraphQLSchema

from .document import Operation, value_text
from .values import ORDERS, OrderBy
from .world import World

ARTICLES = ("Provider", "Topic", "Author", "Section", "Story")  # nodes with a list of articles
NAMED = {"authors": ("NAME", "COUNT"), "providers": ("DOMAIN", "COUNT")}  # lists and their orders
BACK = "referencedBy"
QUERIES = 4
HALF_LIVES = ("P1D", "P5000W", "PT1S")


def lessons(schema: GraphQLSchema, world: World, orders: Sequence[OrderBy] = ORDERS) -> Iterator[Operation]:
    """Yield one request for each kind of list."""
    yield Operation(roots(schema, orders), {}, None)
    for type_ in ARTICLES:
        if has(schema, type_):
            yield Operation(below_nodes(schema, type_, orders), {"ids": node_ids(type_, world)}, None)
    if has(schema, "Article", "referencedBy"):
        listed = pages(schema, "Article", 3, orders, BACK)
        query = f"query ($slug: String!) {{ article(slug: $slug) {{ {listed} }} }}"
        most = sorted(world.referenced_by, key=lambda slug: -len(world.referenced_by[slug]))[:3]
        yield from (Operation(query, {"slug": slug}, None) for slug in most)
    if has(schema, "Query", "search"):
        yield from (Operation(searched(query), {}, None) for query in queries(world))


def node_ids(type_: str, world: World) -> list[str]:
    if type_ == "Story":
        return list(world.stories_by_id)[:5]
    return sorted(id_ for id_, node in world.by_id.items() if type(node).__name__ == type_)[:5]


def below_nodes(schema: GraphQLSchema, type_: str, orders: Sequence[OrderBy]) -> str:
    asked = pages(schema, type_, 3, orders)
    return f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {type_} {{ {asked} }} }} }}"


def has(schema: GraphQLSchema, type_: str, field: str | None = None, argument: str | None = None) -> bool:
    found = schema.type_map.get(type_)
    if found is None or field is None:
        return found is not None
    fields = getattr(found, "fields", {})
    return field in fields and (argument is None or argument in fields[field].args)


def roots(schema: GraphQLSchema, orders: Sequence[OrderBy]) -> str:
    asked = [pages(schema, "Query", 9, orders), "last: articles(last: 2) { edges { cursor } }"]
    asked += [text for name in NAMED for text in named(schema, name)]
    if has(schema, "Query", "stories"):
        asked += [
            f"s{order}: stories(orderBy: {order}) {{ edges {{ cursor }} }}" for order in ("LATEST", "SIZE")
        ]
    if has(schema, "Query", "trending"):
        asked += [f't{half}: trending(halfLife: "{half}") {{ edges {{ cursor }} }}' for half in HALF_LIVES]
    if has(schema, "Query", "changes"):
        asked.append("changes(first: 9) { version nodes { version } }")
    return f"{{ {' '.join(asked)} }}"


def named(schema: GraphQLSchema, name: str) -> Iterator[str]:
    """Yield selections of a list of authors or providers in each order."""
    if not has(schema, "Query", name):
        return
    yield f"{name}(first: 9) {{ edges {{ cursor }} }}"
    if has(schema, "Query", name, "orderBy"):
        for field in NAMED[name]:
            for direction in ("ASC", "DESC"):
                order = f"{{field: {field}, direction: {direction}}}"
                yield f"{name}{field}{direction}: {name}(first: 9, orderBy: {order}) {{ edges {{ cursor }} }}"


def pages(
    schema: GraphQLSchema, type_: str, first: int, orders: Sequence[OrderBy], field: str = "articles"
) -> str:
    """Select the list of articles in each of the orders, of which the first is the default."""
    if not has(schema, type_, field, "orderBy"):
        orders = orders[:1]
    return " ".join(
        f"o{number}: {field}(first: {first}{order_text(order)}) {{ edges {{ cursor }} }}"
        for number, order in enumerate(orders)
    )


def order_text(order: Sequence[object]) -> str:
    return f", orderBy: {value_text(order)}" if order else ""


def queries(world: World) -> list[str]:
    """Return queries made of the first words of some titles."""
    titles = [one.title for one in world.articles if one.title.split()]
    chosen = titles[:: max(1, len(titles) // QUERIES)][:QUERIES]
    return [" OR ".join(dict.fromkeys(title.split()[:3])) for title in chosen]


def searched(query: str) -> str:
    return f"{{ search(query: {value_text(query)}, first: 9) {{ edges {{ cursor }} }} }}"
