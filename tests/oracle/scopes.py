"""Which fields may share a response key.

A Scope stands for all selection sets that merge into one object of the response. Its rules are those of
"Field Selection Merging" in the specification, slightly stricter where that is simpler: fields of
mutually exclusive object types may share a key only if they return the same type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSchema, get_named_type, is_abstract_type, is_composite_type, is_object_type

from .document import Field, Selection, Spread

UNBOUNDED = 1_000_000


@dataclass(frozen=True)
class Use:
    """A field in a selection on the type `parent`."""

    parent: Any
    name: str
    arguments: tuple[str, ...]
    returns: str

    def agrees(self, other: Use) -> bool:
        objects = is_object_type(self.parent) and is_object_type(other.parent)
        apart = objects and self.parent is not other.parent
        same = self.name == other.name and self.arguments == other.arguments
        return self.returns == other.returns and (apart or same)


@dataclass
class Entry:
    """One response key: its uses, the largest size of its value, and the scope below it."""

    size: int
    uses: list[Use] = field(default_factory=list)
    below: Scope = field(default_factory=lambda: Scope())  # noqa: PLW0108 - Scope is defined below


@dataclass
class Scope:
    entries: dict[str, Entry] = field(default_factory=dict)

    def fits(self, key: str, use: Use) -> bool:
        return key not in self.entries or all(use.agrees(other) for other in self.entries[key].uses)

    def add(self, key: str, use: Use, size: int) -> Entry:
        entry = self.entries.setdefault(key, Entry(size))
        entry.uses.append(use)
        entry.size = max(entry.size, size)
        return entry


def merges(schema: GraphQLSchema, scope: Scope, parent: Any, selections: Iterable[Selection]) -> bool:
    """Whether selections made elsewhere on the type `parent` are compatible with the scope."""
    return all(merges_one(schema, scope, parent, selection) for selection in selections)


def merges_one(schema: GraphQLSchema, scope: Scope, parent: Any, selection: Selection) -> bool:
    if not isinstance(selection, Field):
        return merges(schema, scope, *inside(schema, parent, selection))
    use, returned = use_of(schema, parent, selection)
    if not scope.fits(selection.key, use):
        return False
    entry = scope.entries.get(selection.key)
    return entry is None or merges(schema, entry.below, returned, selection.selections or ())


def merge(schema: GraphQLSchema, scope: Scope, parent: Any, selections: Iterable[Selection]) -> None:
    """Add compatible selections to the scope. The sizes of their lists count as unbounded."""
    for selection in selections:
        if isinstance(selection, Field):
            use, returned = use_of(schema, parent, selection)
            entry = scope.add(selection.key, use, UNBOUNDED)
            merge(schema, entry.below, returned, selection.selections or ())
        else:
            merge(schema, scope, *inside(schema, parent, selection))


def inside(schema: GraphQLSchema, parent: Any, selection: Selection) -> tuple[Any, tuple[Selection, ...]]:
    """Return the type and the selections of a fragment."""
    assert not isinstance(selection, Field)
    if isinstance(selection, Spread):
        return schema.get_type(selection.fragment.on), selection.fragment.selections
    return schema.get_type(selection.on) if selection.on else parent, selection.selections


def use_of(schema: GraphQLSchema, parent: Any, selection: Field) -> tuple[Use, Any]:
    """Return the selection as a Use, and the named type that it returns."""
    definition = schema.get_field(parent, selection.name)
    assert definition is not None
    use = Use(parent, selection.name, selection.arguments, str(definition.type))
    return use, get_named_type(definition.type)


def conditions(schema: GraphQLSchema, parent: Any) -> list[Any]:
    """Return the types that a fragment below `parent` may name: those that share an object type with it."""
    possible = possible_names(schema, parent)
    others = [
        one
        for one in schema.type_map.values()
        if one is not parent and is_composite_type(one) and possible_names(schema, one) & possible
    ]
    return [parent, *others]


def possible_names(schema: GraphQLSchema, type_: Any) -> set[str]:
    if is_object_type(type_):
        return {type_.name}
    assert is_abstract_type(type_)
    return {one.name for one in schema.get_possible_types(type_)}
