"""Add custom fields to a schema: to `Article`, its filter, its orders and its facets.

Strawberry's types are the same for every server; the fields of one are added to the GraphQL types that were
built from them, and their declarations to those of the types. So everything behind the schema treats them
like built-in fields.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
)

from gqlnews.custom_fields import CustomField, FieldType, Storage
from gqlnews.query.connection_args import NULL_LOW, ConnectionArguments
from gqlnews.query.entities import JoinTable, OrderTerm
from gqlnews.query.fields import ChangeStream, Column, Connection, Declaration, Declarations, Kind, TermsFacet
from gqlnews.query.filters import FilterField, FilterFieldType
from gqlnews.schema.fields import PUBLISHED
from gqlnews.schema.inputs import ARTICLE_FILTER_FIELDS, FilteringArguments

DATE = GraphQLScalarType(
    "Date",
    description="A calendar date in ISO 8601 format, e.g. `2021-04-15`.",
    specified_by_url="https://scalars.graphql.org/andimarek/local-date",
)
_FLOAT_TYPES = {"Int": GraphQLFloat, "[Int!]": GraphQLList(GraphQLNonNull(GraphQLFloat))}
_TYPE_NAMES = {FieldType.DATE_TIME: "DateTime", FieldType.URL: "URL", FieldType.JSON: "JSON"}
_BUILT_IN: Mapping[FieldType, GraphQLScalarType] = {
    FieldType.STRING: GraphQLString,
    FieldType.INT: GraphQLInt,
    FieldType.FLOAT: GraphQLFloat,
    FieldType.BOOLEAN: GraphQLBoolean,
    FieldType.DATE: DATE,
}
_FILTERS: Mapping[Storage, tuple[str, FilterFieldType]] = {
    Storage.TEXT: ("StringFilter", FilterFieldType.TEXT),
    Storage.INTEGER: ("IntFilter", FilterFieldType.INTEGER),
    Storage.FLOAT_KEY: ("FloatFilter", FilterFieldType.FLOAT),
    Storage.FLAG: ("Boolean", FilterFieldType.IS_POSITIVE),
    Storage.INSTANT: ("DateTimeFilter", FilterFieldType.INSTANT),
    Storage.ITEMS: ("SetFilter", FilterFieldType.ITEMS),
}
_KINDS = {Storage.JSON: Kind.JSON, Storage.FLAG: Kind.NULLABLE_BOOLEAN}
_NUMERIC = frozenset({Storage.INTEGER, Storage.FLOAT_KEY, Storage.FLAG})


def add_fields(schema: GraphQLSchema, fields: Sequence[CustomField]) -> None:
    """Add custom fields to the GraphQL types of a schema, which belong to it alone."""
    types: Any = schema.type_map
    counts = GraphQLNonNull(GraphQLList(GraphQLNonNull(types["ValueCount"])))
    for declared in fields:
        for type_name, type_ in _new_types(types, declared):
            types.setdefault(type_name, type_)
        name, kind = declared.name, _output_type(types, declared)
        types["Article"].fields[name] = GraphQLField(kind, description=_describe(declared))
        if declared.filter:
            compared = types[_FILTERS[declared.compared.storage][0]]
            field = GraphQLInputField(compared, description=f"Filter by `{name}`.")
            types["ArticleFilter"].fields[name] = field
        if declared.facet:
            description = f"Article counts by `{name}`, highest first."
            types["ArticleFacets"].fields[name] = GraphQLField(counts, description=description)
    _add_orders(types["ArticleOrderField"], [each for each in fields if each.order])


def _new_types(types: Mapping[str, Any], declared: CustomField) -> Iterator[tuple[str, Any]]:
    if declared.type is FieldType.DATE:
        yield "Date", DATE
    if declared.type is FieldType.FLOAT:
        yield "Float", GraphQLFloat
        if declared.filter and not declared.is_list:
            yield "FloatFilter", _build_float_filter(types["IntFilter"])


def _build_float_filter(int_filter: GraphQLInputObjectType) -> GraphQLInputObjectType:
    """Build the filter for floats, with the operators of that for integers."""
    operators = {
        name: GraphQLInputField(_FLOAT_TYPES.get(str(each.type), each.type), description=each.description)
        for name, each in int_filter.fields.items()
    }
    return GraphQLInputObjectType("FloatFilter", operators, description="Filter for numbers.")


def _output_type(types: Mapping[str, Any], declared: CustomField) -> GraphQLOutputType:
    kind: Any = _BUILT_IN.get(declared.type) or types[_TYPE_NAMES[declared.type]]
    return GraphQLList(GraphQLNonNull(kind)) if declared.is_list else kind


def _describe(declared: CustomField) -> str:
    text = declared.description or f"`{'.'.join(declared.key)}` of the front matter."
    return f"{text} Editors only: null for other callers." if declared.editor_only else text


def _add_orders(orders: Any, ordered: Sequence[CustomField]) -> None:
    """Add values to the enum of orders, whose class converts them to members of a Python enum."""
    for declared in ordered:
        orders.values[declared.order_value] = GraphQLEnumValue(
            declared.order_value, description=f"By `{declared.name}`."
        )
    members: Any = [(name, value.value) for name, value in orders.values.items()]
    wrapped: Any = Enum
    orders.wrapped_cls = wrapped("ArticleOrderField", members)


# Declarations.


def add_declarations(declarations: Declarations, fields: Sequence[CustomField]) -> Declarations:
    """Add the declarations of custom fields."""
    added: dict[tuple[str, str], Declaration] = {}
    for declared in fields:
        storage = declared.rendered.storage
        column = Column(declared.rendered.name, _KINDS.get(storage, Kind.PLAIN), declared.editor_only)
        added["Article", declared.name] = column
        if declared.facet:
            added["ArticleFacets", declared.name] = _facet(declared)
    filters = {each.name: _filter_field(each) for each in fields if each.filter}
    orders = {each.order_value: _order_term(each) for each in fields if each.order}
    extended = {key: _extend(one, filters, orders) for key, one in declarations.fields.items()}
    return Declarations({**extended, **added}, declarations.entities)


def _facet(declared: CustomField) -> TermsFacet:
    if not declared.is_list:
        return TermsFacet(declared.counted.name, editor_only=declared.editor_only)
    values = JoinTable(declared.items_view, source_key="article_id", target_key="value", visibility=PUBLISHED)
    return TermsFacet(declared.counted.name, values_through=values, editor_only=declared.editor_only)


def _filter_field(declared: CustomField) -> FilterField:
    _, kind = _FILTERS[declared.compared.storage]
    return FilterField(declared.compared.name, kind, editor_only=declared.editor_only)


def _order_term(declared: CustomField) -> OrderTerm:
    return OrderTerm(
        declared.compared.name,
        missing=NULL_LOW,
        numeric=declared.compared.storage in _NUMERIC,
        restricted=declared.name if declared.editor_only else "",
    )


def _extend(
    declaration: Declaration, filters: Mapping[str, FilterField], orders: Mapping[str, OrderTerm]
) -> Declaration:
    """Let a list of articles be filtered and sorted by custom fields."""
    if not isinstance(declaration, Connection | ChangeStream):
        return declaration
    arguments = declaration.arguments
    filter_fields = {**ARTICLE_FILTER_FIELDS, **filters}
    if isinstance(arguments, FilteringArguments):
        return replace(declaration, arguments=replace(arguments, filter_fields=filter_fields))
    if isinstance(arguments, ConnectionArguments) and arguments.filter_fields is ARTICLE_FILTER_FIELDS:
        order_terms = {**arguments.order_terms, **orders}
        extended = replace(arguments, filter_fields=filter_fields, order_terms=order_terms)
        return replace(declaration, arguments=extended)
    return declaration
