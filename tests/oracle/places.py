"""The order of each connection, by its arguments. A cursor is valid for one order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .durations import read_duration
from .orders import NEWEST, OLDEST, Order, name_order, order_of
from .terms import parse

USUAL_NAME_ORDER = {"Query.authors": "NAME", "Query.providers": "DOMAIN"}
USUAL_ORDER = {"Story.articles": OLDEST}


def article_order(place: str, args: Mapping[str, Any]) -> Order:
    return order_of(args.get("orderBy"), USUAL_ORDER.get(place, NEWEST))


def order_at(place: str, args: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the order, as stored in cursors. The arguments are coerced and valid."""
    match place:
        case "Query.authors" | "Query.providers":
            return name_order(args.get("orderBy"), USUAL_NAME_ORDER[place])
        case "Query.stories":
            return (args["orderBy"],)
        case "Query.search":
            return (parse(args["query"]),)
        case "Query.trending":
            return (read_duration(args["halfLife"]),)
    return article_order(place, args)
