"""List queries: the rows of a connection for one parent, independent of the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, not_, or_, select, true
from sqlalchemy.types import TypeEngine

from gqlnews.query.conditions import EVERYTHING, Condition, compared_columns
from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.entities import Entity, JoinTable, OrderTerm
from gqlnews.query.fields import CollapseBy, JoinKey
from gqlnews.query.sql.conditions import after_cursor, ordering, render_condition, sort_keys
from gqlnews.query.sql.cte_levels import ParentKey
from gqlnews.query.sql.dialect import INTEGER, Expression
from gqlnews.query.sql.fts import prefilter_by_score
from gqlnews.query.sql.rows import ONE, Context, TableScan, aliased, column_ref, visible
from gqlnews.query.tree import FieldPlan

Parent = Expression | Select[Any] | None


@dataclass(frozen=True, slots=True)
class JoinTableScan:
    """A scan of a join table for the rows with one source key, in place of a comparison in the filter.

    `parameter` is the name that the key is bound to; `where` is the rest of the filter.
    """

    join_table: JoinTable
    parameter: str
    where: Condition

    def covers(self, columns: Iterable[str]) -> bool:
        """Whether the join table has these columns and those that the rest of the filter compares."""
        return self.join_table.denormalized.issuperset((*columns, *compared_columns(self.where)))


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The visible rows of `entity` that match the parent key and the filter of `field`."""

    field: FieldPlan
    context: Context
    entity: Entity
    match: JoinKey | None
    through: JoinTable | None
    shape: ConnectionShape
    parent_key: ParentKey | None
    hits: JoinTable | None = None  # the hits of a search; `through` is the same then
    shortcut: JoinTableScan | None = None

    @property
    def terms(self) -> tuple[OrderTerm, ...]:
        return self.shape.order

    @property
    def unfiltered(self) -> bool:
        return self.shape.where == EVERYTHING and self.shape.collapse is None

    def scan(self, *columns: str) -> TableScan:
        """Return a scan that provides these columns and those that the filter compares."""
        if self.shortcut is not None and self.shortcut.covers(columns):
            return TableScan(self.entity, None, self.shortcut.join_table, self.context, covered=True)
        denormalized = self.through.denormalized if self.through else frozenset()
        read = (*columns, *compared_columns(self.shape.where))
        covered = self.shape.collapse is None and denormalized.issuperset(read)
        return TableScan(self.entity, self.match, self.through, self.context, covered=covered)

    def ordered_scan(self) -> TableScan:
        return self.scan(*(term.column for term in self.terms))

    def select(self, scan: TableScan, *columns: Expression, all_parents: bool = False) -> Select[Any]:
        """Select the rows of the parent, or with `all_parents`, uncollapsed, of all parents of the level."""
        parent: Parent = None
        if self.parent_key is not None:
            parent = self.parent_key.all_keys() if all_parents else self.parent_key.key
        query = scan.select(
            parent, self._filter(scan), *columns, item=self.parent_key.item if self.parent_key else None
        )
        if self.shape.collapse is not None and not all_parents:
            is_preferred = not_(exists(self._preferred_duplicate(scan, self.shape.collapse, parent)))
            through = self.shape.collapse.through
            query = query.where(
                or_(self._has_no_duplicate(scan, through), is_preferred) if through else is_preferred
            )
        return query

    def keys(self, scan: TableScan) -> list[Expression]:
        """Return the sort keys of a scan."""
        return sort_keys(self.terms, scan.column, self.bound, self.context.dialect)

    def cursor_keys(self, name: str) -> list[Expression]:
        """Return the bound keys of the `after` or `before` cursor."""
        dialect = self.context.dialect
        return [
            dialect.bound_key(partial(self.bound, f"{name}{at}"), term) for at, term in enumerate(self.terms)
        ]

    def bound(self, name: str, type_: TypeEngine[Any] | None = None) -> Expression:
        return self.context.bind(self.field, name, type_)

    @property
    def limit(self) -> Expression:
        """The bound size of the page."""
        return self.bound("limit", INTEGER)

    def count(self) -> Expression:
        return self.select(self.scan(), func.count()).scalar_subquery()

    def any_row(self, scan: TableScan, condition: ColumnElement[bool] | None) -> ColumnElement[bool]:
        query = self.select(scan, ONE)
        return exists(query if condition is None else query.where(condition))

    def page_keys(
        self, scan: TableScan, limit: Expression, *columns: Expression, labelled: bool = False
    ) -> Select[Any]:
        """Select the rows of the page, in reverse order if the pagination is backward.

        `labelled`: the columns include the sort keys, labelled `k0`, `k1` and so on. Ordering by these labels
        makes SQLite compute the keys once.
        """
        page, keys = self.shape.page, self.keys(scan)
        query = self.select(scan, *columns)
        if page.after:
            query = query.where(after_cursor(self.terms, keys, self.cursor_keys("after")))
        if page.before:
            query = query.where(after_cursor(self.terms, keys, self.cursor_keys("before"), backward=True))
        if self.hits is not None:
            after = self.cursor_keys("after")[0] if page.after else None
            query = query.where(prefilter_by_score(self.hits, keys[0], limit, after))
        if labelled:
            keys = [literal_column(f"k{at}") for at in range(len(keys))]
        query = query.order_by(*ordering(self.terms, keys, backward=page.backward))
        return query.limit(limit)

    def _filter(self, scan: TableScan) -> ColumnElement[bool]:
        shortcut = self.shortcut
        if shortcut is not None and scan.through is shortcut.join_table:
            source_key = column_ref(scan.join_alias, shortcut.join_table.source_key)
            return and_(
                source_key == self.bound(shortcut.parameter), self._render_condition(shortcut.where, scan)
            )
        return true() if self.shape.where == EVERYTHING else self._render_condition(self.shape.where, scan)

    def _render_condition(self, condition: Condition, scan: TableScan) -> ColumnElement[bool]:
        return render_condition(condition, self.entity, scan.column, self.bound, self.context)

    def _preferred_duplicate(self, scan: TableScan, collapse: CollapseBy, parent: Parent) -> Select[Any]:
        """Select the duplicates of the scan's row that come before it in the order."""
        other = TableScan(self.entity, self.match, self.through, self.context, covered=False)
        item = self.parent_key.item if self.parent_key else None
        query = other.select(parent, self._filter(other), ONE, item=item)
        query = query.where(self._are_duplicates(scan, other, collapse))
        return query.where(after_cursor(self.terms, self.keys(other), self.keys(scan), backward=True))

    def _has_no_duplicate(self, scan: TableScan, through: JoinTable) -> ColumnElement[bool]:
        """Whether the row has no duplicates: t1.id NOT IN (SELECT article_id FROM story_article …).

        This is true for most rows, and SQLite evaluates the subquery only once.
        """
        alias = f"c{scan.alias}"
        members = select(column_ref(alias, through.source_key)).select_from(aliased(through.table, alias))
        return scan.key.not_in(members.where(visible(through, alias, self.context.audience)))

    def _are_duplicates(self, scan: TableScan, other: TableScan, collapse: CollapseBy) -> ColumnElement[bool]:
        """Whether two rows are duplicates.

        t2.url = t1.url, or t2.id IN (
            SELECT bt2.article_id FROM story_article AS at2 JOIN story_article AS bt2 ON bt2.story = at2.story
            WHERE at2.article_id = t1.id)
        """
        through = collapse.through
        if through is None:
            return other.column(collapse.column) == scan.column(collapse.column)
        mine, others = f"a{other.alias}", f"b{other.alias}"
        members = aliased(through.table, mine).join(
            aliased(through.table, others),
            column_ref(others, through.target_key) == column_ref(mine, through.target_key),
        )
        keys = (
            select(column_ref(others, through.source_key))
            .select_from(members)
            .where(
                visible(through, mine, self.context.audience),
                visible(through, others, self.context.audience),
                column_ref(mine, through.source_key) == scan.key,
            )
        )
        return other.key.in_(keys)
