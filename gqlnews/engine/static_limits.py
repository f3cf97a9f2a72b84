"""Static size of an operation: depth, root fields, aliases and directives, with fragments expanded.

Each fragment is visited once and its counts are added for every spread. So thirty fragments that each spread
the next one twice take thirty visits and yield a count of 2^30.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)
from graphql.execution.collect_fields import FragmentDetails

from gqlnews.config.limits import Limits
from gqlnews.engine.no_introspection_rule import TELL_THE_SCHEMA
from gqlnews.errors import Code

Fragments = Mapping[str, FragmentDetails]


class SelectionSize(NamedTuple):
    """Size of a selection set: `fields` counts only its top level, `depth` only fields with selections."""

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: "SelectionSize") -> "SelectionSize":
        return SelectionSize(
            self.fields + other.fields,
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


def check_limits(
    operation: OperationDefinitionNode, fragments: Fragments, limits: Limits
) -> GraphQLError | None:
    """Return an error for the first limit that an operation exceeds, or None. The document must be valid."""
    extent = extent_of(operation, fragments)
    checks = (
        (extent.depth, limits.depth, Code.TOO_DEEP, "nests {} fields with selections"),
        (extent.fields, limits.root_fields, Code.TOO_MANY_ROOT_FIELDS, "has {} root fields"),
        (extent.aliases, limits.aliases, Code.TOO_MANY_ALIASES, "has {} aliases"),
        (extent.directives, limits.directives, Code.TOO_MANY_DIRECTIVES, "has {} directives"),
    )
    for counted, most, code, what in checks:
        if most and counted > most:
            message = (
                f"The operation {what.format(f'{counted:,}')}, of at most {most:,}: ask in several requests."
            )
            return GraphQLError(message, operation, extensions={"code": code})
    return None


def extent_of(operation: OperationDefinitionNode, fragments: Fragments) -> SelectionSize:
    """Measure an operation, including its own directives and those of its variables."""
    variables = operation.variable_definitions or ()
    directives = len(operation.directives or ()) + sum(len(one.directives or ()) for one in variables)
    return SelectionSize(directives=directives).beside(_Counter(fragments).of_set(operation.selection_set))


class _Counter:
    """Measure selection sets. `fragments` must be free of cycles, which validation ensures."""

    def __init__(self, fragments: Fragments) -> None:
        self._fragments = fragments
        self._counted: dict[str, SelectionSize] = {}

    def of_set(self, selections: SelectionSetNode) -> SelectionSize:
        extent = SelectionSize()
        for selection in selections.selections:
            extent = extent.beside(self._of(selection))
        return extent

    def _of(self, node: SelectionNode) -> SelectionSize:
        directives = SelectionSize(directives=len(node.directives or ()))
        if isinstance(node, FieldNode):
            return directives.beside(self._of_field(node))
        if isinstance(node, FragmentSpreadNode):
            return directives.beside(self._of_fragment(self._fragments[node.name.value].definition))
        inline: Any = node
        return directives.beside(self.of_set(inline.selection_set))

    def _of_field(self, node: FieldNode) -> SelectionSize:
        own = SelectionSize(fields=1, aliases=int(node.alias is not None))
        if node.selection_set is None:
            return own
        below = self.of_set(node.selection_set)
        depth = 0 if node.name.value in TELL_THE_SCHEMA else 1 + below.depth
        return own.beside(SelectionSize(0, depth, below.aliases, below.directives))

    def _of_fragment(self, definition: FragmentDefinitionNode) -> SelectionSize:
        name = definition.name.value
        if name not in self._counted:
            directives = SelectionSize(directives=len(definition.directives or ()))
            self._counted[name] = directives.beside(self.of_set(definition.selection_set))
        return self._counted[name]
