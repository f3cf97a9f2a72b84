"""Compose the document that a client sends for an operation: the operation, and the fragments that it uses.

A fragment with `@argumentDefinitions` (Relay) is copied for each combination of arguments, with its local
variables replaced by the values of `@arguments`, or their defaults, or null.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    NamedTypeNode,
    NameNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse_type,
    print_ast,
    visit,
)
from graphql.language import ValueNode

from gqlnews.operations.client_only import (
    ARGUMENT_DEFINITIONS,
    ARGUMENTS,
    ClientOnlyRemover,
    Definition,
    SentDefinition,
    used_variables,
)
from gqlnews.operations.definitions import FrontEnd
from gqlnews.operations.sources import node_text

Values = Mapping[str, ValueNode]
"""The values of a fragment's local variables."""

MAX_COPIES = 50  # of one fragment in a document: fragments may pass ever longer lists to each other
COPY_SUFFIX = re.compile(r"__gqlnews_copy\d+")
_ARGUMENTS = re.compile(rf"@\s*(?:{ARGUMENTS}|{ARGUMENT_DEFINITIONS})\b")
_PROVIDED = "provided__"  # prefix of the variables whose value a program provides


@dataclass(slots=True)
class _Composition:
    """The definitions of a document, as they are added. `fragments` are the names by fragment and values."""

    variables: dict[str, VariableDefinitionNode] = field(default_factory=dict)
    fragments: dict[tuple[str, str], str] = field(default_factory=dict)
    pending: list[tuple[str, str, Values]] = field(default_factory=list)
    removed_variables: set[str] = field(default_factory=set)
    lacks_fragments: bool = False


class Composer:
    """Composes the documents of one front end. `used` are the names of fragments that a document has."""

    def __init__(self, front_end: FrontEnd, remover: ClientOnlyRemover) -> None:
        self._fragments, self._remover = front_end.fragments, remover
        self._sent: dict[str, SentDefinition] = {}
        self.used: set[str] = set()

    def compose(self, operation: OperationDefinitionNode) -> DocumentNode | None:
        """Return the document of an operation; None if nothing of it is sent to the server."""
        sent = self._remover.remove(operation)
        if sent.is_empty:
            return None
        composition = _Composition()
        top = self._add(sent, {}, composition)
        assert isinstance(top, OperationDefinitionNode)
        fragments = tuple(self._fragment_copies(composition))
        return DocumentNode(
            definitions=(_with_variables(top, fragments, composition), *fragments), loc=operation.loc
        )

    def compose_fragment(self, fragment: FragmentDefinitionNode) -> DocumentNode | None:
        """Return a fragment that no operation uses, with those that it uses; None if it is not sent."""
        sent = self._remover.remove(fragment)
        if sent.is_empty or fragment.name.value in self._remover.client_fragments:
            return None
        composition = _Composition()
        values = _local_values(fragment, {}, composition)
        composition.fragments[_copy_key(fragment.name.value, values)] = fragment.name.value
        # Without an operation, a variable that has no value may remain.
        known = {name: value for name, value in values.items() if not isinstance(value, NullValueNode)}
        top = self._add(sent, known, composition)
        return DocumentNode(definitions=(top, *self._fragment_copies(composition)), loc=fragment.loc)

    def _fragment_copies(self, composition: _Composition) -> Iterator[FragmentDefinitionNode]:
        """Yield the fragments that are used, also by other fragments."""
        while composition.pending:
            name, copy_name, values = composition.pending.pop(0)
            self.used.add(name)
            node = self._add(self._get_sent(name), values, composition)
            assert isinstance(node, FragmentDefinitionNode)
            yield node if copy_name == name else replace(node, name=replace(node.name, value=copy_name))

    def _get_sent(self, name: str) -> SentDefinition:
        if name not in self._sent:
            self._sent[name] = self._remover.remove(self._fragments[name])
        return self._sent[name]

    def _add(self, sent: SentDefinition, values: Values, composition: _Composition) -> Definition:
        """Add a definition with the values of its local variables, and what it spreads to `pending`."""
        composition.removed_variables |= sent.removed_variables
        composition.lacks_fragments |= sent.lacks_fragments
        visitor = _Substitution(self._fragments, values, composition)
        if values or _ARGUMENTS.search(node_text(sent.node)):
            node: Definition = visit(sent.node, visitor)
            return node
        for spread in _spreads(sent.node.selection_set):
            visitor.copy_name(spread)
        return sent.node


