"""Replace the variables of an operation by the values with which it costs most, as far as they are known.

1. A variable with a default keeps it.
2. A page size becomes the largest one that is allowed; of `first` and `last`, only `first` remains.
   A list of node IDs becomes one of the largest length. A plain list has no largest size: `LIST_SIZE`.
3. Every other argument is omitted, or has a valid value if it is required.
4. A variable in a directive, such as that of `@include`, remains. All combinations of booleans are tried.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

from graphql import (
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLSchema,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    TypeNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
    visit,
)
from graphql.language import ValueNode

from gqlnews.engine.documents import conditional_variables
from gqlnews.operations.client_only import used_variables
from gqlnews.query.connection_args import MAX_PAGE_SIZE
from gqlnews.query.cost import PAGED, SIZED
from gqlnews.query.fields import Declarations, NodeLookup

FORWARD, BACKWARD = "first", "last"
LIST_SIZE = MAX_PAGE_SIZE  # assumed for a plain list, which has no maximum
MAX_CONDITIONS = 6  # variables of directives of which all combinations are tried
VALUES: Mapping[str, str] = {"DateTime": "2021-01-01", "Duration": "P1D"}
"""Valid texts of the scalars that are not any text."""


class AssumedSize(NamedTuple):
    """The size of a list that a variable determines; `is_maximum`: no larger one is allowed."""

    variable: str
    size: int
    is_maximum: bool


@dataclass(slots=True)
class WorstCase:
    """An operation without variables but those with a default and those of directives.

    `sizes` are the list sizes that were assumed. `conditions` are the variables of directives with the names
    of their types.
    """

    document: DocumentNode
    sizes: list[AssumedSize] = field(default_factory=list)
    conditions: Mapping[str, str] = field(default_factory=dict)

    def variables(self) -> Iterator[dict[str, Any]]:
        """Yield values for the conditions: all combinations, or only the first if they are too many."""
        booleans = [name for name, kind in self.conditions.items() if kind == "Boolean"]
        others = {name: 0 if kind == "Int" else "" for name, kind in self.conditions.items()}
        choices = (True, False) if len(booleans) <= MAX_CONDITIONS else (True,)
        for values in product(choices, repeat=len(booleans)):
            yield others | dict(zip(booleans, values, strict=True))


def assume_worst_case(
    document: DocumentNode, schema: GraphQLSchema, declarations: Declarations, max_page_size: int
) -> WorstCase:
    """Return the worst case of a valid document with one operation."""
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    definitions = operation.variable_definitions or ()
    unset = {one.variable.name.value: one for one in definitions if one.default_value is None}
    worst = WorstCase(document)
    if not unset:
        return worst
    type_info = TypeInfo(schema)
    visitor = _Assumptions(type_info, unset.keys(), declarations, max_page_size or MAX_PAGE_SIZE, worst)
    rewritten: DocumentNode = visit(document, TypeInfoVisitor(type_info, visitor))
    conditions = set(conditional_variables(rewritten)) & unset.keys()
    worst.conditions = {name: _type_name(unset[name].type) for name in sorted(conditions)}
    top, *fragments = rewritten.definitions
    assert isinstance(top, OperationDefinitionNode)
    remaining = tuple(one for one in definitions if one.variable.name.value not in unset.keys() - conditions)
    worst.document = replace(
        rewritten, definitions=(replace(top, variable_definitions=remaining), *fragments)
    )
    return worst


def _type_name(node: TypeNode) -> str:
    while not isinstance(node, NamedTypeNode):
        assert isinstance(node, ListTypeNode | NonNullTypeNode)
        node = node.type
    return node.name.value


class _Assumptions(Visitor):
    """Replaces the values of the variables in `unset` in the arguments of fields."""

    def __init__(
        self,
        type_info: TypeInfo,
        unset: Collection[str],
        declarations: Declarations,
        max_page_size: int,
        worst: WorstCase,
    ) -> None:
        super().__init__()
        self._type_info, self._unset, self._worst = type_info, unset, worst
        self._declarations, self._max_page_size = declarations, max_page_size

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        definition, parent = self._type_info.get_field_def(), self._type_info.get_parent_type()
        given = {argument.name.value: argument for argument in node.arguments or ()}
        if definition is None or parent is None or used_variables(*given.values()).isdisjoint(self._unset):
            return None
        declaration = self._declarations.fields.get((parent.name, node.name.value))
        arguments = []
        for name, argument in given.items():
            value = self._rewrite(argument.value, definition.args[name].type)
            if value is None and not (name == BACKWARD and FORWARD in given):
                value = self._assume(name, argument.value, definition.args[name], declaration)
            if value is not None:
                arguments.append(replace(argument, value=value))
        return replace(node, arguments=tuple(arguments))

    def _is_size(self, name: str, declaration: object) -> bool:
        return isinstance(declaration, SIZED) and name in {FORWARD, BACKWARD}

    def _assume(
        self, name: str, value: ValueNode, argument: GraphQLArgument, declaration: object
    ) -> ValueNode | None:
        """Return the value of an argument whose variable has none; None to omit it."""
        assert isinstance(value, VariableNode)
        variable = value.name.value
        if self._is_size(name, declaration):
            is_page = isinstance(declaration, PAGED)
            size = AssumedSize(variable, self._max_page_size if is_page else LIST_SIZE, is_page)
            self._worst.sizes.append(size)
            return IntValueNode(value=str(size.size), loc=value.loc)
        if isinstance(declaration, NodeLookup) and is_list_type(get_nullable_type(argument.type)):
            self._worst.sizes.append(AssumedSize(variable, self._max_page_size, True))
            items = tuple(StringValueNode(value=str(number)) for number in range(self._max_page_size))
            return ListValueNode(values=items, loc=value.loc)
        return _valid_value(argument.type, value) if is_required_argument(argument) else None

    def _rewrite(self, value: ValueNode, kind: GraphQLInputType) -> ValueNode | None:
        """Return a value without the variables in `unset`; None if it is one of these."""
        nullable = get_nullable_type(kind)
        match value:
            case VariableNode(name=name):
                return None if name.value in self._unset else value
            case ListValueNode(values=items) if isinstance(nullable, GraphQLList):
                of = nullable.of_type
                values = (self._rewrite(one, of) or _valid_value(of, one) for one in items)
                return replace(value, values=tuple(values))
            case ObjectValueNode(fields=members) if isinstance(nullable, GraphQLInputObjectType):
                return replace(value, fields=tuple(self._rewrite_members(members, nullable)))
        return value

    def _rewrite_members(
        self, members: Sequence[ObjectFieldNode], kind: GraphQLInputObjectType
    ) -> Iterator[ObjectFieldNode]:
        for member in members:
            declared = kind.fields[member.name.value]
            value = self._rewrite(member.value, declared.type)
            if value is None and is_required_input_field(declared):
                value = _valid_value(declared.type, member.value)
            if value is not None:
                yield replace(member, value=value)


def _valid_value(kind: GraphQLInputType, at: ValueNode) -> ValueNode:
    """Return some valid value of a type, at the location of another value."""
    nullable: Any = get_nullable_type(kind)
    if isinstance(nullable, GraphQLList):
        return ListValueNode(values=(), loc=at.loc)
    if isinstance(nullable, GraphQLEnumType):
        return EnumValueNode(value=next(iter(nullable.values)), loc=at.loc)
    if isinstance(nullable, GraphQLInputObjectType):
        required = {name: one for name, one in nullable.fields.items() if is_required_input_field(one)}
        members = (
            ObjectFieldNode(name=NameNode(value=name), value=_valid_value(one.type, at), loc=at.loc)
            for name, one in required.items()
        )
        return ObjectValueNode(fields=tuple(members), loc=at.loc)
    match nullable.name:
        case "Boolean":
            return BooleanValueNode(value=True, loc=at.loc)
        case "Int" | "Float":
            return IntValueNode(value="1", loc=at.loc)
    return StringValueNode(value=VALUES.get(nullable.name, "1"), loc=at.loc)
