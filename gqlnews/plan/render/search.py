"""Search: what a query finds and how well, and the passage to show.

    h3 AS MATERIALIZED (SELECT search_public.rowid AS id, CAST(round(-rank * 1e12) AS INTEGER) AS score
                        FROM search_public CROSS JOIN article AS t3
                        WHERE search_public MATCH ? AND t3.id = search_public.rowid AND <the filter>)

An index holds what its audience sees and nothing else, so hidden rows show in no rank. A score is kept as an
integer, which a cursor can hold exactly.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, table

from gqlnews.plan.conditions import EVERYTHING
from gqlnews.plan.declare import Entity, Hits, Junction
from gqlnews.plan.lists import ListShape
from gqlnews.plan.nodes import FieldPlan
from gqlnews.plan.render.conditions import index_of, matching, render_condition
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.rows import column_of, crossed

ONE_POINT = "1e12"
PASSAGE_TOKENS = 24
BEGINS, ENDS, PARTS = "char(2)", "char(3)", "char(57344)"  # of matches; and between topics, or related titles
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
    """How well a row of the index matches, as an integer."""
    return literal_column(f"CAST(round(-{index}.rank * {ONE_POINT}) AS INTEGER)")


def hits_of(hits: Hits, entity: Entity, shape: ListShape, field: FieldPlan, context: Context) -> Junction:
    """What the query that `field` binds finds of the rows that its filter lets through: a table of scores."""
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
        found = found.select_from(crossed(index, f"{entity.table} AS {alias}"))
        found = found.where(column_of(alias, entity.key) == rowid, passes)
    name = f"h{number}"
    context.materialize(name, found)
    return Junction(name, near="id", far="id", copies=frozenset({"score"}))


def worth_ordering(
    hits: Junction, own: Expression, limit: Expression, after: Expression | None
) -> ColumnElement[bool]:
    """Whether a hit's `own` score is as good as the worst on a page by score alone.

    Only these hits need the other keys of the order.

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


def passages_of(hits: Hits, field: FieldPlan, ids: Select[Any], context: Context) -> str:
    """The best passage of each of these hits, as a table of `id` and `passage`: escaped, matches in `<mark>`.

    In one pass: a prefix has its matches gathered anew for each query. The plus keeps it one.
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
