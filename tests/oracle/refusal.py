"""Arguments that make a request fail before it runs.

Every field that execution could reach is checked, depth first in the order in which fields are
collected. Fields excluded by `@skip` or `@include`, or in a fragment whose type is impossible, are not
reached. Values are unknown: a field below `node` counts for each possible type of its fragment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_object_type,
)
from graphql.type import GraphQLAbstractType, get_nullable_type

from .changes import changes_error
from .faults import DATES, each_field, value_error
from .markers import Registry
from .own_fields import Declared, OwnField
from .pages import list_error, page_error
from .places import order_at

Types: TypeAlias = "dict[str, GraphQLObjectType]"
Collected: TypeAlias = "dict[str, dict[str, list[FieldNode]]]"


@dataclass(frozen=True)
class Refusal:
    """An error. `path` is the field's path in the response without list indices."""

    code: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """What every step needs. `variables` are coerced by graphql-core."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Any
    registry: Registry
    audience: str
    declared: Declared


def operation_refusals(request: Request, operation: OperationDefinitionNode) -> list[Refusal]:
    """Return the error of the first invalid argument in document order, then equally correct ones.

    A program may check whether a version exists after it has checked all other arguments, and which fields
    are only for editors in any order.
    """
    root = request.schema.get_root_type(operation.operation)
    assert root is not None
    found = list(dict.fromkeys(refusals(request, [operation.selection_set], {root.name: root}, ())))
    known_sooner = [one for one in found if one.code != "BAD_VERSION"]
    forbidden = [one for one in found if one.code == "FORBIDDEN"]
    allowed = [one for one in known_sooner if one.code != "FORBIDDEN"]
    return list(dict.fromkeys([*found[:1], *known_sooner[:1], *forbidden, *allowed[:1]]))


def refusals(
    request: Request, sets: Sequence[SelectionSetNode], types: Types, path: tuple[str, ...]
) -> Iterator[Refusal]:
    """Yield the errors below `path`, where `sets` are merged and the value has one of `types`."""
    collected: Collected = {}
    for selection_set in sets:
        collect(request, selection_set.selections, types, collected)
    for key, by_type in collected.items():
        for type_name, nodes in by_type.items():
            yield from field_refusals(request, types[type_name], nodes, (*path, key))


def field_refusals(
    request: Request, parent: GraphQLObjectType, nodes: list[FieldNode], path: tuple[str, ...]
) -> Iterator[Refusal]:
    """Yield the errors of one field of one type, and below it. `nodes` are its occurrences."""
    field = request.schema.get_field(parent, nodes[0].name.value)
    assert field is not None
    if is_forbidden(request, parent, field, nodes[0]):
        yield Refusal("FORBIDDEN", path)
    code = argument_error(request, parent, field, nodes[0])
    if code is not None:
        yield Refusal(code, path)
    returned = get_named_type(field.type)
    if is_composite_type(returned):
        below = possible_types(request.schema, returned)
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        yield from refusals(request, sets, below, path)


def is_forbidden(request: Request, parent: GraphQLObjectType, field: GraphQLField, node: FieldNode) -> bool:
    """Whether the field counts, filters or sorts by an own field that the audience may not see."""
    hidden = [one for one in request.declared.fields if one.is_hidden(request.audience)]
    if parent.name == "ArticleFacets":
        return any(one.name == node.name.value for one in hidden)
    try:
        args = get_argument_values(field, node, request.variables)
    except GraphQLError:
        return False
    if get_named_type(field.type).name == "ProviderConnection":
        return False
    filtered = {name for name, _ in each_field(args.get("where") or {})}
    order = args.get("orderBy")
    sorted_by = {one["field"] for one in order} if isinstance(order, list) else set()
    return any(one.name in filtered or (one.order and one.order_name in sorted_by) for one in hidden)


def argument_error(
    request: Request, parent: GraphQLObjectType, field: GraphQLField, node: FieldNode
) -> str | None:
    """Return the error code of one field's arguments; None if they are valid or fail only in execution."""
    try:
        args = get_argument_values(field, node, request.variables)
    except GraphQLError:
        return None
    code = value_error(args, DATES | {one.name for one in request.declared.fields if is_date(one)})
    if code is not None:
        return code
    returned = get_named_type(field.type).name
    if returned.endswith("Connection"):
        place = f"{parent.name}.{node.name.value}"
        return page_error(place, order_at(place, args), args, request.registry)
    if returned == "ChangeSet":
        return changes_error(args, request.audience, request.registry)
    return list_error(args) if is_list_type(get_nullable_type(field.type)) else None


def is_date(field: OwnField) -> bool:
    return field.type in {"Date", "DateTime"} and not field.is_list


def possible_types(schema: GraphQLSchema, type_: Any) -> Types:
    """Return the object types that a value of `type_` can have."""
    if is_object_type(type_):
        return {type_.name: type_}
    assert is_abstract_type(type_)
    abstract: GraphQLAbstractType = type_
    return {one.name: one for one in schema.get_possible_types(abstract)}


def collect(
    request: Request, selections: Sequence[SelectionNode], types: Types, collected: Collected
) -> None:
    """Collect the fields that values of `types` can have, by response key and type."""
    for selection in selections:
        if not included(request, selection):
            continue
        if isinstance(selection, FieldNode):
            key = (selection.alias or selection.name).value
            for type_name in types:
                collected.setdefault(key, {}).setdefault(type_name, []).append(selection)
            continue
        if isinstance(selection, FragmentSpreadNode):
            fragment: FragmentDefinitionNode | InlineFragmentNode = request.fragments[selection.name.value]
        else:
            assert isinstance(selection, InlineFragmentNode)
            fragment = selection
        collect(request, fragment.selection_set.selections, narrowed(request, fragment, types), collected)


def narrowed(request: Request, fragment: FragmentDefinitionNode | InlineFragmentNode, types: Types) -> Types:
    """Return those of `types` that satisfy the fragment's type condition."""
    if fragment.type_condition is None:
        return types
    condition = request.schema.get_type(fragment.type_condition.name.value)
    allowed = possible_types(request.schema, condition)
    return {name: one for name, one in types.items() if name in allowed}


def included(request: Request, selection: SelectionNode) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, selection, request.variables)
    include = get_directive_values(GraphQLIncludeDirective, selection, request.variables)
    return not (skip and skip["if"]) and not (include and not include["if"])
