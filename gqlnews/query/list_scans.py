"""List the scans that the selection and the arguments of a list need, with their weights (scan.py).

This mirrors the SQL that `gqlnews.query.sql` renders: which parts of a connection scan its rows again, and
which of them use an index and so read only the rows that they return.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from gqlnews.query.conditions import EVERYTHING, compared_columns
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
from gqlnews.query.scan import (
    COLLAPSE,
    COLLAPSE_COMPARISONS,
    GROUP,
    HIT,
    HIT_SCAN,
    INDEX_COUNT,
    INDEX_GROUP,
    INDEX_ROW,
    INTERVALS,
    ITEM_ROW,
    SORT,
    STATISTICS,
    TABLE_ROW,
    Scan,
    Values,
    filter_weight,
    match_weight,
)
from gqlnews.query.tree import FieldPlan, ObjectPlan

_PAGE_FIELDS = frozenset({ConnectionField.EDGES, ConnectionField.NODES})


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet. It is computed `scans` times: once, and once more for each connection nested below it.

    `weight` is its weight per row in addition to reading the row; `index_weight` replaces that if an index
    groups all rows.
    """

    column: str
    scans: int
    weight: int
    index_weight: int


@dataclass(frozen=True, slots=True)
class ScanCounts:
    """How often the selected parts of a connection scan its rows.

    `page`: whether the page is read; `snippets`, `counts` (`totalCount`), `previous` and `following`
    (`hasPreviousPage` and `hasNextPage`): how often each is selected.
    """

    page: bool = False
    snippets: int = 0
    counts: int = 0
    previous: int = 0
    following: int = 0
    facets: tuple[Facet, ...] = ()


def count_scans(selection: ObjectPlan) -> ScanCounts:
    """Count the scans that a connection's selection needs."""
    infos, edges = selection.below(ConnectionField.PAGE_INFO), selection.below(ConnectionField.EDGES)

    def count(fields: Iterable[FieldPlan], part: ConnectionField) -> int:
        return sum(field.declaration is part for field in fields)

    return ScanCounts(
        page=bool(infos) or any(field.declaration in _PAGE_FIELDS for field in selection.fields),
        snippets=count(edges, ConnectionField.SNIPPET),
        counts=count(selection.fields, ConnectionField.TOTAL_COUNT),
        previous=count(infos, ConnectionField.HAS_PREVIOUS_PAGE),
        following=count(infos, ConnectionField.HAS_NEXT_PAGE),
        facets=tuple(filter(None, map(_facet, selection.below(ConnectionField.FACETS)))),
    )


def _facet(plan: FieldPlan) -> Facet | None:
    scans = 1 + _count_lists_below(plan)
    match plan.declaration:
        case TermsFacet(column=column, values_through=join_table):
            return Facet("" if join_table else column, scans, GROUP, INDEX_GROUP)
        case HistogramFacet(column=column):
            return Facet(column, scans, INTERVALS, INTERVALS)
        case StatsFacet(column=column):
            return Facet(column, scans, STATISTICS, STATISTICS)
    return None


def _count_lists_below(plan: FieldPlan) -> int:
    """Count the connections below a field, except those nested in another connection."""
    return sum(
        1 if isinstance(field.declaration, Connection) else _count_lists_below(field)
        for field in plan.children
    )


def connection_scans(
    declaration: Connection,
    shape: ConnectionShape,
    values: Values,
    scan_counts: ScanCounts,
    parents: int,
    parent_table: str,
) -> list[Scan]:
    """Return the scans of a connection that is not a search, for so many parents in `parent_table`."""
    filter_row_weight = filter_weight(shape.where, values)
    if declaration.match is None:
        table = declaration.entity.table
        return [Scan(_list_weight(declaration, shape, scan_counts, INDEX_ROW, filter_row_weight), table)]
    join_table = declaration.through
    group = _group(declaration.entity.table, declaration.match, join_table, parents, parent_table)
    has_items = join_table is not None and join_table.list_column is not None
    covered = has_items or (
        shape.where == EVERYTHING and shape.collapse is None and not _is_key_lookup(join_table)
    )
    row = INDEX_ROW if covered else TABLE_ROW
    scans = [group(_list_weight(declaration, shape, scan_counts, row, filter_row_weight))]
    if join_table is not None and (item_scans := _count_item_scans(join_table, shape, scan_counts)):
        scans.append(Scan(item_scans * ITEM_ROW, declaration.entity.table, parents, parent_table))
    return scans


