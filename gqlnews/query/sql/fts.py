"""Render full-text search and more-like-this."""

from functools import partial
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, func, literal_column, select, table, tuple_, union_all

from gqlnews.query.conditions import EVERYTHING
from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.entities import Entity, JoinTable
from gqlnews.query.fields import MoreLikeThis
from gqlnews.query.sql.conditions import full_text_index, render_condition
from gqlnews.query.sql.cte_levels import ParentKey, via_cte
from gqlnews.query.sql.dialect import INTEGER, Dialect, Expression, Lookup, cross_join
from gqlnews.query.sql.objects import columns_for, render_array
from gqlnews.query.sql.rows import (
    LIST_DEPTH,
    ONE,
    Context,
    Row,
    aliased,
    column_ref,
    visible,
)
from gqlnews.query.tree import FieldPlan

# Render full-text search: the hits with their scores, and snippets.
#
#     h3 AS MATERIALIZED (SELECT search_public.rowid AS id, CAST(round(-rank * 1e12) AS INTEGER) AS score
#                         FROM search_public CROSS JOIN article AS t3
#                         WHERE search_public MATCH ? AND t3.id = search_public.rowid AND <the filter>)
#
# An index has only the rows that its audience can see, so hidden rows do not influence the ranks. A score is
# an integer, which a cursor can represent exactly.


def materialize_hits(entity: Entity, shape: ConnectionShape, field: FieldPlan, context: Context) -> JoinTable:
    """Add a CTE of the hits that pass the filter, with their scores, and return it as a join table."""
    number = next(context.numbers)
    alias, filtered = f"t{number}", shape.where != EVERYTHING
    hits = context.dialect.hits(
        full_text_index(entity),
        context.audience.scope,
        context.bind(field, "match"),
        f"m{number}",
        right=Lookup(entity.table, alias, entity.key) if filtered else None,
    )
    query: Any = select(hits.id.label("id"), hits.score.label("score")).select_from(hits.source)
    if hits.condition is not None:
        query = query.where(hits.condition)
    if filtered:
        condition = render_condition(
            shape.where,
            entity,
            partial(column_ref, alias),
            partial(context.bind, field),
            context,
        )
        query = query.where(column_ref(alias, entity.key) == hits.id, condition)
    name = f"h{number}"
    context.materialize(name, query)
    return JoinTable(name, source_key="id", target_key="id", denormalized=frozenset({"score"}))


def prefilter_by_score(
    hits: JoinTable, score_key: Expression, limit: Expression, after: Expression | None
) -> ColumnElement[bool]:
    """Condition for hits whose score is high enough for the page, if it were ordered by score alone.

    SQLite has to read the other sort keys of these hits only.

    n4.score >= (SELECT coalesce(min(b.score), 0) FROM (
        SELECT h3.score AS score FROM h3 WHERE h3.score < :after0 ORDER BY h3.score DESC LIMIT :limit) AS b)
    """
    score = column_ref(hits.table, "score")
    best = select(score.label("score")).select_from(table(hits.table))
    if after is not None:
        best = best.where(score < after)
    best = best.order_by(score.desc()).limit(limit)
    lowest = func.coalesce(func.min(column_ref("b", "score")), literal_column("0"))
    return score_key >= select(lowest).select_from(best.subquery("b")).scalar_subquery()


def render_snippets(entity: Entity, field: FieldPlan, keys: Select[Any], context: Context) -> str:
    """Add a CTE of HTML-escaped snippets (`id`, `passage`) of these hits, with matches in `<mark>`.

    Returns the name of the CTE.
    """
    index, query = full_text_index(entity), context.bind(field, "match")
    number = next(context.numbers)
    name = f"x{number}"
    passages = context.dialect.passages(index, context.audience.scope, query, keys, f"v{number}")
    context.materialize(name, passages)
    return name


# Render more-like-this: the rows that share the rarest words with a row, best match first. The CTEs:
#
#     r5  each parent's words, rarest first, with their rank and cumulative document count
#     q5  per parent, a full-text query for any of the rarest words
#     l5  the excluded rows
#     a5  the other matches, with score and rank by score per parent
#     b5  the best of these, ranked by score, then by the entity's order
#
# The query is cheap because it never contains a word that is in many documents.


MAX_WORDS = 12  # in a query
MAX_TOTAL_COUNT = 1_000  # sum of the document counts of a query's words


def render_more_like_this(
    field: FieldPlan, declaration: MoreLikeThis, row: Row, context: Context
) -> Expression:
    def build(parent_key: ParentKey | None) -> Expression:
        assert parent_key is not None, "a layer has keys"
        return _render_matches(field, declaration, parent_key, context)

    return via_cte(declaration.entity.key, row, context, build, LIST_DEPTH)


def _render_matches(
    field: FieldPlan, declaration: MoreLikeThis, parent_key: ParentKey, context: Context
) -> Expression:
    """Render the list for one parent, and the CTEs for all parents.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t6.title AS title, … FROM b5 JOIN article AS t6 ON t6.id = b5.id
        WHERE b5.parent = k4.key AND b5.rank <= ? ORDER BY b5.rank
    ) AS s6)
    """
    best = _best(field, declaration, parent_key, context)
    chosen = column_ref(best, "rank") <= context.bind(field, "end", INTEGER)
    number = next(context.numbers)
    rows, alias = f"t{number}", f"s{number}"
    entity = declaration.entity

    def all_rows(column: str) -> Select[Any]:
        other = f"t{next(context.numbers)}"
        keys = select(column_ref(best, "id")).select_from(table(best)).where(chosen)
        query = select(column_ref(other, column).label("key")).select_from(aliased(entity.table, other))
        return query.where(column_ref(other, entity.key).in_(keys))

    match = Row(alias, LIST_DEPTH, all_rows)
    joined = table(best).join(
        aliased(entity.table, rows), column_ref(rows, entity.key) == column_ref(best, "id")
    )

    def ordered() -> Select[Any]:
        query = select(*columns_for(match, rows)).select_from(joined)
        query = query.where(
            column_ref(best, "parent") == parent_key.key, chosen, visible(entity, rows, context.audience)
        )
        return query.order_by(column_ref(best, "rank"))

    return render_array(field.selection, match, context, ordered)


