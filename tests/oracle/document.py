"""A request's document as a small tree, and its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from graphql.language.print_string import print_string


class Operation(NamedTuple):
    """A request: document, variables, and operation name."""

    document: str
    variables: dict[str, Any]
    name: str | None


@dataclass(frozen=True)
class Field:
    alias: str | None
    name: str
    arguments: tuple[str, ...]
    directives: tuple[str, ...]
    selections: tuple[Selection, ...] | None

    @property
    def key(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True)
class Inline:
    on: str | None
    directives: tuple[str, ...]
    selections: tuple[Selection, ...]


@dataclass(frozen=True)
class Spread:
    fragment: Fragment
    directives: tuple[str, ...]


@dataclass(frozen=True)
class Fragment:
    """A fragment. `cost` is the number of values that it adds to a response per object."""

    name: str
    on: str
    selections: tuple[Selection, ...]
    cost: int


Selection: TypeAlias = Field | Inline | Spread


def set_text(selections: Iterable[Selection]) -> str:
    return "{ " + " ".join(selection_text(one) for one in selections) + " }"


def selection_text(selection: Selection) -> str:
    directives = "".join(f" {one}" for one in selection.directives)
    if isinstance(selection, Spread):
        return f"...{selection.fragment.name}{directives}"
    if isinstance(selection, Inline):
        condition = f" on {selection.on}" if selection.on else ""
        return f"...{condition}{directives} {set_text(selection.selections)}"
    alias = f"{selection.alias}: " if selection.alias else ""
    arguments = f"({', '.join(selection.arguments)})" if selection.arguments else ""
    below = f" {set_text(selection.selections)}" if selection.selections else ""
    return f"{alias}{selection.name}{arguments}{directives}{below}"


def fragment_text(fragment: Fragment) -> str:
    return f"fragment {fragment.name} on {fragment.on} {set_text(fragment.selections)}"


class Name(str):
    """An enum value: a string in a variable, an unquoted name in a document."""

    __slots__ = ()


def object_text(texts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {text}" for name, text in texts.items()) + "}"


def value_text(value: Any) -> str:
    """Format a literal: strings, enum values, numbers, booleans, null, and lists and objects of these."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float, Name)):
        return str(value)
    if isinstance(value, str):
        return print_string(value)
    if isinstance(value, Mapping):
        return object_text({name: value_text(one) for name, one in value.items()})
    assert isinstance(value, Sequence)
    return f"[{', '.join(value_text(item) for item in value)}]"