def search_scan(
    declaration: Connection, shape: ConnectionShape, values: Values, scan_counts: ScanCounts
) -> Scan:
    """Return the scan of a search connection.

    The index is queried once for the hits, and once, without ranks, for each selected `snippet`; everything
    else scans the hits.
    """
    match = match_weight(values.get("match"))
    filtered = 0 if shape.where == EVERYTHING else TABLE_ROW + filter_weight(shape.where, values)
    hit_scans = int(scan_counts.page) + scan_counts.counts + scan_counts.previous + scan_counts.following
    weight = HIT + match + scan_counts.snippets * match // 2 + filtered + HIT_SCAN * hit_scans
    weight += sum(facet.scans * (HIT_SCAN + facet.weight) for facet in scan_counts.facets)
    return Scan(weight, declaration.entity.table)


def facet_scans(declaration: TermsFacet, parents: int, parent_table: str) -> list[Scan]:
    """Return the scan of a terms facet outside a connection."""
    if declaration.entity is None or declaration.match is None:
        return []
    group = _group(declaration.entity.table, declaration.match, declaration.through, parents, parent_table)
    return [group(TABLE_ROW + GROUP)]


def _group(
    table: str, match: JoinKey, join_table: JoinTable | None, parents: int, parent_table: str
) -> Callable[[int], Scan]:
    """Return a constructor of scans of the rows of several parents.

    The size of the table that joins them bounds their total number.
    """
    within, key = (table, match.child) if join_table is None else (join_table.table, join_table.source_key)
    return partial(Scan, rows=f"{within}.{key}", parents=parents, parent_table=parent_table, within=within)


def _list_weight(
    declaration: Connection, shape: ConnectionShape, scan_counts: ScanCounts, row: int, filter_row_weight: int
) -> int:
    """Return the weight per row of the list, summed over all its scans."""
    collapsed = shape.collapse is not None
    full = (
        row + filter_row_weight * (COLLAPSE_COMPARISONS if collapsed else 1) + (COLLAPSE if collapsed else 0)
    )
    ordered = _is_ordered(declaration, shape)
    unfiltered = shape.where == EVERYTHING
    # The page and the checks for rows before and after it are cheap if an index has the order and no filter
    # skips rows.
    cheap = (INDEX_ROW if collapsed else 0) if unfiltered and ordered else full
    weight = (cheap if ordered else cheap + SORT) if scan_counts.page else 0
    weight += cheap * _count_boundary_queries(shape, scan_counts)
    weight += scan_counts.counts * (
        INDEX_COUNT if unfiltered and not collapsed and row == INDEX_ROW else full
    )
    by_index = unfiltered and not collapsed and declaration.match is None
    in_group = declaration.match is not None and declaration.through is None
    for facet in scan_counts.facets:
        lookup = TABLE_ROW if facet.column and row == INDEX_ROW and in_group else 0
        weight += facet.scans * (full + lookup + (facet.index_weight if by_index else facet.weight))
    return weight


def _count_boundary_queries(shape: ConnectionShape, scan_counts: ScanCounts) -> int:
    """Count the extra queries that look for rows before or after the page.

    In the direction of pagination the page's extra row shows whether there are more, unless a cursor bounds
    that side.
    """
    page = shape.page
    following = 0 if not page.backward and not page.before else scan_counts.following
    previous = 0 if page.backward and not page.after else scan_counts.previous
    return following + previous


def _is_ordered(declaration: Connection, shape: ConnectionShape) -> bool:
    """Whether an index provides the order, at least for its first key."""
    first = declaration.entity.order[:1]
    same_column = bool(first) and first[0].column == shape.order[0].column
    return same_column and not _is_key_lookup(declaration.through)


def _is_key_lookup(join_table: JoinTable | None) -> bool:
    """Whether the rows are looked up by key through a join table without denormalized columns."""
    return join_table is not None and not join_table.denormalized


def _count_item_scans(join_table: JoinTable, shape: ConnectionShape, scan_counts: ScanCounts) -> int:
    """Count the scans that search the list column of all rows for each parent's item.

    They are needed if a column that is read is not among the join table's denormalized columns.
    """
    if join_table.list_column is None:
        return 0

    def is_needed(columns: Iterable[str]) -> bool:
        return shape.collapse is not None or not join_table.denormalized.issuperset(
            (*columns, *compared_columns(shape.where))
        )

    ordered = is_needed(term.column for term in shape.order) * (
        int(scan_counts.page) + _count_boundary_queries(shape, scan_counts)
    ) + scan_counts.counts * is_needed(())
    return ordered + sum(
        facet.scans * is_needed([facet.column] if facet.column else ()) for facet in scan_counts.facets
    )
