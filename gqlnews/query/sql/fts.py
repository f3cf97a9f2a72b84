"""Render full-text search and more-like-this."""

from typing import Any, cast

from sqlalchemy import ColumnElement, Select, func, literal_column, select, table, tuple_, union_all

from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.fields import Audience, Entity, FullTextMatch, JoinTable, MoreLikeThis
from gqlnews.query.predicates import EVERYTHING
from gqlnews.query.sql.conditions import index_of, matching, render_condition
from gqlnews.query.sql.cte_levels import Link, via_cte
from gqlnews.query.sql.objects import columns_for, render_array
from gqlnews.query.sql.rows import LISTED, Context, Expression, Row, aliased, column_of, cross_join, visible
from gqlnews.query.tree import FieldPlan

# Render full-text search: the hits with their scores, and snippets.
#
#     h3 AS MATERIALIZED (SELECT search_public.rowid AS id, CAST(round(-rank * 1e12) AS INTEGER) AS score
#                         FROM search_public CROSS JOIN article AS t3
#                         WHERE search_public MATCH ? AND t3.id = search_public.rowid AND <the filter>)
#
# An index holds only the rows that its audience can see, so hidden rows do not influence the ranks. A score
# is an integer, which a cursor can represent exactly.


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


# Render more-like-this: the rows that share the rarest words with a row, best match first. The CTEs:
#
#     r5  each parent's words, rarest first, with position and cumulative document count
#     q5  per parent, a full-text query for any of the rarest words
#     l5  the excluded rows
#     a5  the other matches, with score and rank by score per parent
#     b5  the best of these in full order: by score, then by the entity's order
#
# The query stays cheap because it never contains words that many documents have.


MAX_WORDS = 12  # of a query
MAX_DOCUMENTS = 1_000  # sum of the document counts of a query's words


def render_similar(field: FieldPlan, row: Row, context: Context) -> Expression:
    return via_cte("id", row, context, lambda link: _similar(field, link, context), LISTED)


def _similar(field: FieldPlan, link: Link | None, context: Context) -> Expression:
    """Render the list for one parent, and the CTEs for all parents.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t6.title AS title, … FROM b5 JOIN article AS t6 ON t6.id = b5.id
        WHERE b5.parent = k4.key AND b5.place <= ? ORDER BY b5.place
    ) AS s6)
    """
    declaration = field.declaration
    assert isinstance(declaration, MoreLikeThis)
    assert link is not None, "a layer has keys"
    best = _best(field, declaration, link, context)
    chosen = column_of(best, "place") <= context.bind(field, "end")
    number = next(context.numbers)
    rows, alias = f"t{number}", f"s{number}"
    entity = declaration.entity

    def everything(column: str) -> Select[Any]:
        other = f"t{next(context.numbers)}"
        ids = select(column_of(best, "id")).select_from(table(best)).where(chosen)
        query = select(column_of(other, column).label("key")).select_from(aliased(entity.table, other))
        return query.where(column_of(other, entity.key).in_(ids))

    one = Row(alias, LISTED, everything)
    joined = table(best).join(
        aliased(entity.table, rows), column_of(rows, entity.key) == column_of(best, "id")
    )

    def ordered() -> Select[Any]:
        found = select(*columns_for(one, rows)).select_from(joined)
        found = found.where(
            column_of(best, "parent") == link.key, chosen, visible(entity, rows, context.audience)
        )
        return found.order_by(column_of(best, "place"))

    return render_array(field.selection, one, context, ordered)


def _best(field: FieldPlan, declaration: MoreLikeThis, link: Link, context: Context) -> str:
    """Add the CTEs and return the name of the last, `b5`: the best matches of each parent."""
    number = next(context.numbers)
    rarest, query, left_out, alike, best = (f"{letter}{number}" for letter in "rqlab")
    context.materialize(rarest, _rarest(declaration, link, context.audience))
    context.materialize(query, _query(rarest))
    context.materialize(left_out, _left_out(declaration, query))
    context.materialize(alike, _matches(declaration, query, left_out, context.audience))
    context.materialize(best, _ordered(declaration.entity, alike, context.bind(field, "end")))
    return best


