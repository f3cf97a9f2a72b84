"""Values and orders of own fields for generated requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .document import Name
from .instants import of_nanoseconds
from .own_fields import Declared, OwnField
from .records import Article
from .values import ORDERS, OrderBy, Values, spread


def own_orders(declared: Declared, audience: str) -> tuple[OrderBy, ...]:
    """Return the orders to learn cursors for: the default, and some by own fields that are visible."""
    fields = [one for one in declared.fields if one.order and not one.is_hidden(audience)]
    found: list[OrderBy] = [(), ORDERS[3]]
    for one, other in zip(fields, [*fields[1:], *fields[:1]], strict=True):
        found.append(({"field": Name(one.order_name), "direction": Name("ASC"), "nulls": Name("FIRST")},))
        found.append(
            ({"field": Name(one.order_name)}, {"field": Name(other.order_name), "direction": Name("ASC")})
        )
    return tuple(found)


def with_own_fields(values: Values, content: Sequence[Article], declared: Declared) -> Values:
    """Add the values of own fields."""
    known, numbers, dates, sizes = (
        dict(values.known),
        dict(values.numbers),
        dict(values.dates),
        dict(values.sizes),
    )
    for field in declared.fields:
        name = f"ArticleFilter.{field.name}"
        known[name] = spread(text for one in content for text in one.own[field.name].texts)
        sizes[f"ArticleFacets.{field.name}"] = len(known[name])
        compared = spread(compared_values(field, content))
        if field.type in {"Date", "DateTime"}:
            dates[name] = [of_nanoseconds(int(value)) for value in compared]
        else:
            numbers[name] = compared
    return replace(
        values,
        known=known,
        numbers=numbers,
        dates=dates,
        sizes=sizes,
        orders=own_orders(declared, "editor"),
        preferred=tuple(one.name for one in declared.fields),
    )


def compared_values(field: OwnField, content: Sequence[Article]) -> list[float]:
    found = (one.own[field.name].compared for one in content)
    return [value for value in found if value is not None and not isinstance(value, str)]
