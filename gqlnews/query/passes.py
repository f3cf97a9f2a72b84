"""Estimate the table and index scans that a list's selection and arguments need, weighted as in scan.py.

This mirrors the SQL that `gqlnews.query.sql` renders: which parts of a connection scan its rows again, and
which of them an index serves, so that they read only the rows they return.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.fields import (
    Connection,
    ConnectionField,
    HistogramFacet,
    JoinKey,
    JoinTable,
    StatsFacet,
    TermsFacet,
)
from gqlnews.query.predicates import EVERYTHING, tested_columns
from gqlnews.query.scan import (
    COLLAPSE,
    COLLAPSE_TESTS,
    COUNT_ALL,
    GROUP,
    GROUP_ALL,
    HIT,
    HIT_PASS,
    INDEX_ROW,
    INTERVALS,
    ITEM_ROW,
    SORT,
    STATISTICS,
    TABLE_ROW,
    Pass,
    Values,
    filter_weight,
    match_weight,
)
from gqlnews.query.tree import FieldPlan

_PAGE_FIELDS = frozenset(
    {ConnectionField.EDGES, ConnectionField.NODES, ConnectionField.START_CURSOR, ConnectionField.END_CURSOR}
)


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet, which is computed `times`: once, and once per connection nested below it.

    `extra` is its weight per row on top of reading the row; `extra_all` applies if an index groups all rows.
    """

    column: str
    times: int
    extra: int
    extra_all: int


@dataclass(frozen=True, slots=True)
class Reads:
    """How often each selected part of a connection scans its rows."""

    page: bool = False
    snippets: int = 0
    counts: int = 0
    previous: int = 0
    following: int = 0
    facets: tuple[Facet, ...] = ()


def count_reads(plan: FieldPlan) -> Reads:
    """Count the scans that a connection's selection needs."""
    parts = list(plan.selection.fields)
    infos = [
        field
        for part in parts
        if part.declaration is ConnectionField.PAGE_INFO
        for field in part.selection.fields
    ]
    edges = [
        field
        for part in parts
        if part.declaration is ConnectionField.EDGES
        for field in part.selection.fields
    ]

    def count(fields: list[FieldPlan], part: ConnectionField) -> int:
        return sum(field.declaration is part for field in fields)

    facets = [
        _facet(field)
        for part in parts
        if part.declaration is ConnectionField.FACETS
        for field in part.selection.fields
    ]
    return Reads(
        page=any(field.declaration in _PAGE_FIELDS for field in (*parts, *infos)) or bool(infos),
        snippets=count(edges, ConnectionField.SNIPPET),
        counts=count(parts, ConnectionField.TOTAL_COUNT),
        previous=count(infos, ConnectionField.HAS_PREVIOUS_PAGE),
        following=count(infos, ConnectionField.HAS_NEXT_PAGE),
        facets=tuple(facet for facet in facets if facet is not None),
    )


def _facet(plan: FieldPlan) -> Facet | None:
    times = 1 + _count_lists_below(plan)
    match plan.declaration:
        case TermsFacet(column=column, values_through=items):
            return Facet("" if items else column, times, GROUP, GROUP_ALL)
        case HistogramFacet(column=column):
            return Facet(column, times, INTERVALS, INTERVALS)
        case StatsFacet(column=column):
            return Facet(column, times, STATISTICS, STATISTICS)
    return None


def _count_lists_below(plan: FieldPlan) -> int:
    """Count the connections below a field, without those nested in another connection."""
    return sum(
        1 if isinstance(field.declaration, Connection) else _count_lists_below(field)
        for selection in plan.objects.values()
        for field in selection.fields
    )


def list_passes(
    declaration: Connection, shape: ConnectionShape, values: Values, reads: Reads, many: int, parent: str
) -> list[Pass]:
    """Return the scans of a non-search connection for `many` parents, which are rows of table `parent`."""
    tests = filter_weight(shape.where, values)
    if declaration.match is None:
        table = declaration.entity.table
        return [Pass(_list_weight(declaration, shape, reads, INDEX_ROW, tests), table)]
    join_table = declaration.through
    group = _group(declaration.entity.table, declaration.match, join_table, many, parent)
    has_items = join_table is not None and join_table.list_column is not None
    covered = has_items or (
        shape.where == EVERYTHING and shape.collapse is None and not _is_key_lookup(join_table)
    )
    row = INDEX_ROW if covered else TABLE_ROW
    passes = [group(_list_weight(declaration, shape, reads, row, tests))]
    if join_table is not None and (item_scans := _count_item_scans(join_table, shape, reads)):
        passes.append(Pass(item_scans * ITEM_ROW, declaration.entity.table, many, parent))
    return passes


