"""Render a root field's plan as one SELECT that returns its whole selection as JSON.

1. A relation to other rows (an article's related coverage, their articles, …) is a correlated scalar
   subquery. SQLite 3.40's parser overflows if these nest too deep.
2. So when the nesting depth would exceed `MAX_NESTING`, a new layer of CTEs starts: one CTE collects the
   distinct parent keys (`kN`), one builds the JSON for each key (`jN`), and the parent row looks up the JSON
   for its key. The SQL text grows with the size of the query, not with its depth, and the JSON of rows that
   several parents share is built once.
3. A connection's page is a CTE of its own (`pN`), for all parents at once; its edges, nodes and page info
   read it.

Aliases are numbered, so the same plan always renders to the same text.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, literal_column, select

from gqlnews.query.entities import Audience
from gqlnews.query.fields import (
    ChangeFeed,
    ChangeFeedField,
    ChangeStream,
    Column,
    Connection,
    ConnectionField,
    Differences,
    HistogramFacet,
    JsonArray,
    Literal,
    Many,
    MoreLikeThis,
    Neighbor,
    NodeLookup,
    One,
    StatsFacet,
    TermsFacet,
)
from gqlnews.query.sql.changes import (
    render_change_feed,
    render_change_feed_field,
    render_events,
    select_passing,
)
from gqlnews.query.sql.connections import render_connection, render_connection_field
from gqlnews.query.sql.dialect import AnySelect, Dialect
from gqlnews.query.sql.facets import render_histogram, render_stats_facet, render_terms_facet
from gqlnews.query.sql.fts import render_more_like_this
from gqlnews.query.sql.neighbors import render_neighbor
from gqlnews.query.sql.objects import render_column, render_differences, render_json_array, render_literal
from gqlnews.query.sql.relations import render_many, render_node_lookup, render_one
from gqlnews.query.sql.rows import Context, FieldRenderer, Row
from gqlnews.query.tree import LocatedRequestError, RootPlan

ERROR_PREFIX = "!"  # marks an error in place of JSON, which never starts with it

RENDERERS: dict[type, FieldRenderer] = {
    Column: render_column,
    Literal: render_literal,
    One: render_one,
    Many: render_many,
    Neighbor: render_neighbor,
    JsonArray: render_json_array,
    Connection: render_connection,
    TermsFacet: render_terms_facet,
    StatsFacet: render_stats_facet,
    HistogramFacet: render_histogram,
    Differences: render_differences,
    NodeLookup: render_node_lookup,
    MoreLikeThis: render_more_like_this,
    ChangeFeed: render_change_feed,
    ChangeStream: render_events,
    ConnectionField: render_connection_field,
    ChangeFeedField: render_change_feed_field,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A statement before compilation: its CTEs and the SELECT that reads them."""

    ctes: Mapping[str, AnySelect]
    query: Select[Any]
    errors: tuple[LocatedRequestError, ...]


def render_root(
    plan: RootPlan, audience: Audience, shapes: Mapping[int, Hashable], dialect: Dialect
) -> Rendered:
    """Render the query of a root field: one row with one column, its JSON, or SQL NULL if the field is null.

    If the condition of an error that SQL checks is true, the value is `!` and the error's number instead.
    """
    context = Context(audience, shapes, RENDERERS, dialect)
    value = context.render(plan.field, Row("", 0))
    conditions: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (condition, literal_column(f"'{ERROR_PREFIX}{number}'"))
        for number, (condition, _) in enumerate(context.error_conditions)
    ]
    checked = case(*conditions, else_=value) if conditions else value
    return Rendered(
        context.ctes, select(checked.label("json")), tuple(error for _, error in context.error_conditions)
    )


def render_change_filter(
    plan: RootPlan, audience: Audience, shapes: Mapping[int, Hashable], dialect: Dialect
) -> Rendered:
    """Render the query that evaluates a subscription's filter before and after changes."""
    context = Context(audience, shapes, RENDERERS, dialect)
    return Rendered({}, select_passing(plan.field, context), ())
