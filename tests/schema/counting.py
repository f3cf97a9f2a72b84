"""Count the objects in a response: plain Python over the document and the data."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    parse,
)

PLAIN = 10  # how many objects a plain list counts as, however long it is
PAGES = (
    "Connection",
    "ChangeSet",
    "Query",
)  # types whose lists of objects are as long as requested

Selected = list[tuple[Any, FieldNode]]
"""Fields of one response key, each with the parent type of its selection."""


def objects_in(
    schema: GraphQLSchema, text: str, name: str | None, variables: Mapping[str, Any], data: Any
) -> int:
    """Count the objects. Of a plain list, count only the ten largest elements, as the engine does."""
    document = parse(text)
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    (operation,) = [one for one in operations if name in {None, one.name.value if one.name else None}]
    defaults = {one.variable.name.value: one.default_value for one in operation.variable_definitions or ()}
    counter = _Counter(schema, document, {**defaults, **variables})
    return counter.fields([(schema.query_type, operation.selection_set)], data)


@dataclass
class _Counter:
    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]

    def fields(self, sets: Iterable[tuple[Any, Any]], value: Mapping[str, Any]) -> int:
        """Count the objects below one object, given its selection sets and their types."""
        selected: dict[str, Selected] = {}
        for parent, selections in sets:
            for key, entry in self._flat(parent, selections):
                selected.setdefault(key, []).append(entry)
        return sum(self._field(some, value[key]) for key, some in selected.items() if key in value)

    def _flat(self, parent: Any, selections: Any) -> Iterator[tuple[str, tuple[Any, FieldNode]]]:
        for one in selections.selections:
            if isinstance(one, FieldNode):
                yield (one.alias or one.name).value, (parent, one)
            elif isinstance(one, FragmentSpreadNode):
                fragments = [
                    two for two in self.document.definitions if isinstance(two, FragmentDefinitionNode)
                ]
                (spread,) = [two for two in fragments if two.name.value == one.name.value]
                yield from self._flat(
                    self.schema.get_type(spread.type_condition.name.value), spread.selection_set
                )
            else:
                inline: Any = one
                on = inline.type_condition
                yield from self._flat(
                    self.schema.get_type(on.name.value) if on else parent, inline.selection_set
                )

    def _field(self, selected: Selected, value: Any) -> int:
        below = [
            (get_named_type(parent.fields[node.name.value].type), node.selection_set)
            for parent, node in selected
            if node.selection_set is not None and not node.name.value.startswith("__")
        ]
        below = [(kind, selections) for kind, selections in below if is_composite_type(kind)]
        if not below or value is None:
            return 0
        if not isinstance(value, list):
            return 1 + self.fields(below, value)
        counts = sorted((1 + self.fields(below, one) for one in value if one is not None), reverse=True)
        return sum(counts if all(self._is_asked_for(*one) for one in selected) else counts[:PLAIN])

    def _is_asked_for(self, parent: Any, node: FieldNode) -> bool:
        """Whether the request determines the length of the list."""
        if parent.name.endswith(PAGES) and "first" not in parent.fields[node.name.value].args:
            return parent.name != "Query" or node.name.value == "nodes"
        given = {argument.name.value: argument.value for argument in node.arguments or ()}.get("first")
        if isinstance(given, VariableNode):
            return isinstance(self.variables.get(given.name.value), int | IntValueNode)
        return isinstance(given, IntValueNode)
