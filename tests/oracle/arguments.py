"""Arguments of generated fields: their values, and whether a literal or a variable brings them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLNonNull,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_scalar_type,
)
from graphql.type import get_nullable_type

from .dice import Dice
from .document import value_text
from .values import UNKNOWN, Values

COUNTS = (2, 1, 3, 5, 2, 3, 20, 100, 0)
BAD_COUNTS = (-1, 101, 2147483647, -2147483648)
USUAL_PAGE = 20
USUAL_LIST = 3


@dataclass(frozen=True)
class Variable:
    """Brings `value` to positions of the type `position`; `declaration` is its text in the operation."""

    name: str
    declaration: str
    position: str
    value: Any


class Arguments:
    """Makes arguments, and keeps the variables that they take.

    `variables` is what the request sends; a variable left to its default, or absent, is not in it.
    """

    def __init__(self, dice: Dice, values: Values, *, bad: bool, null_for_default: int = 0) -> None:
        self._dice = dice
        self._values = values
        self._bad = bad
        self._null_for_default = null_for_default
        self._made: list[Variable] = []
        self.variables: dict[str, Any] = {}

    @property
    def declarations(self) -> list[str]:
        return [one.declaration for one in self._made]

    # ------------------------------------------------------------ values

    def values_for(self, parent: str, name: str, field: GraphQLField) -> dict[str, Any]:
        """Values of the arguments that are to be given; null where that is what is given."""
        place = f"{parent}.{name}"
        if get_named_type(field.type).name.endswith("Connection"):
            return self._page(place, field)
        return {
            key: value
            for key, argument in field.args.items()
            for value in self._one(f"{place}.{key}", key, argument)
        }

    def _page(self, place: str, field: GraphQLField) -> dict[str, Any]:
        dice = self._dice
        given: dict[str, Any] = {}
        count = "last" if "last" in field.args and dice.chance(35) else "first"
        if dice.chance(85):
            given[count] = dice.pick(COUNTS)
        for key in ("after", "before"):
            if key in field.args and dice.chance(20):
                given[key] = dice.pick([None, *self._values.cursors.get(place, ())])
        if dice.chance(5):
            given.setdefault("last" if count == "first" else "first", None)
        if self._bad and dice.chance(40):
            self._bad = False
            self._spoil_page(place, given)
        return {key: value for key, value in given.items() if key in field.args}

    def _spoil_page(self, place: str, given: dict[str, Any]) -> None:
        fault = self._dice.number(0, 3)
        if fault == 0:
            given.update(first=1, last=1)
        elif fault == 1:
            given.pop("last", None)
            given["first"] = self._dice.pick(BAD_COUNTS)
        else:
            key = "after" if fault == 2 else "before"
            given[key] = self._dice.pick(self._values.foreign_cursors(place))

    def _one(self, coordinate: str, key: str, argument: GraphQLArgument) -> list[Any]:
        """The value of one argument, in a list that is empty where it is not given."""
        dice = self._dice
        if not is_scalar_type(get_named_type(argument.type)):
            return []
        needed = is_non_null_type(argument.type) and argument.default is None
        if not needed and not dice.chance(50):
            return []
        if not is_non_null_type(argument.type) and dice.chance(8):
            return [None]
        if is_list_type(get_nullable_type(argument.type)):
            words = [self._word(coordinate) for _ in range(dice.pick((2, 1, 3, 5, 0)))]
            return [words + words[:1] if dice.chance(25) else words]
        kind = get_named_type(argument.type).name
        return [
            self._count()
            if kind == "Int"
            else dice.chance(50)
            if kind == "Boolean"
            else self._word(coordinate)
        ]

    def _count(self) -> int:
        if self._bad and self._dice.chance(40):
            self._bad = False
            return self._dice.pick((-1, -2147483648))
        return self._dice.pick(COUNTS)

    def _word(self, coordinate: str) -> str:
        known = self._values.known.get(coordinate, ())
        return self._dice.pick(UNKNOWN if not known or self._dice.chance(8) else known)

    def size(self, place: str, field: GraphQLField, given: Mapping[str, Any]) -> int:
        """How many elements the field gives at most; 1 for what is no list."""
        longest = self._values.sizes.get(place)
        counts = [given[key] for key in ("first", "last") if given.get(key) is not None]
        if get_named_type(field.type).name.endswith("Connection"):
            count = counts[0] if counts else USUAL_PAGE
        elif not is_list_type(get_nullable_type(field.type)):
            return 1
        elif "ids" in given:
            return len(given["ids"])
        else:
            count = counts[0] if counts else (longest or USUAL_LIST)
        return max(0, count if longest is None else min(count, longest))

    # ------------------------------------------------------------ texts

    def texts(self, field: GraphQLField, given: Mapping[str, Any]) -> tuple[str, ...]:
        """The arguments as they stand in the document."""
        texts = [f"{key}: {self._argument(value, field.args[key].type)}" for key, value in given.items()]
        for key, argument in field.args.items():
            if key not in given and not is_non_null_type(argument.type) and self._dice.chance(5):
                texts.append(f"{key}: ${self._absent(argument.type)}")
        return tuple(texts)

    def _argument(self, value: Any, type_: Any) -> str:
        """Its text: at times that of a variable whose null is an error that only execution finds."""
        if is_non_null_type(type_) and self._dice.chance(self._null_for_default):
            declared = str(get_nullable_type(type_))
            name = self._declare(declared, f" = {value_text(value)}", "", None)
            self.variables[name] = None
            return f"${name}"
        return self.text(value, type_)

    def text(self, value: Any, type_: Any) -> str:
        """A literal, a variable, or a list in which some items are variables."""
        if self._dice.chance(40):
            return f"${self._variable(value, type_)}"
        nullable = get_nullable_type(type_)
        if isinstance(value, list) and is_list_type(nullable):
            return f"[{', '.join(self.text(item, nullable.of_type) for item in value)}]"
        return value_text(value)

    def _absent(self, type_: Any) -> str:
        return self._declare(str(type_), "", str(type_), None)

    def _variable(self, value: Any, type_: Any) -> str:
        """The name of a variable that brings `value` to a position of `type_`."""
        position = str(type_)
        for made in self._made:
            if made.position == position and type(made.value) is type(value) and made.value == value:
                return made.name
        return self._new_variable(value, type_, position)

    def _new_variable(self, value: Any, type_: Any, position: str) -> str:
        dice = self._dice
        declared = str(get_nullable_type(type_)) if isinstance(type_, GraphQLNonNull) else position
        if value is not None and dice.chance(25):  # left to its default
            return self._declare(declared, f" = {value_text(value)}", position, value)
        if value is None and position == declared and dice.chance(50):
            name = self._declare(declared, "", position, value)
        elif value is None:
            name = self._declare(declared, " = null", position, value)
        elif dice.chance(25):
            name = self._declare(declared, f" = {value_text(decoy(value))}", position, value)
        else:
            name = self._declare(f"{declared}!", "", position, value)
        self.variables[name] = value
        return name

    def _declare(self, declared: str, default: str, position: str, value: Any) -> str:
        name = f"v{len(self._made) + 1}"
        self._made.append(Variable(name, f"${name}: {declared}{default}", position, value))
        return name


def decoy(value: Any) -> Any:
    """A default that the value sent must override."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return 1
    return "decoy" if isinstance(value, str) else []
