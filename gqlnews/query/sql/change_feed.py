"""Render a change feed: objects changed after a version, oldest first, each once, in its current state.

    w2 AS MATERIALIZED (SELECT version, number, forgotten, <'line-'> AS line FROM site WHERE audience = 0)
    c2 AS MATERIALIZED (SELECT slug, version AS number, <ADDED, …> AS kind, <slug> AS there
                        FROM article_change WHERE scope = 0 AND version > :since …
                        ORDER BY version LIMIT :limit + 1)

Bound values: `line` (the epoch of the store and audience as `line-`, null if the client passed no version),
`since` and `started` (numbers), `limit`. A client that pages through all content may be at a version older
than the newest forgotten removal. That is safe if it started after that removal, so until it has passed that
point its versions include the start: `line-number-started`.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, and_, case, func, literal_column, or_, select, table

from gqlnews.errors import Code
from gqlnews.query.fields import ChangeFeed, ChangeFeedField, Kind
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.objects import columns_for, render_array, render_object
from gqlnews.query.sql.sql_row import LISTED, Row, aliased, as_json, column_of, no_relation, visible
from gqlnews.query.tree import FieldPlan

EPOCH_CHANGED = (
    "`since` comes from a rebuilt database or from a caller with other access: start again without `since`."
)
UNKNOWN_VERSION = "`since` is not a known version: pass a `version` that the API returned."
VERSION_EXPIRED = "`since` is older than the change log: start again without `since`."


def render_log(field: FieldPlan, _row: Row, context: Context) -> Expression:
    declaration = field.declaration
    assert isinstance(declaration, ChangeFeed)
    log = LogRow(field, declaration, context)
    log.validate_since()
    return render_object(field.selection, log, context)


class LogRow(Row):
    """The change feed object: it has no columns, but a page of changes and the state of the audience."""

    def __init__(self, field: FieldPlan, declaration: ChangeFeed, context: Context) -> None:
        super().__init__("", 1, no_relation)
        self.field, self.context = field, context
        number = next(context.numbers)
        self.state, self.changes = f"w{number}", f"c{number}"
        context.materialize(self.state, self._state(declaration))
        context.materialize(self.changes, self._changes(declaration, f"n{number}"))

    def bound(self, name: str) -> Expression:
        return self.context.bind(self.field, name)

    def of_state(self, name: str) -> Expression:
        """Read a column of the state: (SELECT w2.number FROM w2)."""
        return select(column_of(self.state, name)).select_from(table(self.state)).scalar_subquery()

    def page(self, *columns: Expression) -> Select[Any]:
        """Select from the page of changes, without the extra row that signals more."""
        rows = select(*columns).select_from(table(self.changes))
        return rows.order_by(column_of(self.changes, "number")).limit(self.bound("limit"))

    @property
    def has_more(self) -> Expression:
        counted = select(func.count()).select_from(table(self.changes)).scalar_subquery()
        return counted > self.bound("limit")

    @property
    def version(self) -> Expression:
        """The version to continue from; the current version of the audience if there are no more changes."""
        numbers = self.page(column_of(self.changes, "number").label("number")).subquery("last")
        last: Expression = func.coalesce(
            select(func.max(column_of("last", "number"))).select_from(numbers).scalar_subquery(),
            self.bound("since"),
        )
        started = literal_column("'-'").concat(func.coalesce(self.bound("started"), self.of_state("number")))
        within = self.of_state("line").concat(last)
        within = within.concat(case((last < self.of_state("forgotten"), started), else_=literal_column("''")))
        return case((self.has_more, within), else_=self.of_state("version"))

    def validate_since(self) -> None:
        """Fail the request if `since` is of another epoch, unknown, or older than the forgotten removals."""
        since, started, line = self.bound("since"), self.bound("started"), self.bound("line")
        number, forgotten = self.of_state("number"), self.of_state("forgotten")
        self.context.refuse_where(
            and_(line.is_distinct_from(self.of_state("line")), line.is_not(None)),
            self.field,
            Code.VERSION_TOO_OLD,
            EPOCH_CHANGED,
        )
        self.context.refuse_where(
            or_(since > number, func.ifnull(started, since) > number),
            self.field,
            Code.BAD_VERSION,
            UNKNOWN_VERSION,
        )
        self.context.refuse_where(
            and_(since > literal_column("0"), func.ifnull(started, since) < forgotten),
            self.field,
            Code.VERSION_TOO_OLD,
            VERSION_EXPIRED,
        )

    def _state(self, declaration: ChangeFeed) -> Select[Any]:
        alias = "state"
        version = column_of(alias, "version")
        line = func.substr(version, literal_column("1"), func.instr(version, literal_column("'-'")))
        columns = (column_of(alias, name).label(name) for name in ("version", "number", "forgotten"))
        query = select(*columns, line.label("line")).select_from(aliased(declaration.state.table, alias))
        return query.where(visible(declaration.state, alias, self.context.audience))

    def _changes(self, declaration: ChangeFeed, alias: str) -> Select[Any]:
        version, removed = column_of(alias, "version"), column_of(alias, "removed")
        since = self.bound("since")
        kind = case(
            (removed == literal_column("1"), literal_column("'REMOVED'")),
            (column_of(alias, "added") > since, literal_column("'ADDED'")),
            else_=literal_column("'UPDATED'"),
        )
        query = select(
            column_of(alias, declaration.changes.key).label(declaration.changes.key),
            version.label("number"),
            kind.label("kind"),
            case((removed == literal_column("0"), column_of(alias, declaration.changes.key))).label("there"),
        ).select_from(aliased(declaration.changes.table, alias))
        known = or_(removed == literal_column("0"), column_of(alias, "first_added") <= since)
        query = query.where(
            visible(declaration.changes, alias, self.context.audience), version > since, known
        )
        return query.order_by(version).limit(self.bound("limit") + literal_column("1"))


def _changes(field: FieldPlan, log: LogRow, context: Context) -> Expression:
    """Render the changes.

    (SELECT json_group_array(json_object(…)) FROM (SELECT c2.slug AS slug, … FROM c2 … LIMIT ?) AS s3)
    """
    alias = f"s{next(context.numbers)}"
    change = Row(alias, LISTED, lambda name: log.page(column_of(log.changes, name).label("key")))
    version = log.of_state("line").concat(column_of(log.changes, "number")).label("version")

    def ordered() -> Select[Any]:
        columns = columns_for(change, log.changes)
        return log.page(*(version if one.name == "version" else one for one in columns))

    return render_array(field.selection, change, context, ordered)


def render_log_part(field: FieldPlan, row: Row, context: Context) -> Expression:
    assert isinstance(row, LogRow)
    part = field.declaration
    assert isinstance(part, ChangeFeedField)
    return LOG_PARTS[part](field, row, context)


LOG_PARTS: dict[ChangeFeedField, Callable[[FieldPlan, LogRow, Context], Expression]] = {
    ChangeFeedField.CHANGES: _changes,
    ChangeFeedField.VERSION: lambda _field, log, _context: log.version,
    ChangeFeedField.HAS_MORE: lambda _field, log, _context: as_json(log.has_more, Kind.BOOLEAN),
}