def _spreads(node: Any) -> Iterator[FragmentSpreadNode]:
    for selection in node.selections:
        if isinstance(selection, FragmentSpreadNode):
            yield selection
        elif selection.selection_set is not None:
            yield from _spreads(selection.selection_set)


class _Substitution(Visitor):
    """Replaces the local variables of a fragment and the names of the fragments that it spreads."""

    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], values: Values, composition: _Composition
    ) -> None:
        super().__init__()
        self._fragments, self._values, self._composition = fragments, values, composition

    def enter_variable(self, node: VariableNode, *_: Any) -> ValueNode | None:
        return self._values.get(node.name.value)

    def enter_directive(self, node: DirectiveNode, *_: Any) -> object:
        return REMOVE if node.name.value == ARGUMENT_DEFINITIONS else None

    def leave_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> FragmentSpreadNode:
        """Rename the spread; the values of its arguments are already replaced."""
        others = tuple(one for one in node.directives or () if one.name.value != ARGUMENTS)
        return replace(node, name=replace(node.name, value=self.copy_name(node)), directives=others)

    def copy_name(self, spread: FragmentSpreadNode) -> str:
        """Return the name of the copy of a fragment that a spread needs, and add it to what is pending."""
        name, composition = spread.name.value, self._composition
        fragment = self._fragments.get(name)
        if fragment is None:
            return name
        values = _local_values(fragment, _passed_values(spread), composition)
        key = _copy_key(name, values)
        known = composition.fragments
        if key not in known:
            copies = sum(copied == name for copied, _ in known) if values else 0
            if copies >= MAX_COPIES:
                return name
            known[key] = f"{name}__gqlnews_copy{copies}" if copies else name
            composition.pending.append((name, known[key], values))
        return known[key]


def _copy_key(name: str, values: Values) -> tuple[str, str]:
    return name, " ".join(f"{variable}:{print_ast(value)}" for variable, value in sorted(values.items()))


def _passed_values(spread: FragmentSpreadNode) -> Values:
    return {
        argument.name.value: argument.value
        for directive in spread.directives or ()
        if directive.name.value == ARGUMENTS
        for argument in directive.arguments or ()
    }


def _local_values(fragment: FragmentDefinitionNode, passed: Values, composition: _Composition) -> Values:
    """Return the values of a fragment's local variables.

    A value that a program provides becomes a variable of the operation, which is added to the composition.
    """
    values: dict[str, ValueNode] = {}
    for directive in fragment.directives or ():
        if directive.name.value != ARGUMENT_DEFINITIONS:
            continue
        for definition in directive.arguments or ():
            name, declared = definition.name.value, _members(definition.value)
            provider, kind = declared.get("provider"), declared.get("type")
            if name in passed:
                values[name] = passed[name]
            elif isinstance(provider, StringValueNode) and isinstance(kind, StringValueNode):
                variable = f"{_PROVIDED}{fragment.name.value}__{name}"
                values[name] = VariableNode(
                    name=NameNode(value=variable, loc=definition.loc), loc=definition.loc
                )
                composition.variables[variable] = _variable_definition(values[name], kind)
            else:
                values[name] = declared.get("defaultValue") or NullValueNode(loc=definition.loc)
    return values


def _members(value: ValueNode) -> dict[str, ValueNode]:
    return {one.name.value: one.value for one in value.fields} if isinstance(value, ObjectValueNode) else {}


def _variable_definition(variable: Any, kind: StringValueNode) -> VariableDefinitionNode:
    try:
        parsed = parse_type(kind.value, no_location=True)
    except GraphQLError:  # validation reports that this type is unknown
        parsed = NamedTypeNode(name=NameNode(value=kind.value, loc=kind.loc), loc=kind.loc)
    return VariableDefinitionNode(variable=variable, type=parsed, directives=(), loc=variable.loc)


def _with_variables(
    operation: OperationDefinitionNode,
    fragments: tuple[FragmentDefinitionNode, ...],
    composition: _Composition,
) -> OperationDefinitionNode:
    """Add the variables that programs provide, and remove those used only in what is not sent."""
    declared, provided = operation.variable_definitions or (), composition.variables.values()
    if not (provided or composition.removed_variables or composition.lacks_fragments):
        return operation
    used = used_variables(operation, *fragments)
    unused = () if composition.lacks_fragments else (one for one in declared if _name(one) not in used)
    reported = {_name(one) for one in unused} - composition.removed_variables
    definitions = (one for one in (*declared, *provided) if _name(one) in used | reported)
    return replace(operation, variable_definitions=tuple(definitions))


def _name(definition: VariableDefinitionNode) -> str:
    return definition.variable.name.value
