"""Invalid arguments, with one fault at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLField, get_named_type

from .dates import BAD_DATES, BAD_DURATIONS
from .dice import Dice
from .values import Values

BAD_COUNTS = (-1, 101, 2147483647, -2147483648)
BAD_VERSIONS = ("", "no version", "☃", "-", "é\0")

Given = dict[str, Any]


def spoil(dice: Dice, values: Values, field: GraphQLField, given: Given) -> bool:
    """Add one fault to the arguments, if the field has an argument that can be invalid."""
    faults = possible(dice, field.args)
    if get_named_type(field.type).name.endswith("Connection"):
        faults += [lambda given: spoil_page(dice, values, field.args, given)] * 2
    if faults:
        dice.pick(faults)(given)
    return bool(faults)


def possible(dice: Dice, args: Mapping[str, Any]) -> list[Callable[[Given], None]]:
    """Return ways to invalidate each of the field's arguments."""
    ways: dict[str, Callable[[Given], None]] = {
        "halfLife": lambda given: given.update(halfLife=dice.pick(BAD_DURATIONS)),
        "asOf": lambda given: given.update(asOf=dice.pick(BAD_DATES)),
        "since": lambda given: given.update(since=dice.pick(BAD_VERSIONS)),
    }
    found = [way for name, way in ways.items() if name in args]
    if "where" in args and get_named_type(args["where"].type).name == "ArticleFilter":
        found.append(lambda given: given.update(where=bad_filter(dice)))
    return found


def bad_filter(dice: Dice) -> dict[str, Any]:
    fault = dice.number(0, 5)
    if fault < 2:
        return {"publishedDateTime": {dice.pick(("gt", "eq", "lte")): dice.pick(BAD_DATES)}}
    if fault == 2:
        name = dice.pick(("updatedAt", "modifiedDateTime"))
        return {"not": {"or": [{}, {name: {"lt": dice.pick(BAD_DATES)}}]}}
    if fault == 3:
        return {"and": [{"publishedDateTime": {"withinLast": dice.pick(BAD_DURATIONS)}}]}
    if fault == 4:
        return {"or": [{"quality": {"eq": number}} for number in range(450)]}
    deep: dict[str, Any] = {}
    for _ in range(45):
        deep = {"not": deep}
    return deep


def spoil_page(dice: Dice, values: Values, args: Mapping[str, Any], given: Given) -> None:
    fault = dice.number(0, 3)
    if fault == 0 and "last" in args:
        given.update(first=1, last=1)
    elif fault in {0, 1}:
        given.pop("last", None)
        given["first"] = dice.pick(BAD_COUNTS)
    else:
        key = "before" if fault == 3 and "before" in args else "after"
        given[key] = dice.pick(values.foreign_cursors())
