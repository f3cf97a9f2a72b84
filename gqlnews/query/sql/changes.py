"""Render change feeds (`changes`) and change streams (subscriptions)."""

from functools import partial
from typing import Any

from sqlalchemy import Select, and_, case, func, literal_column, or_, select, table, union_all
from sqlalchemy.types import TypeEngine

from gqlnews.errors import Code
from gqlnews.query.conditions import All, AnyOf, Comparison, Not
from gqlnews.query.entities import Entity
from gqlnews.query.fields import ChangeFeed, ChangeFeedField, ChangeStream
from gqlnews.query.sql.conditions import render_condition
from gqlnews.query.sql.dialect import INTEGER, TEXT, Expression
from gqlnews.query.sql.objects import columns_for, quoted, render_array, render_object
from gqlnews.query.sql.rows import (
    LIST_DEPTH,
    ONE,
    ZERO,
    Context,
    Row,
    aliased,
    column_ref,
    visible,
)
from gqlnews.query.tree import FieldPlan

# Render a change feed: objects changed after a version, oldest first, each once, in its current state.
#
#     w2 AS MATERIALIZED (SELECT version, number, forgotten, <'epoch-'> AS epoch FROM site WHERE audience = 0)
#     c2 AS MATERIALIZED (SELECT slug, version AS number, <ADDED, …> AS kind, <slug or null> AS current_key
#                         FROM article_change WHERE scope = 0 AND version > :since …
#                         ORDER BY version LIMIT :limit + 1)
#
# Bound values: `epoch` (of the store and audience, with its trailing `-`; null if the client passed no
# version), `since` and `started` (numbers), `limit`. A client that pages through all content may be at a
# version older than the newest removal that was pruned from the change log. That is safe if the client
# started after that removal. So until it has passed that removal, its versions include the number at which it
# started: `epoch-number-started`.

EPOCH_CHANGED = (
    "`since` is from before the database was rebuilt, or from a caller with different access: start again "
    "without `since`."
)
UNKNOWN_VERSION = "`since` is not a known version: pass a `version` that the API returned."
VERSION_EXPIRED = "`since` is older than the oldest removal in the change log: start again without `since`."


def render_change_feed(field: FieldPlan, declaration: ChangeFeed, _row: Row, context: Context) -> Expression:
    feed = ChangeFeedRow(field, declaration, context)
    feed.validate_since()
    return render_object(field.selection, feed, context)


