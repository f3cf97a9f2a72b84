"""Render full-text search: the hits with their scores, and snippets.

    h3 AS MATERIALIZED (SELECT search_public.rowid AS id, CAST(round(-rank * 1e12) AS INTEGER) AS score
                        FROM search_public CROSS JOIN article AS t3
                        WHERE search_public MATCH ? AND t3.id = search_public.rowid AND <the filter>)

An index holds only the rows that its audience can see, so hidden rows do not influence the ranks. A score is
an integer, which a cursor can represent exactly.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, table

from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.fields import Entity, FullTextMatch, JoinTable
from gqlnews.query.predicates import EVERYTHING
from gqlnews.query.sql.conditions import index_of, matching, render_condition
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.sql_row import column_of, cross_join
from gqlnews.query.tree import FieldPlan

ONE_POINT = "1e12"
PASSAGE_TOKENS = 24
BEGINS, ENDS, PARTS = "char(2)", "char(3)", "char(57344)"  # match markers; separator of list items
SHOWN = (
    ("'&'", "'&amp;'"),
    ("'<'", "'&lt;'"),
    ("'>'", "'&gt;'"),
    ("'\"'", "'&quot;'"),
    ("''''", "'&#39;'"),
    (PARTS, "'·'"),
    (BEGINS, "'<mark>'"),
    (ENDS, "'</mark>'"),
)


def score_of_match(index: str) -> Expression:
    """The relevance score of a row of the index, as an integer."""
    return literal_column(f"CAST(round(-{index}.rank * {ONE_POINT}) AS INTEGER)")


def hits_of(
    hits: FullTextMatch, entity: Entity, shape: ConnectionShape, field: FieldPlan, context: Context
) -> JoinTable:
    """Add a CTE of the hits that pass the filter, with scores, and return it as a join table."""
    index, number = index_of(hits.index, context.audience), next(context.numbers)
    rowid, alias = column_of(index, "rowid"), f"t{number}"
    found: Any = select(rowid.label("id"), score_of_match(index).label("score"))
    found = found.where(matching(index, context.bind(field, "match")))
    if shape.where == EVERYTHING:
        found = found.select_from(table(index))
    else:
        passes = render_condition(
            shape.where,
            lambda name: column_of(alias, name),
            lambda name: context.bind(field, name),
            context.audience,
        )
        found = found.select_from(cross_join(index, f"{entity.table} AS {alias}"))
        found = found.where(column_of(alias, entity.key) == rowid, passes)
    name = f"h{number}"
    context.materialize(name, found)
    return JoinTable(name, near="id", far="id", copies=frozenset({"score"}))


def prefilter_by_score(
    hits: JoinTable, own: Expression, limit: Expression, after: Expression | None
) -> ColumnElement[bool]:
    """Prefilter the hits by score: whether `own` reaches the lowest score of a page ordered by score alone.

    Only these hits need the other sort keys.

    n4.score >= (SELECT coalesce(min(b.score), 0) FROM (
        SELECT h3.score AS score FROM h3 WHERE h3.score < :after0 ORDER BY h3.score DESC LIMIT :limit) AS b)
    """
    score = column_of(hits.table, "score")
    best = select(score.label("score")).select_from(table(hits.table))
    if after is not None:
        best = best.where(score < after)
    best = best.order_by(score.desc()).limit(limit)
    least = func.coalesce(func.min(column_of("b", "score")), literal_column("0"))
    return own >= select(least).select_from(best.subquery("b")).scalar_subquery()


def score_of(score: Expression) -> Expression:
    return score / literal_column(ONE_POINT)


def render_snippets(hits: FullTextMatch, field: FieldPlan, ids: Select[Any], context: Context) -> str:
    """Add a CTE of HTML-escaped snippets (`id`, `passage`) of these hits, with matches in `<mark>`.

    FTS5 collects the matches of a prefix again for each query, so one query makes all snippets; the unary
    plus prevents one query per id.
    """
    index = index_of(hits.index, context.audience)
    passage: Expression = literal_column(f"snippet({index}, -1, {BEGINS}, {ENDS}, '…', {PASSAGE_TOKENS})")
    for raw, safe in SHOWN:
        passage = func.replace(passage, literal_column(raw), literal_column(safe))
    found: Any = select(column_of(index, "rowid").label("id"), passage.label("passage"))
    found = found.select_from(table(index)).where(
        matching(index, context.bind(field, "match")), literal_column(f"+{index}.rowid").in_(ids)
    )
    name = f"x{next(context.numbers)}"
    context.materialize(name, found)
    return name
