"""Render a root field's plan as one SELECT that returns its whole subtree as JSON.

1. A relation to other rows (an article's related coverage, their articles, …) is a correlated scalar
   subquery. SQLite 3.40's parser overflows if these nest too deep.
2. So when the nesting depth would exceed `DEEPEST`, a new layer of CTEs starts: one collects the distinct
   parent keys (`kN`), one builds the JSON for each key (`jN`), and the parent row looks its own up. The SQL
   text grows with the size of the query, not with its depth, and rows shared by many parents are built once.
3. A connection's page is a CTE of its own (`pN`), for all parents at once; its edges, nodes and page info
   read it.

Aliases are numbered, so the same plan always renders to the same text.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, literal_column, select

from gqlnews.query.fields import (
    Audience,
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
    NodeLookup,
    One,
    StatsFacet,
    TermsFacet,
)
from gqlnews.query.sql.changes import render_events, render_log, render_log_part, render_passing
from gqlnews.query.sql.connections import render_connection, render_part
from gqlnews.query.sql.facets import render_groups, render_intervals, render_statistics
from gqlnews.query.sql.fts import render_similar
from gqlnews.query.sql.objects import render_column, render_differences, render_items, render_literal
from gqlnews.query.sql.relations import render_many, render_one, render_refs
from gqlnews.query.sql.rows import AnySelect, Context, FieldRenderer, Row
from gqlnews.query.tree import RequestRefusedError, RootPlan

REFUSED = "!"  # no JSON text starts with it

RENDERERS: dict[type, FieldRenderer] = {
    Column: render_column,
    Literal: render_literal,
    One: render_one,
    Many: render_many,
    JsonArray: render_items,
    Connection: render_connection,
    TermsFacet: render_groups,
    StatsFacet: render_statistics,
    HistogramFacet: render_intervals,
    Differences: render_differences,
    NodeLookup: render_refs,
    MoreLikeThis: render_similar,
    ChangeFeed: render_log,
    ChangeStream: render_events,
    ConnectionField: render_part,
    ChangeFeedField: render_log_part,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A statement before compilation: its CTEs and the SELECT that reads them."""

    expressions: Mapping[str, AnySelect]
    query: Select[Any]
    refusals: tuple[RequestRefusedError, ...]


def render_root(plan: RootPlan, audience: Audience, shapes: Mapping[int, Hashable]) -> Rendered:
    """Render the query of a root field: one row with one column, its JSON, or SQL NULL if the field is null.

    If the condition of a refusal (an error checked in SQL) holds, the value is `!` and its number instead.
    """
    context = Context(audience, shapes, RENDERERS)
    answer = context.render(plan.field, Row.nowhere())
    conditions: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (condition, literal_column(f"'{REFUSED}{number}'"))
        for number, (condition, _) in enumerate(context.refusals)
    ]
    whole = case(*conditions, else_=answer) if conditions else answer
    return Rendered(
        context.expressions, select(whole.label("json")), tuple(error for _, error in context.refusals)
    )


def render_passing_keys(plan: RootPlan, audience: Audience, shapes: Mapping[int, Hashable]) -> Rendered:
    """Render the query that reduces the bound keys to those of rows that pass a subscription's filter."""
    return Rendered({}, render_passing(plan.field, Context(audience, shapes, RENDERERS)), ())