class ChangeFeedRow(Row):
    """The change feed object. It has no columns, but a page of changes and the state of the audience."""

    def __init__(self, field: FieldPlan, declaration: ChangeFeed, context: Context) -> None:
        super().__init__("", 1)
        self.field, self.declaration, self.context = field, declaration, context
        number = next(context.numbers)
        self.state, self.changes = f"w{number}", f"c{number}"
        context.materialize(self.state, self._state())
        context.materialize(self.changes, self._changes(f"n{number}"))

    def bound(self, name: str) -> Expression:
        return self.context.bind(self.field, name, TEXT if name == "epoch" else INTEGER)

    def state_column(self, name: str) -> Expression:
        """Read a column of the state: (SELECT w2.number FROM w2)."""
        return select(column_ref(self.state, name)).select_from(table(self.state)).scalar_subquery()

    def page(self, *columns: Expression) -> Select[Any]:
        """Select from the page of changes, without the extra row that shows whether there are more."""
        rows = select(*columns).select_from(table(self.changes))
        return rows.order_by(column_ref(self.changes, "number")).limit(self.bound("limit"))

    @property
    def has_more(self) -> Expression:
        counted = select(func.count()).select_from(table(self.changes)).scalar_subquery()
        return counted > self.bound("limit")

    @property
    def version(self) -> Expression:
        """The version to continue from; the current version of the audience if there are no more changes."""
        numbers = self.page(column_ref(self.changes, "number").label("number")).subquery("last")
        last: Expression = func.coalesce(
            select(func.max(column_ref("last", "number"))).select_from(numbers).scalar_subquery(),
            self.bound("since"),
        )
        feed = self.declaration
        started = func.coalesce(self.bound("started"), self.state_column(feed.number))
        suffix = case(
            (last < self.state_column(feed.last_pruned), literal_column("'-'").concat(started)),
            else_=literal_column("''"),
        )
        unfinished = self.state_column("epoch").concat(last).concat(suffix)
        return case((self.has_more, unfinished), else_=self.state_column(feed.version))

    def validate_since(self) -> None:
        """Fail the request if `since` is of another epoch, unknown, or older than a pruned deletion."""
        since, started, epoch = self.bound("since"), self.bound("started"), self.bound("epoch")
        number = self.state_column(self.declaration.number)
        last_pruned = self.state_column(self.declaration.last_pruned)
        newest = self.context.dialect.if_null(started, since)
        self.context.fail_if(
            and_(epoch.is_distinct_from(self.state_column("epoch")), epoch.is_not(None)),
            self.field,
            Code.VERSION_TOO_OLD,
            EPOCH_CHANGED,
        )
        self.context.fail_if(
            or_(since > number, newest > number),
            self.field,
            Code.BAD_VERSION,
            UNKNOWN_VERSION,
        )
        self.context.fail_if(
            and_(since > literal_column("0"), newest < last_pruned),
            self.field,
            Code.VERSION_TOO_OLD,
            VERSION_EXPIRED,
        )

    def _state(self) -> Select[Any]:
        alias, feed = "state", self.declaration
        version = column_ref(alias, feed.version)
        end = self.context.dialect.position(version, literal_column("'-'"))
        epoch = func.substr(version, literal_column("1"), end)
        columns = (
            column_ref(alias, name).label(name) for name in (feed.version, feed.number, feed.last_pruned)
        )
        query = select(*columns, epoch.label("epoch")).select_from(aliased(feed.state.table, alias))
        return query.where(visible(feed.state, alias, self.context.audience))

    def _changes(self, alias: str) -> Select[Any]:
        feed, since = self.declaration, self.bound("since")
        key, change = column_ref(alias, feed.changes.key), column_ref(alias, feed.change_number)
        is_deleted = column_ref(alias, feed.is_deleted)
        created, changed, deleted = map(quoted, feed.kinds)
        kind = case(
            (is_deleted == ONE, deleted),
            (column_ref(alias, feed.last_creation) > since, created),
            else_=changed,
        )
        query = select(
            key.label(feed.changes.key),
            change.label("number"),
            kind.label("kind"),
            case((is_deleted == ZERO, key)).label("current_key"),
        ).select_from(aliased(feed.changes.table, alias))
        is_known = or_(is_deleted == ZERO, column_ref(alias, feed.first_creation) <= since)
        query = query.where(visible(feed.changes, alias, self.context.audience), change > since, is_known)
        return query.order_by(change).limit(self.bound("limit") + ONE)


def _changes(field: FieldPlan, feed: ChangeFeedRow, context: Context) -> Expression:
    """Render the changes.

    (SELECT json_group_array(json_object(…)) FROM (SELECT c2.slug AS slug, … FROM c2 … LIMIT ?) AS s3)
    """
    alias = f"s{next(context.numbers)}"
    change = Row(alias, LIST_DEPTH, lambda name: feed.page(column_ref(feed.changes, name).label("key")))
    version = feed.state_column("epoch").concat(column_ref(feed.changes, "number")).label("version")

    def ordered() -> Select[Any]:
        columns = columns_for(change, feed.changes)
        return feed.page(*(version if one.name == "version" else one for one in columns))

    return render_array(field.selection, change, context, ordered)


def render_change_feed_field(
    field: FieldPlan, part: ChangeFeedField, feed: ChangeFeedRow, context: Context
) -> Expression:
    match part:
        case ChangeFeedField.CHANGES:
            return _changes(field, feed, context)
        case ChangeFeedField.VERSION:
            return feed.version
        case ChangeFeedField.HAS_MORE:
            return context.dialect.json_boolean(feed.has_more)


