"""Remove what a client handles itself and never sends to the server.

That is: the directives of Relay, Apollo, urql and gql.tada, and those that the front end's own SDL declares;
the selections with `@client` or `@rest`; the fields and types with which the front end's SDL extends the
schema; and spreads of fragments that are not known, because their document cannot be parsed. A selection set
that becomes empty selects `__typename`.

`@arguments` and `@argumentDefinitions` of Relay remain; they are replaced for each operation (compose.py).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    visit,
)
from graphql.language import Node

from gqlnews.operations.definitions import FrontEnd
from gqlnews.operations.sources import node_text

ARGUMENTS, ARGUMENT_DEFINITIONS = "arguments", "argumentDefinitions"

RELAY_DIRECTIVES = frozenset(
    {
        *("alias", "appendEdge", "appendNode", "assignable", "catch", "connection"),
        *("dangerously_unaliased_fixme", "deleteEdge", "deleteRecord"),
        *("DEPRECATED__relay_ignore_unused_variables_error", "exec_time_resolvers", "fb_owner", "inline"),
        *("live_query", "match", "module", "no_inline", "preloadable", "prependEdge", "prependNode"),
        *("raw_response_type", "refetchable", "relay", "relay_test_operation", "required"),
        *("stream_connection", "throwOnFieldError", "updatable", "waterfall", "__clientField", "__debug"),
    }
)
APOLLO_DIRECTIVES = frozenset({"client", "connection", "export", "nonreactive", "rest", "type", "unmask"})
URQL_DIRECTIVES = frozenset(
    {"_optional", "_required", "_relayPagination", "_simplePagination", "_unmask", "populate"}
)
CLIENT_DIRECTIVES = RELAY_DIRECTIVES | APOLLO_DIRECTIVES | URQL_DIRECTIVES
"""Removed from the document."""

CLIENT_SELECTIONS = frozenset({"client", "rest"})
"""Directives whose field or fragment is removed with them."""

Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class SentDefinition:
    """An operation or fragment as it is sent to the server.

    `removed_variables` are those used in what was removed. `lacks_fragments`: a spread of an unknown fragment
    was removed, so its use of variables is not known. `is_empty`: nothing of the operation is sent.
    """

    node: Definition
    removed_variables: frozenset[str] = frozenset()
    lacks_fragments: bool = False
    is_empty: bool = False


class ClientOnlyRemover:
    """Removes what is not sent from the definitions of one front end."""

    def __init__(self, schema: GraphQLSchema, front_end: FrontEnd) -> None:
        self._schema = schema
        server = {directive.name for directive in schema.directives}
        self.directives = CLIENT_DIRECTIVES | (
            front_end.directives - server - {ARGUMENTS, ARGUMENT_DEFINITIONS}
        )
        self.types = front_end.types - schema.type_map.keys()
        self.fields = {
            (kind, name)
            for kind, name in front_end.fields
            if name not in getattr(schema.get_type(kind), "fields", ())
        }
        self.unknown = front_end.unknown - front_end.fragments.keys()
        self.client_fragments = {
            fragment.name.value
            for fragment in front_end.all_fragments
            if fragment.type_condition.name.value in self.types
        }

    def remove(self, definition: Definition) -> SentDefinition:
        """Return the definition as it is sent."""
        text = node_text(definition)
        is_affected = "@" in text or self.fields or self.types or any(name in text for name in self.unknown)
        if not is_affected:
            return SentDefinition(definition)
        type_info = TypeInfo(self._schema)
        visitor = _Visitor(self, type_info)
        node = visit(definition, TypeInfoVisitor(type_info, visitor) if self.fields else visitor)
        is_empty = node is not definition and all(
            isinstance(one, FieldNode) and one.name.value == "__typename" and one.loc == definition.loc
            for one in node.selection_set.selections
        )
        return SentDefinition(node, frozenset(visitor.variables), visitor.lacks_fragments, is_empty)


class _Visitor(Visitor):
    def __init__(self, remover: ClientOnlyRemover, type_info: TypeInfo) -> None:
        super().__init__()
        self._remover, self._type_info = remover, type_info
        self.variables: set[str] = set()
        self.lacks_fragments = False

    def enter_directive(self, node: DirectiveNode, *_: Any) -> object:
        return self._remove(node) if node.name.value in self._remover.directives else None

    def enter_field(self, node: FieldNode, *_: Any) -> object:
        if _is_client_selection(node) or self._is_client_field(node):
            return self._remove(node)
        return None

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> object:
        condition = node.type_condition
        is_client_type = condition is not None and condition.name.value in self._remover.types
        return self._remove(node) if is_client_type or _is_client_selection(node) else None

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> object:
        name = node.name.value
        if name in self._remover.unknown:
            self.lacks_fragments = True
            return self._remove(node)
        is_client_type = name in self._remover.client_fragments
        return self._remove(node) if is_client_type or _is_client_selection(node) else None

    def leave_selection_set(
        self, node: SelectionSetNode, _key: Any, parent: Node, *_: Any
    ) -> SelectionSetNode | None:
        if node.selections:
            return None
        typename = FieldNode(
            name=NameNode(value="__typename", loc=node.loc), arguments=(), directives=(), loc=parent.loc
        )
        return replace(node, selections=(typename,))

    def _remove(self, node: Node) -> object:
        self.variables.update(used_variables(node))
        return REMOVE

    def _is_client_field(self, node: FieldNode) -> bool:
        if not self._remover.fields:
            return False
        parent = self._type_info.get_parent_type()
        return parent is not None and (parent.name, node.name.value) in self._remover.fields


def _is_client_selection(node: FieldNode | InlineFragmentNode | FragmentSpreadNode) -> bool:
    return any(directive.name.value in CLIENT_SELECTIONS for directive in node.directives or ())


def used_variables(*nodes: Node) -> set[str]:
    """Return the names of the variables that are used below nodes; their definitions do not count."""
    return {node.name.value for node in _variables(nodes)}


def _variables(nodes: Collection[Node]) -> Iterator[VariableNode]:
    for node in nodes:
        if isinstance(node, VariableNode):
            yield node
            continue
        for key in node.keys:
            value = getattr(node, key)
            if key in {"loc", "variable_definitions"}:
                continue
            if isinstance(value, Node):
                yield from _variables((value,))
            elif isinstance(value, tuple | list):
                yield from _variables(value)
