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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gqlnews.errors import Code, RequestError
from gqlnews.query.conditions import All, AnyOf, Comparison, Condition, Not, Operator

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