# Render the two statements of a change stream (subscription).
#
# The first evaluates the filter before and after changes. It selects the keys of earlier states and the
# keys of the rows that pass:
#
#     SELECT json_group_array(passing) FROM (
#         SELECT t1.id AS passing FROM article_before AS t1
#         WHERE t1.id IN (SELECT value FROM json_each(:before_keys)) AND <visible> AND <the filter>
#         UNION ALL
#         SELECT t2.slug AS passing FROM article AS t2
#         WHERE t2.slug IN (SELECT value FROM json_each(:keys)) AND <visible> AND <the filter, +t2.title = …>)
#
# The second renders each event as one line of JSON, which contains no line feed of its own:
#
#     WITH e1 AS MATERIALIZED (SELECT value ->> 'slug' AS slug, …, key AS position FROM json_each(:events))
#     SELECT group_concat(json_object('kind', s2.kind, …), char(10))
#     FROM (SELECT e1.slug AS slug, … FROM e1 ORDER BY e1.position) AS s2

BEFORE_KEYS, KEYS, EVENTS = "before_keys", "keys", "events"
"""Bound values: JSON arrays of keys of earlier states, of keys, and of objects with columns of a change."""


def select_passing(field: FieldPlan, context: Context) -> Select[Any]:
    """Select the bound keys of earlier states and of rows that pass the filter, as a JSON array."""
    stream = field.declaration
    assert isinstance(stream, ChangeStream)
    before = _select_passing_rows(field, context, stream.before, stream.before.key, BEFORE_KEYS, INTEGER)
    after = _select_passing_rows(field, context, stream.entity, stream.key, KEYS, TEXT)
    passing = context.dialect.json_collect(column_ref("p", "passing")).label("json")
    return select(passing).select_from(union_all(before, after).subquery("p"))


def _select_passing_rows(
    field: FieldPlan,
    context: Context,
    entity: Entity,
    key_name: str,
    bound: str,
    type_: TypeEngine[Any],
) -> Select[Any]:
    dialect = context.dialect
    condition = context.shapes[field.number]
    assert isinstance(condition, All | AnyOf | Not | Comparison)
    alias = f"t{next(context.numbers)}"
    key = column_ref(alias, key_name)
    condition_sql = render_condition(
        condition,
        entity,
        partial(dialect.unindexed, alias),  # rows are found by key, not by the index of a filter
        partial(context.bind, field),
        context,
    )
    return (
        select(dialect.json_value(key).label("passing"))
        .select_from(aliased(entity.table, alias))
        .where(
            dialect.is_item(key, context.bind(field, bound, TEXT), type_),
            visible(entity, alias, context.audience),
            condition_sql,
        )
    )


def render_events(field: FieldPlan, declaration: ChangeStream, _row: Row, context: Context) -> Expression:
    """Render each of the bound events as one line of JSON, in order."""
    number = next(context.numbers)
    name, alias = f"e{number}", f"s{number}"
    members = (declaration.key, "kind", "version", "current_key")
    columns: list[Expression] = [literal_column(f"value ->> '{member}'").label(member) for member in members]
    position: Expression = literal_column("key").label("position")
    events = context.dialect.json_items(context.bind(field, EVENTS, TEXT))
    context.materialize(name, select(*columns, position).select_from(events))
    event = Row(
        alias,
        LIST_DEPTH,
        lambda column: select(column_ref(name, column).label("key")).select_from(table(name)),
    )
    rendered = render_object(field.selection, event, context)
    ordered = (
        select(*columns_for(event, name)).select_from(table(name)).order_by(column_ref(name, "position"))
    )
    lines = context.dialect.json_lines(rendered)
    return select(lines).select_from(ordered.subquery(alias)).scalar_subquery()