def _best(field: FieldPlan, declaration: MoreLikeThis, parent_key: ParentKey, context: Context) -> str:
    """Add the CTEs and return the name of the last, `b5`: the best matches of each parent."""
    number = next(context.numbers)
    rarest, query, excluded, matches, best = (f"{letter}{number}" for letter in "rqlab")
    context.materialize(rarest, _rarest(declaration, parent_key, context))
    context.materialize(query, _query(rarest, declaration.counts, context.dialect))
    context.materialize(excluded, _excluded(declaration, query))
    context.materialize(matches, _matches(declaration, query, excluded, context))
    context.materialize(best, _ranked(declaration.entity, matches, context.bind(field, "end", INTEGER)))
    return best


def _ranked(entity: Entity, matches: str, limit: Expression) -> Select[Any]:
    """Rank the matches that reach the limit, including ties by score, by score and the entity's order."""
    rows = column_ref("rows", entity.key)
    order = ", ".join(f"rows.{term.column}{' DESC' if term.descending else ''}" for term in entity.order)
    rank = f"row_number() OVER (PARTITION BY {matches}.parent ORDER BY {matches}.score DESC, {order})"
    query = select(
        column_ref(matches, "parent").label("parent"),
        column_ref(matches, "id").label("id"),
        literal_column(rank).label("rank"),
    ).select_from(cross_join(matches, f"{entity.table} AS rows"))
    return query.where(rows == column_ref(matches, "id"), column_ref(matches, "rank") <= limit)


def _rarest(declaration: MoreLikeThis, parent_key: ParentKey, context: Context) -> Select[Any]:
    words, counts = declaration.words, declaration.counts
    parent, word = column_ref("words", words.source_key), column_ref("counts", counts.source_key)
    count = column_ref("counts", counts.target_key)
    over = f"OVER (PARTITION BY {parent} ORDER BY {count}, {word} ROWS UNBOUNDED PRECEDING)"
    items = context.dialect.text_items(f"words.{words.target_key}", "each")
    each = f"{items} CROSS JOIN {counts.table} AS counts"
    query = select(
        parent.label("parent"),
        word.label(counts.source_key),
        literal_column(f"row_number() {over}").label("rank"),
        literal_column(f"sum({count}) {over}").label(counts.target_key),
    ).select_from(cross_join(f"{words.table} AS words", each))
    return query.where(
        parent.in_(parent_key.all_keys()),
        visible(counts, "counts", context.audience),
        word == column_ref("each", "value"),
        count > ONE,
    )


def _query(rarest: str, counts: JoinTable, dialect: Dialect) -> Select[Any]:
    expression = dialect.any_word(column_ref(rarest, counts.source_key), column_ref(rarest, "rank"))
    parent = column_ref(rarest, "parent")
    query = select(parent.label("parent"), expression.label("expression")).select_from(table(rarest))
    return query.where(
        column_ref(rarest, "rank") <= literal_column(str(MAX_WORDS)),
        column_ref(rarest, counts.target_key) <= literal_column(str(MAX_TOTAL_COUNT)),
    ).group_by(parent)


def _matches(declaration: MoreLikeThis, query: str, excluded: str, context: Context) -> Select[Any]:
    index, expression = full_text_index(declaration.entity), column_ref(query, "expression")
    hits = context.dialect.hits(index, context.audience.scope, expression, "h", left=query)
    parent = column_ref(query, "parent")
    matches: Any = select(parent.label("parent"), hits.id.label("id"), hits.score.label("score"))
    matches = matches.select_from(hits.source)
    if hits.condition is not None:
        matches = matches.where(hits.condition)
    all_excluded: Select[Any] = select(literal_column("*")).select_from(table(excluded))
    matches = matches.where(tuple_(parent, hits.id).not_in(all_excluded)).subquery("m")
    rank: Expression = literal_column("rank() OVER (PARTITION BY m.parent ORDER BY m.score DESC)")
    columns = (column_ref("m", name).label(name) for name in ("parent", "id", "score"))
    return select(*columns, rank.label("rank")).select_from(matches)


def _excluded(declaration: MoreLikeThis, query: str) -> Select[Any]:
    """Select `parent` and `id` of the excluded rows of each parent.

    These are the rows that share a URL with the parent, including the parent, and those with a URL that the
    parent references.
    """
    urls = declaration.urls
    all_urls = union_all(_urls(query, urls), _urls(query, declaration.referenced_urls)).subquery("urls")
    same = column_ref("others", urls.target_key) == column_ref("urls", urls.target_key)
    parent, other = column_ref("urls", "parent"), column_ref("others", urls.source_key)
    columns = (parent.label("parent"), other.label("id"))
    return select(*columns).select_from(all_urls.join(aliased(urls.table, "others"), same))


def _urls(query: str, urls: JoinTable) -> Select[Any]:
    """Select each parent and the URLs that a join table has for it."""
    parent, target_key = column_ref(query, "parent"), urls.target_key
    rows: Any = select(parent.label("parent"), column_ref("urls", target_key).label(target_key))
    rows = rows.select_from(cross_join(query, f"{urls.table} AS urls"))
    return cast("Select[Any]", rows.where(column_ref("urls", urls.source_key) == parent))
