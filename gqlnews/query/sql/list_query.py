"""List queries: the rows of a connection for one parent, independent of the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, not_, or_, select, true

from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.fields import CollapseBy, Entity, JoinKey, JoinTable, OrderTerm
from gqlnews.query.predicates import EVERYTHING, Condition, columns_of
from gqlnews.query.sql.conditions import beyond, keys_of, ordering, render_condition
from gqlnews.query.sql.cte_levels import Link
from gqlnews.query.sql.fts import prefilter_by_score
from gqlnews.query.sql.rows import ONE, Context, Expression, TableScan, aliased, column_of, visible
from gqlnews.query.tree import FieldPlan

Parent = Expression | Select[Any] | None


@dataclass(frozen=True, slots=True)
class JoinTableScan:
    """A scan of a join table for the rows with one item.

    `key` is the name that the item is bound by; `where` is the rest of the filter.
    """

    junction: JoinTable
    key: str
    where: Condition

    def has(self, columns: Iterable[str]) -> bool:
        """Whether the join table has these columns and those that the rest of the filter tests."""
        return self.junction.copies.issuperset((*columns, *columns_of(self.where)))


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The visible rows of `entity` that match the parent key and the request's filter.

    The bound values of `shape` are those of `field`.
    """

    field: FieldPlan
    context: Context
    entity: Entity
    match: JoinKey | None
    through: JoinTable | None
    shape: ConnectionShape
    link: Link | None
    hits: JoinTable | None = None  # the hits of a search; `through` is the same then
    shortcut: JoinTableScan | None = None

    @property
    def terms(self) -> tuple[OrderTerm, ...]:
        return self.shape.order

    @property
    def unfiltered(self) -> bool:
        return self.shape.where == EVERYTHING and self.shape.alike is None

    def scan(self, *columns: str) -> TableScan:
        """Return a scan that provides these columns and those that the filter tests."""
        if self.shortcut is not None and self.shortcut.has(columns):
            return TableScan(self.entity, None, self.shortcut.junction, self.context, alone=True)
        copies = self.through.copies if self.through else frozenset()
        read = (*columns, *columns_of(self.shape.where))
        alone = self.shape.alike is None and copies.issuperset(read)
        return TableScan(self.entity, self.match, self.through, self.context, alone=alone)

    def ordered_scan(self) -> TableScan:
        return self.scan(*(term.column for term in self.terms))

    def select(self, scan: TableScan, *columns: Expression, everywhere: bool = False) -> Select[Any]:
        """Select the rows of the parent; with `everywhere`, of all parents of the level, not collapsed."""
        parent: Parent = None
        if self.link is not None:
            parent = self.link.all_keys() if everywhere else self.link.key
        query = scan.select(parent, self._passes(scan), *columns, item=self.link.item if self.link else None)
        if self.shape.alike is not None and not everywhere:
            better = not_(exists(self._preferred_duplicate(scan, self.shape.alike, parent)))
            through = self.shape.alike.through
            query = query.where(or_(self._has_no_duplicate(scan, through), better) if through else better)
        return query

    def keys(self, scan: TableScan) -> list[Expression]:
        """Return the sort keys of a scan."""
        return keys_of(self.terms, scan.column, self.bound)

    def cursor_keys(self, name: str) -> list[Expression]:
        """Return the bound keys of the `after` or `before` cursor."""
        return [self.bound(f"{name}{at}") for at in range(len(self.terms))]

    def bound(self, name: str) -> Expression:
        return self.context.bind(self.field, name)

    def count(self) -> Expression:
        return self.select(self.scan(), func.count()).scalar_subquery()

    def any_row(self, scan: TableScan, condition: ColumnElement[bool] | None) -> ColumnElement[bool]:
        query = self.select(scan, ONE)
        return exists(query if condition is None else query.where(condition))

    def page_keys(
        self, scan: TableScan, limit: Expression, *columns: Expression, named: bool = False
    ) -> Select[Any]:
        """Select the rows of the page, in reverse order if paginating backward.

        `named`: the columns include the sort keys, labelled `k0`, …; ordering by the labels makes SQLite
        compute them once.
        """
        page, keys = self.shape.page, self.keys(scan)
        query = self.select(scan, *columns)
        if page.after:
            query = query.where(beyond(self.terms, keys, self.cursor_keys("after")))
        if page.before:
            query = query.where(beyond(self.terms, keys, self.cursor_keys("before"), backward=True))
        if self.hits is not None:
            after = self.cursor_keys("after")[0] if page.after else None
            query = query.where(prefilter_by_score(self.hits, keys[0], limit, after))
        if named:
            keys = [literal_column(f"k{at}") for at in range(len(keys))]
        query = query.order_by(*ordering(self.terms, keys, backward=page.backward))
        return query.limit(limit)

    def _passes(self, scan: TableScan) -> ColumnElement[bool]:
        short = self.shortcut
        if short is not None and scan.through is short.junction:
            of_item = column_of(scan.near, short.junction.near) == self.bound(short.key)
            return and_(
                of_item, render_condition(short.where, scan.column, self.bound, self.context.audience)
            )
        if self.shape.where == EVERYTHING:
            return true()
        return render_condition(self.shape.where, scan.column, self.bound, self.context.audience)

    def _preferred_duplicate(self, scan: TableScan, alike: CollapseBy, parent: Parent) -> Select[Any]:
        """Select the duplicates of the scan's row that come before it in the order."""
        other = TableScan(self.entity, self.match, self.through, self.context, alone=False)
        item = self.link.item if self.link else None
        query = other.select(parent, self._passes(other), ONE, item=item)
        query = query.where(self._alike(scan, other, alike))
        return query.where(beyond(self.terms, self.keys(other), self.keys(scan), backward=True))

    def _has_no_duplicate(self, scan: TableScan, through: JoinTable) -> ColumnElement[bool]:
        """Whether the row has no duplicates: t1.id NOT IN (SELECT article_id FROM story_article …).

        This is true for most rows, and SQLite evaluates the subquery only once.
        """
        alias = f"c{scan.rows}"
        members = select(column_of(alias, through.near)).select_from(aliased(through.table, alias))
        return scan.key.not_in(members.where(visible(through, alias, self.context.audience)))

    def _alike(self, scan: TableScan, other: TableScan, alike: CollapseBy) -> ColumnElement[bool]:
        """Whether two rows are duplicates.

        t2.url = t1.url, or t2.id IN (
            SELECT bt2.article_id FROM story_article AS at2 JOIN story_article AS bt2 ON bt2.story = at2.story
            WHERE at2.article_id = t1.id)
        """
        through = alike.through
        if through is None:
            return other.column(alike.column) == scan.column(alike.column)
        mine, others = f"a{other.rows}", f"b{other.rows}"
        together = aliased(through.table, mine).join(
            aliased(through.table, others),
            column_of(others, through.far) == column_of(mine, through.far),
        )
        keys = (
            select(column_of(others, through.near))
            .select_from(together)
            .where(
                visible(through, mine, self.context.audience),
                visible(through, others, self.context.audience),
                column_of(mine, through.near) == scan.key,
            )
        )
        return other.key.in_(keys)