def search_passes(
    declaration: Connection, shape: ConnectionShape, values: Values, reads: Reads, _many: int, _parent: str
) -> list[Pass]:
    """Return the scans of a search connection.

    The index is queried once for the hits and once, without ranks, for snippets; all else scans the hits.
    """
    match = match_weight(values.get("match"))
    filtered = 0 if shape.where == EVERYTHING else TABLE_ROW + filter_weight(shape.where, values)
    hit_passes = int(reads.page) + reads.counts + reads.previous + reads.following
    weight = HIT + match + reads.snippets * match // 2 + filtered + HIT_PASS * hit_passes
    weight += sum(facet.times * (HIT_PASS + facet.extra) for facet in reads.facets)
    return [Pass(weight, declaration.entity.table)]


def facet_passes(declaration: TermsFacet, many: int, parent: str) -> list[Pass]:
    """Return the scan of a terms facet outside a connection."""
    if declaration.entity is None or declaration.match is None:
        return []
    group = _group(declaration.entity.table, declaration.match, declaration.through, many, parent)
    return [group(TABLE_ROW + GROUP)]


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of several parents, bounded in total by the size of their own table or of the join table."""

    rows: str
    parents: int
    parent_table: str
    within: str

    def __call__(self, weight: int) -> Pass:
        return Pass(weight, self.rows, self.parents, self.parent_table, self.within)


def _group(table: str, match: JoinKey, join_table: JoinTable | None, many: int, parent: str) -> _Group:
    if join_table is None:
        return _Group(f"{table}.{match.child}", many, parent, table)
    return _Group(f"{join_table.table}.{join_table.source_key}", many, parent, join_table.table)


def _list_weight(declaration: Connection, shape: ConnectionShape, reads: Reads, row: int, tests: int) -> int:
    """Return the weight per row of the list, summed over all scans."""
    collapsed = shape.collapse is not None
    full = row + tests * (COLLAPSE_TESTS if collapsed else 1) + (COLLAPSE if collapsed else 0)
    ordered = _is_ordered(declaration, shape)
    unfiltered = shape.where == EVERYTHING
    # The page and the checks for rows before and after it are cheap if an index has the order and no filter
    # skips rows.
    cheap = (INDEX_ROW if collapsed else 0) if unfiltered and ordered else full
    weight = (cheap if ordered else cheap + SORT) if reads.page else 0
    weight += cheap * _count_boundary_queries(shape, reads)
    weight += reads.counts * (COUNT_ALL if unfiltered and not collapsed and row == INDEX_ROW else full)
    by_index = unfiltered and not collapsed and declaration.match is None
    in_group = declaration.match is not None and declaration.through is None
    for facet in reads.facets:
        lookup = TABLE_ROW if facet.column and row == INDEX_ROW and in_group else 0
        weight += facet.times * (full + lookup + (facet.extra_all if by_index else facet.extra))
    return weight


def _count_boundary_queries(shape: ConnectionShape, reads: Reads) -> int:
    """Count the extra queries for rows before or after the page.

    In the direction of pagination the page's extra row shows that, unless a cursor bounds that side.
    """
    page = shape.page
    following = 0 if not page.backward and not page.before else reads.following
    previous = 0 if page.backward and not page.after else reads.previous
    return following + previous


def _is_ordered(declaration: Connection, shape: ConnectionShape) -> bool:
    """Whether an index provides the order, at least for its first key."""
    first = declaration.entity.order[:1]
    same_column = bool(first) and first[0].column == shape.order[0].column
    return same_column and not _is_key_lookup(declaration.through)


def _is_key_lookup(join_table: JoinTable | None) -> bool:
    """Whether the rows are looked up by key through a join table without denormalized columns."""
    return join_table is not None and not join_table.denormalized


def _count_item_scans(join_table: JoinTable, shape: ConnectionShape, reads: Reads) -> int:
    """Count the scans over all rows per parent that search for the parent's item.

    They are needed if a column that is read is not among the join table's denormalized columns.
    """
    if join_table.list_column is None:
        return 0

    def walks(columns: Iterable[str]) -> bool:
        return shape.collapse is not None or not join_table.denormalized.issuperset(
            (*columns, *tested_columns(shape.where))
        )

    ordered = walks(term.column for term in shape.order) * (
        int(reads.page) + _count_boundary_queries(shape, reads)
    ) + reads.counts * walks(())
    return ordered + sum(
        facet.times * walks([facet.column] if facet.column else ()) for facet in reads.facets
    )
