"""Valid requests over a schema, as a Hypothesis strategy.

1. A selection set is generated into a Scope, which knows the response keys that merge with it.
2. A field gets a key that is free there, or one that the same field has with the same arguments.
3. The number of values in a response is bounded: each field costs the product of the list lengths above
   it.
4. A fragment is generated at its first spread, and spread again wherever it is compatible with the
   scope.
5. The operation declares the variables that fragments, directives and arguments use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)
from hypothesis.strategies import SearchStrategy

from .arguments import Arguments
from .dice import Dice, tapes
from .document import Field, Fragment, Inline, Operation, Selection, Spread, fragment_text, set_text
from .scopes import Scope, Use, conditions, merge, merges
from .values import Values

LISTS = ("Connection", "Edge")  # twice as likely as other types
PREFERRED = frozenset(  # chosen more often than by chance
    {"search", "snippet", "score", "drift", "edges"}
    | {"authors", "section", "translations", "next", "previous"}
)
ALIASES = ("a", "b", "c", "id", "title", "edges", "data")
CONDITION = GraphQLNonNull(GraphQLBoolean)


@dataclass(frozen=True)
class Options:
    """Limits of generated requests.

    - `leave_out`: fields that are never selected, as `Type.field`; `preferred`: names of fields that are
      selected more often than by chance.
    - `cost`: the number of values in a response.
    - `width`: the product of the list lengths on one path.
    - `fields`: the number of fields in the document.
    - `bad_arguments`: the percentage of requests with an invalid argument.
    - `null_for_default`: the percentage of non-null arguments that get a variable with a default that
      is sent as null. That is valid, and an error of that field only.
    """

    depth: int = 9
    cost: int = 2500
    width: int = 250
    fields: int = 120
    bad_arguments: int = 12
    null_for_default: int = 0
    leave_out: frozenset[str] = frozenset()
    preferred: frozenset[str] = PREFERRED


def operations(
    schema: GraphQLSchema, values: Values, options: Options | None = None
) -> SearchStrategy[Operation]:
    """Return valid requests over `schema`, some of which have an invalid argument value."""
    asked = options or Options()
    return tapes().map(lambda tape: Writer(Dice(tape), schema, values, asked).operation())


@dataclass(frozen=True)
class Place:
    """Where a selection set is generated: type, scope, remaining depth, and number of objects."""

    parent: Any
    scope: Scope
    depth: int
    many: int


class Writer:
    def __init__(self, dice: Dice, schema: GraphQLSchema, values: Values, options: Options) -> None:
        self._dice = dice
        self._schema = schema
        self._options = options
        self._arguments = Arguments(
            dice, values, bad=dice.chance(options.bad_arguments), null_for_default=options.null_for_default
        )
        self._fragments: list[Fragment] = []
        self._names = 0
        self._spent = 0
        self._written = 0

    def operation(self) -> Operation:
        """Generate the request, sometimes with a second operation in its document."""
        dice = self._dice
        root = Place(self._schema.query_type, Scope(), self._options.depth, 1)
        body = set_text(self._selections(root))
        declared = self._arguments.declarations
        variables = f"({', '.join(declared)})" if declared else ""
        name = "Asked" if dice.chance(40) else None
        texts = [f"query {name or ''}{variables} {body}" if declared or name else body]
        if name and dice.chance(30):
            texts.insert(dice.number(0, 1), "query Other { __typename }")
        texts += [fragment_text(one) for one in self._fragments]
        several = len(texts) > 1 + len(self._fragments)
        asked = name if several or dice.chance(50) else None
        return Operation("\n".join(texts), self._arguments.variables, asked)

    # ------------------------------------------------------------ selections

    def _selections(self, place: Place) -> tuple[Selection, ...]:
        wanted = self._dice.number(1, min(5, 1 + len(place.parent.fields)))
        written = tuple(one for number in range(wanted) for one in self._selection(place, first=number == 0))
        if self._dice.chance(40):
            written += self._leaves(place)
        return written or (self._field(place, "__typename", None),)

    def _leaves(self, place: Place) -> tuple[Selection, ...]:
        """Select many plain fields by one decision, within the limits."""
        names = [
            name
            for name, one in self._fields(place.parent).items()
            if not one.args and not is_composite_type(get_named_type(one.type))
        ]
        chosen = self._dice.number(0, 2 ** len(names) - 1)
        room = max(0, (self._options.cost - self._spent) // place.many)
        wanted = [name for number, name in enumerate(names) if chosen >> number & 1][:room]
        return tuple(self._field(place, name, place.parent.fields[name], bare=True) for name in wanted)

    def _selection(self, place: Place, *, first: bool) -> Iterator[Selection]:
        """Yield one selection, or none if the limits are reached."""
        dice = self._dice
        if self._spent + place.many > self._options.cost or self._written >= self._options.fields:
            return
        if place.depth > 0 and dice.chance(22):
            yield self._fragment(place)
        elif dice.chance(5):
            yield self._field(place, "__typename", None)
        else:
            deeper = first and dice.chance(75)
            name = self._pick_field(place, deeper=deeper)
            yield self._field(place, name, None if name == "__typename" else place.parent.fields[name])

    def _pick_field(self, place: Place, *, deeper: bool) -> str:
        """Choose a field; with `deeper`, one that has selections, if possible."""
        fields = self._fields(place.parent)
        sought = [name for name in fields if name in self._options.preferred and place.depth > 0]
        if sought and self._dice.chance(25):
            return self._dice.pick(sought)
        composite = [name for name, one in fields.items() if is_composite_type(get_named_type(one.type))]
        leaves = [name for name in fields if name not in composite]
        if composite and place.depth > 0 and (deeper or not leaves or self._dice.chance(35)):
            links = [name for name in composite if self._has_subfields(fields[name])]
            links += [name for name in links if get_named_type(fields[name].type).name.endswith(LISTS)]
            return self._dice.pick(links if links and self._dice.chance(65) else composite)
        return self._dice.pick(leaves) if leaves else "__typename"

    def _fields(self, parent: Any) -> dict[str, GraphQLField]:
        """Return the fields that may be selected."""
        left_out = self._options.leave_out
        return {name: one for name, one in parent.fields.items() if f"{parent.name}.{name}" not in left_out}

    def _has_subfields(self, field: GraphQLField) -> bool:
        """Whether the field's type has fields with selections."""
        returned: Any = get_named_type(field.type)
        return is_abstract_type(returned) or any(
            is_composite_type(get_named_type(one.type)) for one in returned.fields.values()
        )

    # ------------------------------------------------------------ fields

    def _field(self, place: Place, name: str, field: GraphQLField | None, *, bare: bool = False) -> Field:
        """Generate a field. `field` is None for `__typename`; a `bare` one has no directives."""
        self._written += 1
        directives = () if bare else self._directives()
        if field is None:
            return self._plain(place, name, directives)
        again = None if bare else self._repeat_field(place, name)
        if again is not None:
            key, arguments, size = again
        else:
            arguments, size = self._new_arguments(place, name, field)
            key = self._key(place.scope, Use(place.parent, name, arguments, str(field.type)), plain=bare)
        use = Use(place.parent, name, arguments, str(field.type))
        entry = place.scope.add(key, use, size)
        alias = None if key == name else key
        self._spent += place.many
        returned = get_named_type(field.type)
        if not is_composite_type(returned):
            return Field(alias, name, arguments, directives, None)
        below = Place(returned, entry.below, place.depth - 1, place.many * max(1, size))
        return Field(alias, name, arguments, directives, self._selections(below))

    def _plain(self, place: Place, name: str, directives: tuple[str, ...]) -> Field:
        use = Use(place.parent, name, (), "String!")
        key = self._key(place.scope, use)
        place.scope.add(key, use, 1)
        self._spent += place.many
        return Field(None if key == name else key, name, (), directives, None)

    def _repeat_field(self, place: Place, name: str) -> tuple[str, tuple[str, ...], int] | None:
        """Sometimes return key, arguments and size that the same field already has here."""
        returns = str(place.parent.fields[name].type)
        fitting = [
            (key, entry.uses[0].arguments, entry.size)
            for key, entry in place.scope.entries.items()
            if entry.uses[0].name == name
            and place.scope.fits(key, replace(entry.uses[0], parent=place.parent, returns=returns))
            and place.many * entry.size <= self._options.width
        ]
        return self._dice.pick(fitting) if fitting and self._dice.chance(50) else None

    def _new_arguments(self, place: Place, name: str, field: GraphQLField) -> tuple[tuple[str, ...], int]:
        """Return arguments within the width limit as texts, and the resulting size."""
        coordinate, root = f"{place.parent.name}.{name}", place.parent is self._schema.query_type
        given = self._arguments.values_for(place.parent.name, name, field)
        size = self._arguments.size(coordinate, field, given)
        if place.many * size > self._options.width:
            given = self._narrow(field, given)
            size = self._arguments.size(coordinate, field, given)
        return self._arguments.texts(field, given, root=root), size

    def _narrow(self, field: GraphQLField, given: dict[str, Any]) -> dict[str, Any]:
        """Limit the arguments to two elements, if an argument allows it."""
        if given.get("last") is not None:
            return given | {"last": min(2, given["last"])}
        if "ids" in given:
            return given | {"ids": given["ids"][:1]}
        first = given.get("first")
        return given | {"first": 2 if first is None else min(2, first)} if "first" in field.args else given

    def _key(self, scope: Scope, use: Use, *, plain: bool = False) -> str:
        """Choose a valid response key: the field's name, a common alias, or a new one."""
        aliased = not plain and self._dice.chance(25)
        choices = [self._dice.pick(ALIASES), use.name] if aliased else [use.name]
        for key in choices:
            if scope.fits(key, use):
                return key
        self._names += 1
        return f"k{self._names}"

    def _directives(self) -> tuple[str, ...]:
        dice = self._dice
        if not dice.chance(10):
            return ()
        names = dice.pick((("include",), ("skip",), ("skip", "include")))
        return tuple(f"@{name}(if: {self._condition(included=name == 'include')})" for name in names)

    def _condition(self, *, included: bool) -> str:
        """Return a condition that in most cases includes its selection."""
        return self._arguments.text(included if self._dice.chance(80) else not included, CONDITION)

    # ------------------------------------------------------------ fragments

    def _fragment(self, place: Place) -> Selection:
        """Generate an inline fragment or a named one, or spread an existing one again."""
        dice = self._dice
        kind = dice.pick(("inline", "named", "again"))
        if kind == "again":
            fitting = [one for one in self._fragments if self._can_spread(place, one)]
            if fitting:
                return self._spread(place, dice.pick(fitting))
        type_ = dice.pick(conditions(self._schema, place.parent))
        inner = Place(type_, place.scope, place.depth - 1, place.many)
        directives = self._directives()
        if kind != "named":
            bare = type_ is place.parent and dice.chance(40)
            return Inline(None if bare else type_.name, directives, self._selections(inner))
        self._names += 1
        name = f"F{self._names}"
        before = self._spent
        selections = self._selections(inner)
        cost = max(1, -(-(self._spent - before) // place.many))
        fragment = Fragment(name, type_.name, selections, cost)
        self._fragments.append(fragment)
        return Spread(fragment, directives)

    def _can_spread(self, place: Place, fragment: Fragment) -> bool:
        type_ = self._schema.get_type(fragment.on)
        within = place.many * fragment.cost
        return (
            type_ in conditions(self._schema, place.parent)
            and self._spent + within <= self._options.cost
            and merges(self._schema, place.scope, type_, fragment.selections)
        )

    def _spread(self, place: Place, fragment: Fragment) -> Spread:
        merge(self._schema, place.scope, self._schema.get_type(fragment.on), fragment.selections)
        self._spent += place.many * fragment.cost
        return Spread(fragment, self._directives())