def _ordered(entity: Entity, alike: str, limit: Expression) -> Select[Any]:
    """Rank the candidates for a page, including ties by score, in the full order."""
    rows = column_of("rows", entity.key)
    order = ", ".join(f"rows.{term.column}{' DESC' if term.descending else ''}" for term in entity.order)
    place = f"row_number() OVER (PARTITION BY {alike}.parent ORDER BY {alike}.score DESC, {order})"
    query = select(
        column_of(alike, "parent").label("parent"),
        column_of(alike, "id").label("id"),
        literal_column(place).label("place"),
    ).select_from(cross_join(alike, f"{entity.table} AS rows"))
    return query.where(rows == column_of(alike, "id"), column_of(alike, "place") <= limit)


def _rarest(declaration: MoreLikeThis, link: Link, audience: Audience) -> Select[Any]:
    words, counts = declaration.words, declaration.counts
    word, documents = column_of("counts", "word"), column_of("counts", "documents")
    by = "PARTITION BY words.article_id ORDER BY counts.documents, counts.word"
    over = f"OVER ({by} ROWS UNBOUNDED PRECEDING)"
    source = cross_join(f"{words} AS words", f"json_each(words.words) AS each CROSS JOIN {counts} AS counts")
    query = select(
        column_of("words", "article_id").label("parent"),
        word.label("word"),
        literal_column(f"row_number() {over}").label("place"),
        literal_column(f"sum(counts.documents) {over}").label("documents"),
    ).select_from(source)
    return query.where(
        column_of("words", "article_id").in_(link.all_keys()),
        column_of("counts", "scope") == literal_column(str(audience.scope)),
        word == column_of("each", "value"),
        documents > literal_column("1"),
    )


def _query(rarest: str) -> Select[Any]:
    word = column_of(rarest, "word")
    quoted = literal_column("'\"'").concat(word).concat(literal_column("'\"'"))
    some = func.group_concat(quoted, literal_column("' OR '"))
    parent = column_of(rarest, "parent")
    query = select(parent.label("parent"), some.label("expression")).select_from(table(rarest))
    return query.where(
        column_of(rarest, "place") <= literal_column(str(MAX_WORDS)),
        column_of(rarest, "documents") <= literal_column(str(MAX_DOCUMENTS)),
    ).group_by(parent)


def _matches(declaration: MoreLikeThis, query: str, left_out: str, audience: Audience) -> Select[Any]:
    index = index_of(declaration.index, audience)
    rowid, parent = column_of(index, "rowid"), column_of(query, "parent")
    matches: Any = select(
        parent.label("parent"), rowid.label("id"), score_of_match(index).label("score")
    ).select_from(cross_join(query, index))
    matches = matches.where(
        matching(index, column_of(query, "expression")),
        tuple_(parent, rowid).not_in(select(literal_column("*")).select_from(table(left_out))),
    ).subquery("m")
    place: Expression = literal_column("rank() OVER (PARTITION BY m.parent ORDER BY m.score DESC)")
    columns = (column_of("m", name).label(name) for name in ("parent", "id", "score"))
    return select(*columns, place.label("place")).select_from(matches)


def _left_out(declaration: MoreLikeThis, query: str) -> Select[Any]:
    """Select `parent` and `id` of rows with a name of the parent (so itself too) or one that it lists."""
    named, lists = declaration.named, declaration.lists
    own = _names(query, named.table, key=named.far, name=named.near)
    listed = _names(query, lists.table, key=lists.near, name=lists.far)
    names = union_all(own, listed).subquery("names")
    others = aliased(named.table, "others")
    source = names.join(others, column_of("others", named.near) == column_of("names", "name"))
    columns = (column_of("names", "parent").label("parent"), column_of("others", named.far).label("id"))
    return select(*columns).select_from(source)


def _names(query: str, names: str, *, key: str, name: str) -> Select[Any]:
    parent = column_of(query, "parent")
    found: Any = select(parent.label("parent"), column_of("names", name).label("name"))
    found = found.select_from(cross_join(query, f"{names} AS names"))
    return cast("Select[Any]", found.where(column_of("names", key) == parent))
