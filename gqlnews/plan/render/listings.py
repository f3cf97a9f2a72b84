"""Listings: what a connection goes over for one parent, whatever the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, not_, or_, select, true

from gqlnews.plan.conditions import EVERYTHING, Condition, columns_of
from gqlnews.plan.declare import Alike, Entity, Junction, Match, OrderTerm
from gqlnews.plan.lists import ListShape
from gqlnews.plan.nodes import FieldPlan
from gqlnews.plan.render.conditions import render_condition
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.keyset import beyond, keys_of, ordering
from gqlnews.plan.render.layers import Link
from gqlnews.plan.render.rows import aliased, column_of, visible
from gqlnews.plan.render.scans import ONE, Scan
from gqlnews.plan.render.search import worth_ordering

Parent = Expression | Select[Any] | None


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A junction that leads to the rows with one item, `key` by the name that it is bound by; `where` is what
    they have to pass beside it."""

    junction: Junction
    key: str
    where: Condition

    def has(self, columns: Iterable[str]) -> bool:
        """Whether a walk of the junction reads all of these, and what the rows have to pass."""
        return self.junction.copies.issuperset((*columns, *columns_of(self.where)))


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of `entity` that the caller may see and that match the link and the request's filter.

    The values of `shape` are bound by `field`.
    """

    field: FieldPlan
    context: Context
    entity: Entity
    match: Match | None
    through: Junction | None
    shape: ListShape
    link: Link | None
    hits: Junction | None = None  # what a search found: `through`, then
    shortcut: Shortcut | None = None

    @property
    def terms(self) -> tuple[OrderTerm, ...]:
        return self.shape.order

    @property
    def unfiltered(self) -> bool:
        return self.shape.where == EVERYTHING and self.shape.alike is None

    def scan(self, *columns: str) -> Scan:
        """A pass that reads no other columns than these, beside what the filter reads."""
        if self.shortcut is not None and self.shortcut.has(columns):
            return Scan(self.entity, None, self.shortcut.junction, self.context, alone=True)
        copies = self.through.copies if self.through else frozenset()
        read = (*columns, *columns_of(self.shape.where))
        alone = self.shape.alike is None and copies.issuperset(read)
        return Scan(self.entity, self.match, self.through, self.context, alone=alone)

    def ordered_scan(self) -> Scan:
        return self.scan(*(term.column for term in self.terms))

    def select(self, scan: Scan, *columns: Expression, everywhere: bool = False) -> Select[Any]:
        """The rows of the parent; `everywhere`, of all parents of the level, those alike among them."""
        parent: Parent = None
        if self.link is not None:
            parent = self.link.all_keys() if everywhere else self.link.key
        query = scan.select(parent, self._passes(scan), *columns, item=self.link.item if self.link else None)
        if self.shape.alike is not None and not everywhere:
            better = not_(exists(self._better(scan, self.shape.alike, parent)))
            through = self.shape.alike.through
            query = query.where(or_(self._alone(scan, through), better) if through else better)
        return query

    def keys(self, scan: Scan) -> list[Expression]:
        """What the rows of a scan are ordered by."""
        return keys_of(self.terms, scan.column, self.bound)

    def cursor_keys(self, name: str) -> list[Expression]:
        """The keys of a cursor of the request: of `after` or `before`."""
        return [self.bound(f"{name}{at}") for at in range(len(self.terms))]

    def bound(self, name: str) -> Expression:
        return self.context.bind(self.field, name)

    def count(self) -> Expression:
        return self.select(self.scan(), func.count()).scalar_subquery()

    def any_row(self, scan: Scan, condition: ColumnElement[bool] | None) -> ColumnElement[bool]:
        query = self.select(scan, ONE)
        return exists(query if condition is None else query.where(condition))

    def page_keys(
        self, scan: Scan, limit: Expression, *columns: Expression, named: bool = False
    ) -> Select[Any]:
        """The rows of the page, walked from the end that the page is counted from.

        `named`: the columns hold the keys as `k0`, …; so SQLite makes them once.
        """
        page, keys = self.shape.page, self.keys(scan)
        query = self.select(scan, *columns)
        if page.after:
            query = query.where(beyond(self.terms, keys, self.cursor_keys("after")))
        if page.before:
            query = query.where(beyond(self.terms, keys, self.cursor_keys("before"), backward=True))
        if self.hits is not None:
            after = self.cursor_keys("after")[0] if page.after else None
            query = query.where(worth_ordering(self.hits, keys[0], limit, after))
        if named:
            keys = [literal_column(f"k{at}") for at in range(len(keys))]
        query = query.order_by(*ordering(self.terms, keys, backward=page.backward))
        return query.limit(limit)

    def _passes(self, scan: Scan) -> ColumnElement[bool]:
        short = self.shortcut
        if short is not None and scan.through is short.junction:
            of_item = column_of(scan.near, short.junction.near) == self.bound(short.key)
            return and_(
                of_item, render_condition(short.where, scan.column, self.bound, self.context.audience)
            )
        if self.shape.where == EVERYTHING:
            return true()
        return render_condition(self.shape.where, scan.column, self.bound, self.context.audience)

    def _better(self, scan: Scan, alike: Alike, parent: Parent) -> Select[Any]:
        """Rows like the scan's that the order puts before it."""
        other = Scan(self.entity, self.match, self.through, self.context, alone=False)
        item = self.link.item if self.link else None
        query = other.select(parent, self._passes(other), ONE, item=item)
        query = query.where(self._alike(scan, other, alike))
        return query.where(beyond(self.terms, self.keys(other), self.keys(scan), backward=True))

    def _alone(self, scan: Scan, through: Junction) -> ColumnElement[bool]:
        """t1.id NOT IN (SELECT article_id FROM story_article …): most are, and this list is made but once."""
        alias = f"c{scan.rows}"
        members = select(column_of(alias, through.near)).select_from(aliased(through.table, alias))
        return scan.key.not_in(members.where(visible(through, alias, self.context.audience)))

    def _alike(self, scan: Scan, other: Scan, alike: Alike) -> ColumnElement[bool]:
        """
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
