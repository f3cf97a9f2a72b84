"""Scan work: estimate the comparisons that a request's statements make, before they run.

The query cost counts the objects of the response, but not the rows that are read to find or count them. Scan
work estimates those:

1. Each scan over the rows of a list has a weight per row: reading the row, each comparison of the filter, the
   sort, the grouping. A list is scanned once for each count, each facet, and each page without an index.
2. The bound operation holds the scans with their weights, but without row counts, because it is reused after
   the content has changed. `scan_work` multiplies the weights by the table sizes at the time of the request.

A weight of 1 is one comparison of an indexed column with a value, about 10 ns. Measured with SQLite 3.40 on
the 8,682 articles of ai2020 and on a sample of 100,000, in microseconds per article:

| operation | µs | weight |
|---|---|---|
| `eq`, `gt`, `startsWith`, … | 0.006 to 0.017 | 1 |
| `in` of 20 values | 0.066 | 7 |
| `any`/`all`/`none` of one topic | 0.031 to 0.035 | 4 |
| `contains`: category, provider, title, slug | 0.10, 0.12, 0.19, 0.21 | 20 |
| `matches`: a look-up; per word; per prefix | 0.03; 0.1; 0.3 to 1.6 | 3; 10; 165 |
| reading a row from an index; from a table | 0.05 to 0.09; 0.5 to 1 | 8; 80 |
| sorting by another column | 0.10 to 0.15 | 15 |
| grouping: by interval; by type, category; by provider, topic | 0.15; 0.1; 0.5 to 0.9 | 15; 70 |
| `min`, `max`, `average` | 0.03 | 4 |
| `collapse`: a subquery per row | 0.4 to 3.5 | 300, and each comparison counts 4 times |
| a search hit: its rank; each further scan | 0.6; 0.1 | 65; 20 |
| more-like-this of one article: per article that is read, up to 1,000 | 4 to 28 | 750 |
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gqlnews.errors import Code, RequestError
from gqlnews.query.conditions import (
    EVERYTHING,
    All,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Operator,
    compared_columns,
)
from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.entities import JoinTable
from gqlnews.query.fields import Connection, ConnectionField, HistogramFacet, JoinKey, StatsFacet, TermsFacet
from gqlnews.query.tree import FieldPlan, ObjectPlan

COMPARISON = 1
INDEX_ROW = 8
TABLE_ROW = 80
ITEM_ROW = 12  # an index row, and the search for an item in its list column
SORT = 15
GROUP, INDEX_GROUP = 70, 12  # by sorting; in index order
INTERVALS = 15
STATISTICS = 4
INDEX_COUNT = 1  # index rows that are counted without reading their columns
COLLAPSE, COLLAPSE_COMPARISONS = 300, 4
HIT, HIT_SCAN = 65, 20
MORE_LIKE_THIS = 750
MATCH_WORD, MATCH_PREFIX = 10, 165
MAX_MATCH_WEIGHT = 400  # of a full-text expression, so that no search input exceeds the limit on its own

_OPERATOR_WEIGHTS = {
    Operator.CONTAINS: 20,
    Operator.CONTAINS_ITEM: 4,
    Operator.IN: 7,
    Operator.IN_INTEGERS: 7,
    Operator.MATCHES: 3,
}

UNIT = 1_000  # comparisons in one unit of scan work
UNIT_SECONDS = 0.000_010  # CPU time per unit, as measured above
MAX_GROUP_SIZE = 1_000  # assumed maximum of rows per parent if the size of the largest group is unknown

OBJECT_SECONDS = 0.000_002  # CPU time per response object: 20 ms for 12,101

Sizes = Mapping[str, int]
"""Row counts visible to a client: by table name, by `table.column` for the largest group of a column, and by
`DEFAULT_TABLE` for any other table. Empty if unknown."""

DEFAULT_TABLE = ""
MORE_LIKE_THIS_ROWS = ".more_like_this"  # rows that it reads per row

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan: `weight` for each row of `rows` (a table or a group), for each of `parents`.

    The size of `parent_table` bounds the number of parents, the size of the table `within` the number of
    rows of all parents.
    """

    weight: int
    rows: str
    parents: int = 1
    parent_table: str = ""
    within: str = ""

    def work(self, sizes: Sizes) -> int:
        """Return the number of comparisons for these table sizes."""
        parents = min(self.parents, _rows(sizes, self.parent_table)) if self.parent_table else self.parents
        rows = parents * _rows(sizes, self.rows)
        return self.weight * (min(rows, _rows(sizes, self.within)) if self.within else rows)


Scans = Sequence[Scan]


def scan_work(scans: Scans, sizes: Sizes) -> int:
    """Return the scan work in thousands of comparisons, rounded up; 0 if the table sizes are unknown."""
    return -(-sum(scan.work(sizes) for scan in scans) // UNIT) if sizes and scans else 0


def total_scan_work(scans: Mapping[str, Scans], sizes: Sizes) -> int:
    """Return the scan work of all root fields of a request, each rounded up to thousands of comparisons."""
    return sum(scan_work(root_scans, sizes) for root_scans in scans.values()) if scans else 0


class ScanWork:
    """The scans of one request by root field, and their scan work, computed again when table sizes change."""

    __slots__ = ("_sizes", "_work", "scans")

    def __init__(self, scans: Mapping[str, Scans]) -> None:
        self.scans = scans
        self._sizes: Sizes | None = None
        self._work = 0

    def for_sizes(self, sizes: Sizes) -> int:
        """Return the scan work in thousands of comparisons."""
        if sizes is not self._sizes:
            self._work, self._sizes = total_scan_work(self.scans, sizes), sizes
        return self._work


NO_SCAN_WORK = ScanWork({})


def scan_limit_error(limit: int, work: int, scans: Mapping[str, Scans], sizes: Sizes) -> RequestError:
    """Build the error for a request whose scan work exceeds `limit`."""
    largest = max(scans, key=lambda key: scan_work(scans[key], sizes))
    message = (
        f"The request makes {work:,} thousand comparisons, and the limit is {limit:,}, most of them for "
        f"`{largest}`: use fewer comparisons in `where`, above all `contains` and full-text ones, or "
        "request fewer facets and counts."
    )
    return RequestError(Code.TOO_COSTLY, message)


def _rows(sizes: Sizes, name: str) -> int:
    rows = sizes.get(name)
    if rows is not None:
        return rows
    return min(sizes[DEFAULT_TABLE], MAX_GROUP_SIZE) if "." in name else sizes[DEFAULT_TABLE]


def filter_weight(condition: Condition, values: Values) -> int:
    """Return the weight of all comparisons of a filter on one row; `values` are the bound values."""
    match condition:
        case All(parts) | AnyOf(parts):
            return sum(filter_weight(part, values) for part in parts)
        case Not(comparison):
            return filter_weight(comparison, values)
        case Comparison(operator=operator, value=name):
            weight = _OPERATOR_WEIGHTS.get(operator, COMPARISON)
            return weight + match_weight(values.get(name)) if operator is Operator.MATCHES else weight


def match_weight(expression: object) -> int:
    """Return the weight of a full-text expression (fts_query.py) per row of the index."""
    text = str(expression)
    weight = MATCH_WORD * len(text.split()) + MATCH_PREFIX * text.count('" *')
    return min(weight, MAX_MATCH_WEIGHT)


# The scans that the selection and the arguments of a list need, with their weights.
#
# This mirrors the SQL that `gqlnews.query.sql` renders: which parts of a connection scan its rows again, and
# which of them use an index and so read only the rows that they return.

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
