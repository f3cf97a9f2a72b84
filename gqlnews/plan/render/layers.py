"""Layers: where a link is too deep to nest, its answers are made beside the statement and looked up."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import FromClause, Select, func, select

from gqlnews.plan.declare import Match
from gqlnews.plan.nodes import FieldPlan
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.objects import nestings
from gqlnews.plan.render.rows import Row, column_of, item_of

DEEPEST = 7
"""How much links may add up to in one layer: 1 to one row, 2 to many, 3 to a page or group of rows (rows.py),
and 1 more where an object is so wide that it nests in itself.

For so much SQLite 3.40's parser has room, whichever way they lead: tests/plan/test_nesting.py measures it.
Nested, a link costs half as much as through a layer.
"""


@dataclass(frozen=True, slots=True)
class Link:
    """What a linked row is matched with: one key, and all the keys of the level.

    `keys` is the expression that holds them, where a layer begins here; `item`, where it was asked for,
    is the key as an item among items.
    """

    key: Expression
    all_keys: Callable[[], Select[tuple[object]]]
    depth: int
    keys: FromClause | None = None
    item: Expression | None = None


Build = Callable[[Link | None], Expression]


def linked(
    field: FieldPlan, match: Match | None, row: Row, context: Context, build: Build, depth: int
) -> Expression:
    """The link nested in its row where there is room for its `depth`, or through a layer of its own."""
    depth += max(map(nestings, field.objects.values()), default=0)
    if match is None:
        return build(None)
    if match.argument is not None:
        key = context.bind(field, match.argument)
        return build(Link(key, lambda: select(key.label("key")), row.depth + depth))
    assert match.parent is not None
    if row.depth + depth <= DEEPEST:
        parent = match.parent
        return build(Link(row.column(parent), lambda: row.everything(parent), row.depth + depth))
    return layered(match.parent, row, context, build, depth)


def layered(
    parent: str, row: Row, context: Context, build: Build, depth: int, *, as_items: bool = False
) -> Expression:
    """
    WITH k4 AS MATERIALIZED (SELECT DISTINCT key FROM (… all of the level above …) WHERE key IS NOT NULL),
         j4 AS MATERIALIZED (SELECT k4.key, <what build makes of k4.key> AS json FROM k4)
    … json((SELECT j4.json FROM j4 WHERE j4.key = s3.target_id))
    """
    number = next(context.numbers)
    level = row.everything(parent).subquery(f"l{number}")
    level_key = column_of(f"l{number}", "key")
    columns = [level_key.label("key"), *([item_of(level_key).label("item")] if as_items else [])]
    keys = context.materialize(
        f"k{number}", select(*columns).distinct().select_from(level).where(level_key.is_not(None))
    )
    key = column_of(f"k{number}", "key")
    item = column_of(f"k{number}", "item") if as_items else None
    answer = build(Link(key, lambda: select(key.label("key")).select_from(keys), depth, keys, item))
    made = context.materialize(f"j{number}", select(key.label("key"), answer.label("json")).select_from(keys))
    found = (
        select(column_of(f"j{number}", "json"))
        .select_from(made)
        .where(column_of(f"j{number}", "key") == row.column(parent))
    )
    return func.json(found.scalar_subquery())
