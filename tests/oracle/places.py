"""The order that each connection is in, by its arguments: a cursor holds for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .durations import read_duration
from .orders import NEWEST, OLDEST, Order, order_of
from .terms import parse

USUAL_ORDER = {"Story.articles": OLDEST}


def article_order(place: str, args: Mapping[str, Any]) -> Order:
    return order_of(args.get("orderBy"), USUAL_ORDER.get(place, NEWEST))


def order_at(place: str, args: Mapping[str, Any]) -> tuple[Any, ...]:
    """The order, as a cursor keeps it. The arguments are coerced, and were found good."""
    match place:
        case "Query.providers":
            return ()
        case "Query.stories":
            return (args["orderBy"],)
        case "Query.search":
            return (parse(args["query"]),)
        case "Query.trending":
            return (read_duration(args["halfLife"]),)
    return article_order(place, args)
