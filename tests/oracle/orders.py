"""`orderBy`: sort keys of articles, which compare ascending."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from .own_fields import order_name
from .records import Article

Term: TypeAlias = tuple[str, str, str]  # field, ASC or DESC, nulls FIRST or LAST
Order: TypeAlias = tuple[Term, ...]
Key: TypeAlias = tuple[Any, ...]

NEWEST: Order = (("PUBLISHED_DATE_TIME", "DESC", "LAST"),)
OLDEST: Order = (("PUBLISHED_DATE_TIME", "ASC", "LAST"),)
NEVER_MISSING = frozenset({"PUBLISHED_DATE_TIME", "UPDATED_AT", "TITLE"})


def order_of(order_by: Sequence[Mapping[str, str]] | None, usual: Order) -> Order:
    """Return the requested order, without repeated fields.

    For fields that are never missing, `nulls` is ignored too.
    """
    terms: dict[str, Term] = {}
    for one in order_by or ():
        field = str(one["field"])
        nulls = one.get("nulls", "LAST") if field not in NEVER_MISSING else "LAST"
        terms.setdefault(field, (field, one.get("direction", "DESC"), nulls))
    return tuple(terms.values()) or usual


def name_order(order_by: Mapping[str, str] | None, usual: str) -> tuple[str, str]:
    """Return field and direction of the order of authors, topics or providers."""
    asked = order_by or {}
    return str(asked.get("field", usual)), str(asked.get("direction", "ASC"))


def named_key(order: tuple[str, str], name: str, last: str, count: int) -> Key:
    """Return the key of an author, topic or provider; the last part, its natural key, breaks ties."""
    field, direction = order
    return (directed(count if field == "COUNT" else name, direction), last)


def key_of(article: Article, order: Order) -> Key:
    return (*(part(article, *term) for term in order), article.slug)


def part(article: Article, field: str, direction: str, nulls: str) -> Key:
    """Return one term's part of the key: the position relative to nulls, then the value."""
    value = value_of(article, field)
    if value is None:
        return (0 if nulls == "FIRST" else 2, 0)
    return (1, directed(value, direction))


def directed(value: str | float, direction: str) -> Any:
    """Return a key that compares ascending in this direction."""
    if direction == "ASC":
        return value
    return downwards(value) if isinstance(value, str) else -value


def downwards(text: str) -> tuple[int, ...]:
    """Return a key that compares in reverse text order: a longer text comes before its prefix."""
    return (*(-ord(letter) for letter in text), 1)


def value_of(article: Article, field: str) -> str | float | None:
    if field in VALUES:
        return VALUES[field](article)
    return next(value.compared for name, value in article.own.items() if order_name(name) == field)


VALUES: dict[str, Callable[[Article], str | int | None]] = {
    "PUBLISHED_DATE_TIME": lambda article: article.published.nanoseconds,
    "MODIFIED_DATE_TIME": lambda article: article.modified.nanoseconds if article.modified else None,
    "UPDATED_AT": lambda article: article.updated.nanoseconds,
    "QUALITY": lambda article: article.quality,
    "HEAT": lambda article: article.heat,
    "TITLE": lambda article: article.title,
}
