"""Render the statement that finds the keys of objects whose names were used in place of keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    exists,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)

from gqlnews.query.entities import Audience, NamedObjects
from gqlnews.query.sql.dialect import TEXT, Dialect
from gqlnews.query.sql.rows import aliased, column_ref, visible

MAX_FOUND = 50  # keys of one request


def render_key_lookup(kinds: Sequence[NamedObjects], audience: Audience, dialect: Dialect) -> Select[Any]:
    """Render the query of the keys for names, a JSON array of `[number, key]`.

    For each kind of objects a JSON array of `[number, name, key of that name or null]` is bound, as
    `lookup0`, `lookup1` and so on. A name that is a key has no result.

    SELECT json_group_array(json_array(s.number, s.key)) FROM (
        SELECT (v0.value ->> 0) AS number, t0.slug AS key FROM json_each(:lookup0) AS v0, topic AS t0
        WHERE t0.scope = 0 AND (t0.slug = v0.value ->> 2 OR lower(t0.name) = lower(v0.value ->> 1))
            AND NOT EXISTS (SELECT 1 FROM topic AS k0 WHERE k0.scope = 0 AND k0.slug = v0.value ->> 1)
        UNION ALL … ORDER BY number, key LIMIT 50
    ) AS s
    """
    queries = [_select_keys(number, kind, audience, dialect) for number, kind in enumerate(kinds)]
    limited = union_all(*queries).order_by("number", "key").limit(literal_column(str(MAX_FOUND)))
    pair = dialect.json_array(column_ref("s", "number"), column_ref("s", "key"))
    return select(dialect.json_collect(pair)).select_from(limited.subquery("s"))


def _select_keys(number: int, kind: NamedObjects, audience: Audience, dialect: Dialect) -> Select[Any]:
    entity, values, rows, keys = kind.entity, f"v{number}", f"t{number}", f"k{number}"
    position, name, key = dialect.integer(_item(values, 0)), _item(values, 1), _item(values, 2)
    source = dialect.json_items(dialect.bind(f"lookup{number}", TEXT), values)
    same_key: Select[Any] = select(literal_column("1")).select_from(aliased(entity.table, keys))
    is_key = exists(same_key.where(visible(entity, keys, audience), column_ref(keys, entity.key) == name))
    has_name = dialect.lower(column_ref(rows, kind.name_column)) == dialect.lower(name)
    return (
        select(position.label("number"), column_ref(rows, entity.key).label("key"))
        .select_from(source, aliased(entity.table, rows))
        .where(visible(entity, rows, audience))
        .where(or_(column_ref(rows, entity.key) == key, has_name))
        .where(not_(is_key))
    )


def _item(values: str, index: int) -> ColumnElement[Any]:
    return literal_column(f"({values}.value ->> {index})")
