"""Render: a root field's plan to one SELECT that gives its whole subtree as JSON.

1. A link to other rows (an article's related coverage, their articles, …) is a correlated scalar subquery.
   SQLite 3.40's parser overflows where these nest deeper than a few links.
2. So below `DEEPEST` links a layer begins: one CTE collects the distinct keys that the rows above hold
   (`kN`), one makes the JSON of each key (`jN`), and the row above looks its own up. The text grows with
   the size of the query and not with its depth, and a row that many parents share is made once.
3. A connection's page is a CTE of its own (`pN`), for all parents at once; its edges, nodes and page info
   read it.

Aliases are numbered, so the same plan gives the same text.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from gqlnews.plan.audience import Audience
from gqlnews.plan.declare import Column, Connection, Items, Literal, Many, One, Part, Refs
from gqlnews.plan.nodes import RootPlan
from gqlnews.plan.render.connections import render_connection, render_part
from gqlnews.plan.render.context import Context
from gqlnews.plan.render.links import render_items, render_many, render_one
from gqlnews.plan.render.objects import render_column, render_literal
from gqlnews.plan.render.refs import render_refs
from gqlnews.plan.render.rows import Row

RENDERERS = {
    Column: render_column,
    Literal: render_literal,
    One: render_one,
    Many: render_many,
    Items: render_items,
    Connection: render_connection,
    Refs: render_refs,
    Part: render_part,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A statement before it is text: its common table expressions, and the SELECT that reads them."""

    expressions: Mapping[str, Select[Any]]
    query: Select[Any]


def render_root(plan: RootPlan, audience: Audience, shapes: Mapping[int, Hashable]) -> Rendered:
    """The query gives one row of one column: the JSON of the root field, SQL NULL where the field is null."""
    context = Context(audience, shapes, RENDERERS)
    query = select(context.render(plan.field, Row.nowhere()).label("json"))
    return Rendered(context.expressions, query)
