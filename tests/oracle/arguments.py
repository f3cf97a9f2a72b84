"""Arguments of generated fields: their values, and whether each is a literal or a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from graphql.type import get_nullable_type

from .dice import Dice
from .document import Name, object_text, value_text
from .inputs import SEARCHED, Inputs
from .spoiling import spoil
from .values import UNKNOWN, Values

COUNTS = (2, 1, 3, 5, 2, 3, 20, 100, 0)
PAGE = frozenset({"first", "last", "after", "before"})
COUNTED = frozenset({"first", "offset"})
WORDS = frozenset({"String", "ID", "URL"})
DEFAULT_PAGE_SIZE = 20
DEFAULT_CHANGES = 100
DEFAULT_LIST_SIZE = 3


@dataclass(frozen=True)
class Variable:
    """A variable and its value for positions of type `position`; `declaration` is its declaration."""

    name: str
    declaration: str
    position: str
    value: Any


class Arguments:
    """Generates arguments, and collects their variables.

    `variables` is what the request sends, without variables that are absent or left to their default.
    """

    def __init__(self, dice: Dice, values: Values, *, bad: bool, null_for_default: int = 0) -> None:
        self._dice = dice
        self._values = values
        self._bad = bad
        self._null_for_default = null_for_default
        self._inputs = Inputs(dice, values)
        self._made: list[Variable] = []
        self.variables: dict[str, Any] = {}

    @property
    def declarations(self) -> list[str]:
        return [one.declaration for one in self._made]

    # ------------------------------------------------------------ values

    def values_for(self, parent: str, name: str, field: GraphQLField) -> dict[str, Any]:
        """Return the arguments that the field is given, null included."""
        place = f"{parent}.{name}"
        connection = get_named_type(field.type).name.endswith("Connection")
        given = {
            key: value
            for key, argument in field.args.items()
            if not (connection and key in PAGE)
            for value in self._one(f"{place}.{key}", key, argument)
        }
        if connection:
            given |= self._page(place, field, given)
        if self._bad and self._dice.chance(40) and spoil(self._dice, self._values, field, given):
            self._bad = False
        return given

    def _page(self, place: str, field: GraphQLField, asked: Mapping[str, Any]) -> dict[str, Any]:
        dice = self._dice
        given: dict[str, Any] = {}
        count = "last" if "last" in field.args and dice.chance(35) else "first"
        if dice.chance(85):
            given[count] = dice.pick(COUNTS)
        known = self._values.cursors_at(place, asked)
        for key in ("after", "before"):
            if key in field.args and dice.chance(20):
                given[key] = dice.pick([None, *known])
        if dice.chance(5):
            given.setdefault("last" if count == "first" else "first", None)
        return {key: value for key, value in given.items() if key in field.args}

    def _one(self, coordinate: str, key: str, argument: GraphQLArgument) -> list[Any]:
        """Return one argument's value in a list, which is empty if the argument is omitted."""
        dice = self._dice
        needed = is_non_null_type(argument.type) and argument.default is None
        fixed = self._values.known.get(coordinate)
        is_enum = isinstance(get_named_type(argument.type), GraphQLEnumType)
        if not needed and not dice.chance(97 if is_enum and fixed is not None else 50):
            return []
        if not is_non_null_type(argument.type) and dice.chance(8):
            return [None]
        return [self._value(coordinate, key, argument.type)]

    def _value(self, coordinate: str, key: str, type_: Any) -> Any:
        dice = self._dice
        if key == "orderBy" and is_list_type(type_) and dice.chance(60):
            return list(dice.pick(self._values.orders))
        if key == "ids":
            words = [self._word(coordinate) for _ in range(dice.pick((2, 1, 3, 5, 0)))]
            return words + words[:1] if dice.chance(25) else words
        if key in COUNTED:
            return self._count()
        if get_named_type(type_).name in WORDS and coordinate not in SEARCHED:
            return self._word(coordinate)
        return self._inputs.value(type_, coordinate)

    def _count(self) -> int:
        if self._bad and self._dice.chance(40):
            self._bad = False
            return self._dice.pick((-1, -2147483648))
        return self._dice.pick(COUNTS)

    def _word(self, coordinate: str) -> str:
        known = self._values.known.get(coordinate, ())
        return self._dice.pick(UNKNOWN if not known or self._dice.chance(8) else known)

    def size(self, place: str, field: GraphQLField, given: Mapping[str, Any]) -> int:
        """Return the largest number of elements that the field can return; 1 if it is not a list."""
        longest = self._values.sizes.get(place)
        counts = [given[key] for key in ("first", "last") if given.get(key) is not None]
        returned = get_named_type(field.type).name
        if returned == "ChangeSet":
            count = counts[0] if counts else DEFAULT_CHANGES
        elif returned.endswith("Connection"):
            count = counts[0] if counts else DEFAULT_PAGE_SIZE
        elif not is_list_type(get_nullable_type(field.type)):
            return 1
        elif "ids" in given:
            return len(given["ids"])
        else:
            count = counts[0] if counts else (longest or DEFAULT_LIST_SIZE)
        return max(0, count if longest is None else min(count, longest))

    # ------------------------------------------------------------ texts

    def texts(self, field: GraphQLField, given: Mapping[str, Any], *, root: bool) -> tuple[str, ...]:
        """Return the arguments as document text; `root` says whether they belong to a root field."""
        write = self._argument if root else self.text
        texts = [f"{key}: {write(value, field.args[key].type)}" for key, value in given.items()]
        for key, argument in field.args.items():
            if key not in given and not is_non_null_type(argument.type) and self._dice.chance(5):
                texts.append(f"{key}: ${self._absent(argument.type)}")
        return tuple(texts)

    def _argument(self, value: Any, type_: Any) -> str:
        """Return an argument's text, in some cases a variable whose null fails only during execution.

        Only for root fields: below them, gqlnews nulls the root field, as docs/errors.md says.
        """
        if is_non_null_type(type_) and self._dice.chance(self._null_for_default):
            declared = str(get_nullable_type(type_))
            name = self._declare(declared, f" = {value_text(value)}", "", None)
            self.variables[name] = None
            return f"${name}"
        return self.text(value, type_)

    def text(self, value: Any, type_: Any) -> str:
        """Return a literal, a variable, or a list in which some items are variables."""
        if self._dice.chance(40):
            return f"${self._variable(value, type_)}"
        nullable = get_nullable_type(type_)
        if isinstance(value, list) and is_list_type(nullable):
            return f"[{', '.join(self.text(item, nullable.of_type) for item in value)}]"
        if isinstance(value, dict) and isinstance(nullable, GraphQLInputObjectType):
            return self._object(value, nullable)
        return value_text(value)

    def _object(self, value: Mapping[str, Any], type_: GraphQLInputObjectType) -> str:
        """Return an object's text, in which some fields are absent variables."""
        texts = {name: self.text(one, type_.fields[name].type) for name, one in value.items()}
        for name, field in type_.fields.items():
            if name not in value and not is_non_null_type(field.type) and self._dice.chance(1):
                texts[name] = f"${self._absent(field.type)}"
        return object_text(texts)

    def _absent(self, type_: Any) -> str:
        return self._declare(str(type_), "", str(type_), None)

    def _variable(self, value: Any, type_: Any) -> str:
        """Return the name of a variable that has `value` and fits a position of `type_`."""
        position = str(type_)
        for made in self._made:
            if made.position == position and type(made.value) is type(value) and made.value == value:
                return made.name
        return self._new_variable(value, type_, position)

    def _new_variable(self, value: Any, type_: Any, position: str) -> str:
        dice = self._dice
        declared = str(get_nullable_type(type_)) if isinstance(type_, GraphQLNonNull) else position
        if value is not None and dice.chance(25):  # uses its default
            return self._declare(declared, f" = {value_text(value)}", position, value)
        if value is None and position == declared and dice.chance(50):
            name = self._declare(declared, "", position, value)
        elif value is None:
            name = self._declare(declared, " = null", position, value)
        elif dice.chance(25):
            name = self._declare(
                declared, f" = {value_text(decoy(value, get_named_type(type_).name))}", position, value
            )
        else:
            name = self._declare(f"{declared}!", "", position, value)
        self.variables[name] = value
        return name

    def _declare(self, declared: str, default: str, position: str, value: Any) -> str:
        name = f"v{len(self._made) + 1}"
        self._made.append(Variable(name, f"${name}: {declared}{default}", position, value))
        return name


def decoy(value: Any, kind: str) -> Any:
    """Return a default that the sent value must override."""
    if isinstance(value, (Name, list, bool)):
        return [] if isinstance(value, list) else value if isinstance(value, Name) else not value
    if isinstance(value, (int, float)):
        return 1
    if isinstance(value, dict):
        direction = Name("DESC" if value.get("direction") == "ASC" else "ASC")
        return {"field": value["field"], "direction": direction} if "field" in value else {}
    return {"DateTime": "2000-01-01", "Duration": "PT7S"}.get(kind, "decoy")
