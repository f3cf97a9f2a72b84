"""Values of input types for generated requests, by type definition: filters, orders, enums, dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from graphql.type import get_nullable_type

from .dates import SPANS, date_text
from .dice import Dice
from .document import Name
from .searches import search_text
from .values import UNKNOWN, Values

NESTED = ("and", "or", "not")
MAX_DEPTH = 3
NUMBERS = (0, 1, -1, 39, 2147483647, -2147483648)
CASES: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.swapcase)
SEARCHED = frozenset({"ArticleFilter.matches", "Query.search.query"})


class Inputs:
    """Generates values. `coordinate` says where they belong, e.g. `ArticleFilter.title.contains`."""

    def __init__(self, dice: Dice, values: Values) -> None:
        self._dice = dice
        self._values = values

    def value(self, type_: Any, coordinate: str, depth: int = MAX_DEPTH) -> Any:
        dice = self._dice
        nullable = get_nullable_type(type_)
        if is_list_type(nullable):
            count = dice.pick((1, 2, 1, 3, 0))
            return [self.value(nullable.of_type, coordinate, depth) for _ in range(count)]
        if isinstance(nullable, GraphQLEnumType):
            known = self._values.known.get(coordinate)
            chosen = known if known and not dice.chance(4) else list(nullable.values)
            return Name(dice.pick(chosen))
        if isinstance(nullable, GraphQLInputObjectType):
            return self._object(nullable, coordinate, depth)
        return self._scalar(get_named_type(type_).name, coordinate)

    # ------------------------------------------------------------ objects

    def _object(self, type_: GraphQLInputObjectType, coordinate: str, depth: int) -> dict[str, Any]:
        """Generate an object with all required and some optional fields."""
        needed = [name for name, one in type_.fields.items() if is_needed(one)]
        others = [name for name in type_.fields if name not in needed and (depth or name not in NESTED)]
        others += [name for name in others if name in self._values.preferred] * 2
        wanted = [self._dice.pick(others) for _ in range(self._dice.pick((1, 1, 2, 1, 3, 0)))]
        made: dict[str, Any] = {}
        for name in dict.fromkeys([*needed, *wanted]):
            field = type_.fields[name]
            within = f"{type_.name if type_.name.startswith(('Article', 'Provider')) else coordinate}.{name}"
            null = not is_non_null_type(field.type) and self._dice.chance(6)
            made[name] = None if null else self.value(field.type, within, depth - (name in NESTED))
        return made

    # ------------------------------------------------------------ scalars

    def _scalar(self, kind: str, coordinate: str) -> Any:
        dice = self._dice
        of, _, operator = coordinate.rpartition(".")
        if kind == "Boolean":
            return dice.chance(50)
        if kind == "Duration":
            return dice.pick([*self._values.spans, *SPANS] if operator == "withinLast" else SPANS)
        if kind == "DateTime":
            return date_text(dice, self._values.dates.get(of) or self._values.published)
        if kind in {"Int", "Float"}:
            return self._number(of)
        return self._search() if coordinate in SEARCHED else self._text(of, operator)

    def _search(self) -> str:
        known = self._values.queries
        if known and self._dice.chance(30):
            return self._dice.pick(known)
        return search_text(self._dice, self._values.texts)

    def _number(self, of: str) -> float:
        known = self._values.numbers.get(of, ())
        if not known or self._dice.chance(15):
            return self._dice.pick(NUMBERS)
        number = self._dice.pick(known)
        if isinstance(number, float):
            return number + self._dice.pick((0, 0, 0.5, -0.5))
        return max(-(2**31), min(2**31 - 1, number + self._dice.pick((0, 0, 1, -1))))

    def _text(self, of: str, operator: str) -> str:
        """Return a value of the content, or a part of one if the operator searches for parts."""
        dice = self._dice
        known = self._values.known.get(of, ())
        text = dice.pick(UNKNOWN if not known or dice.chance(8) else known)
        if operator not in {"startsWith", "contains"} or dice.chance(10):
            return text
        start = dice.number(0, max(0, len(text) - 1)) if operator == "contains" else 0
        part = text[start : start + dice.pick((3, 1, 2, 5, 20))]
        return dice.pick(CASES)(part)


def is_needed(field: GraphQLInputField) -> bool:
    return is_non_null_type(field.type) and field.default is None
