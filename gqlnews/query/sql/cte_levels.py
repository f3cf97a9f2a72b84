"""Render relations that would be nested too deep in CTEs of their own (a new layer), joined by parent key."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import FromClause, Select, select

from gqlnews.query.fields import JoinKey
from gqlnews.query.sql.dialect import TEXT, Expression
from gqlnews.query.sql.rows import Context, Row, column_ref, encode_item
from gqlnews.query.tree import FieldPlan


@dataclass(frozen=True, slots=True)
class ParentKey:
    """The parent key that related rows are matched with.

    `key` is the key of one parent row, and `all_keys` selects the keys of the whole level. `depth` is the
    nesting depth of the related rows. `keys` is the CTE of the keys if a layer starts here, and `item` the
    key escaped as a list item if the relation needs it.
    """

    key: Expression
    all_keys: Callable[[], Select[tuple[object]]]
    depth: int
    keys: FromClause | None = None
    item: Expression | None = None


Build = Callable[[ParentKey | None], Expression]


def nest_or_join(
    field: FieldPlan, match: JoinKey | None, row: Row, context: Context, build: Build, depth: int
) -> Expression:
    """Nest the relation in its parent row if the depth allows it, else build it in a layer of its own."""
    insert_depth = context.dialect.insert_depth
    depth += max((insert_depth(len(plan.fields)) for plan in field.objects.values()), default=0)
    if match is None:
        return build(None)
    if match.argument is not None:
        key = context.bind(field, match.argument, TEXT)
        return build(ParentKey(key, lambda: select(key.label("key")), row.depth + depth))
    assert match.parent is not None
    if row.depth + depth <= context.dialect.max_nesting:
        parent = match.parent
        return build(ParentKey(row.column(parent), lambda: row.all_rows(parent), row.depth + depth))
    return via_cte(match.parent, row, context, build, depth)


def via_cte(
    parent: str, row: Row, context: Context, build: Build, depth: int, *, as_items: bool = False
) -> Expression:
    """Build the relation for all parent keys in CTEs, and look up the result for the row's key.

    WITH k4 AS MATERIALIZED (SELECT DISTINCT key FROM (… the level above …) WHERE key IS NOT NULL),
         j4 AS MATERIALIZED (SELECT k4.key, <the expression from `build`> AS json FROM k4)
    … json((SELECT j4.json FROM j4 WHERE j4.key = s3.target_id))
    """
    number = next(context.numbers)
    level = row.all_rows(parent).subquery(f"l{number}")
    level_key = column_ref(f"l{number}", "key")
    item = encode_item(level_key, context.dialect)
    columns = [level_key.label("key"), *([item.label("item")] if as_items else [])]
    keys = context.materialize(
        f"k{number}", select(*columns).distinct().select_from(level).where(level_key.is_not(None))
    )
    key = column_ref(f"k{number}", "key")
    parent_key = ParentKey(
        key,
        lambda: select(key.label("key")).select_from(keys),
        depth,
        keys,
        column_ref(f"k{number}", "item") if as_items else None,
    )
    json = build(parent_key)
    results = context.materialize(
        f"j{number}", select(key.label("key"), json.label("json")).select_from(keys)
    )
    lookup = (
        select(column_ref(f"j{number}", "json"))
        .select_from(results)
        .where(column_ref(f"j{number}", "key") == row.column(parent))
    )
    return context.dialect.json(lookup.scalar_subquery())
