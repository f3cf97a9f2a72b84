"""Search: which articles a query finds and how well, and the passage to show.

    h3 AS MATERIALIZED (SELECT rowid AS id,
                            CAST(round(-bm25(search_public, 10, …) * 1e12) AS INTEGER) AS score
                        FROM search_public WHERE search_public MATCH ?)

The index holds what the audience sees and nothing else, so hidden articles show in no rank. A score is kept
as an integer, which a cursor can hold exactly.
"""

from typing import Any

from sqlalchemy import Select, func, literal_column, select, table

from gqlnews.plan.declare import Hits, Junction
from gqlnews.plan.nodes import FieldPlan
from gqlnews.plan.render.conditions import index_of
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.rows import column_of

ONE_POINT = "1e12"
PASSAGE_TOKENS = 24
BEGINS, ENDS, PARTS = "char(2)", "char(3)", "char(57344)"  # of matches; and between topics, or related titles


def hits_of(hits: Hits, field: FieldPlan, context: Context) -> Junction:
    """The matches of the query that `field` binds, as a table of ids and scores."""
    index = index_of(hits.index, context.audience)
    weights = ", ".join(map(str, hits.weights))
    score: Expression = literal_column(f"CAST(round(-bm25({index}, {weights}) * {ONE_POINT}) AS INTEGER)")
    found: Any = (
        select(literal_column("rowid").label("id"), score.label("score"))
        .select_from(table(index))
        .where(literal_column(index).op("MATCH")(context.bind(field, "match")))
    )
    name = f"h{next(context.numbers)}"
    context.materialize(name, found)
    return Junction(name, near="id", far="id", copies=frozenset({"score"}))


def score_of(score: Expression) -> Expression:
    return score / literal_column(ONE_POINT)


def snippet_of(hits: Hits, field: FieldPlan, number: Expression, context: Context) -> Expression:
    """The best passage of one hit, escaped, its matches in `<mark>`."""
    index = index_of(hits.index, context.audience)
    passage: Expression = literal_column(f"snippet({index}, -1, {BEGINS}, {ENDS}, '…', {PASSAGE_TOKENS})")
    for raw, safe in (
        ("'&'", "'&amp;'"),
        ("'<'", "'&lt;'"),
        ("'>'", "'&gt;'"),
        ("'\"'", "'&quot;'"),
        ("''''", "'&#39;'"),
        (PARTS, "'·'"),
        (BEGINS, "'<mark>'"),
        (ENDS, "'</mark>'"),
    ):
        passage = func.replace(passage, literal_column(raw), literal_column(safe))
    found: Select[Any] = select(passage).select_from(table(index))
    matches = literal_column(index).op("MATCH")(context.bind(field, "match"))
    return found.where(matches, column_of(index, "rowid") == number).scalar_subquery()
