"""Scan work: an estimate of the comparisons that a request's statements make, counted before they run.

The cost of a request counts the objects of its answer. It says nothing of the rows that are read to find or
to count them, so this is counted beside it:

1. Each *pass* over the rows of a list has a weight per row: reading the row, each test of the filter, the
   sort, the grouping. A list is passed over once for each count, facet and page that no index serves.
2. The weights stand in the bound operation as `Pass`es, without the number of rows, since that operation is
   used again when the content has changed. `work_of` multiplies them by the sizes of the store at the time of
   a request.

A weight of 1 is one comparison of a column of an index with a value, some 10 ns. Measured with SQLite 3.40 on
the 8,682 articles of ai2020 and on a sample of 100,000, in microseconds per article:

| what | µs | weight |
|---|---|---|
| `eq`, `gt`, `startsWith`, … | 0.006 to 0.017 | 1 |
| `in` of 20 values | 0.066 | 7 |
| a topic | 0.031 to 0.035 | 4 |
| `contains`: category, provider, title, slug | 0.10, 0.12, 0.19, 0.21 | 20 |
| `matches`: a look-up; a word of it; a prefix of it | 0.03; 0.1; 0.3 to 1.6 | 3; 10; 165 |
| a row of an index; of a table | 0.05 to 0.09; 0.5 to 1 | 8; 80 |
| to sort by another column | 0.10 to 0.15 | 15 |
| to group: by interval; by type, category; by provider, topic | 0.15; 0.1; 0.5 to 0.9 | 15; 70 |
| `min`, `max`, `average` | 0.03 | 4 |
| `collapse`, where each row looks for others | 0.4 to 3.5 | 300, and each test 4 times |
| a hit of a search: its rank; each further pass | 0.6; 0.1 | 65; 20 |
| `similar` of one article, per article up to 1,000 | 4 to 28 | 750 |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gqlnews.errors import Code, RequestError
from gqlnews.plan.conditions import All, AnyOf, Condition, Not, Operator, Test

COMPARISON = 1
INDEX_ROW = 8
TABLE_ROW = 80
ITEM_ROW = 12  # of an index, and whether it has an item
SORT = 15
GROUP, GROUP_ALL = 70, 12  # by a sort; where an index has all rows in the order of their groups
INTERVALS = 15
STATISTICS = 4
COUNT_ALL = 1  # of an index's rows, none of which is looked at
ALIKE, ALIKE_TESTS = 300, 4
HIT, HIT_PASS = 65, 20
SIMILAR = 750
MATCH_WORD, MATCH_PREFIX = 10, 165
MOST_OF_A_SEARCH = 400  # what readers type is no reason to refuse a search

_OPERATORS = {
    Operator.CONTAINS: 20,
    Operator.HAS: 4,
    Operator.AMONG: 7,
    Operator.MATCHES: 3,
}

UNIT = 1_000  # comparisons
SECONDS = 0.000_010  # of a processor for one unit, as measured above
MOST_OF_A_GROUP = 1_000  # rows of one parent, where the store does not know the largest group

OBJECT_SECONDS = 0.000_002  # of a processor for one object of an answer: 20 ms for 12,101

Sizes = Mapping[str, int]
"""Rows of the store as a caller sees them: of a table, and of the largest group of a table's column by
`table.column`; of any other table by `DEFAULT`. Nothing where they are not known."""

DEFAULT = ""
ROWS_ALIKE = ".similar"  # of what `similar` reads for one article

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Pass:
    """`weight` for each row of `rows`, a table or a group, and each of `parents`.

    There are no more parents than rows of `parents_of`, where that is given, and no more rows in all than
    those of `within`.
    """

    weight: int
    rows: str
    parents: int = 1
    parents_of: str = ""
    within: str = ""

    def work(self, sizes: Sizes) -> int:
        parents = min(self.parents, _rows(sizes, self.parents_of)) if self.parents_of else self.parents
        rows = parents * _rows(sizes, self.rows)
        return self.weight * (min(rows, _rows(sizes, self.within)) if self.within else rows)


Passes = Sequence[Pass]
NO_PASSES: Passes = ()


def work_of(passes: Passes, sizes: Sizes) -> int:
    """The scan work over a store of these sizes, in thousands of comparisons."""
    return -(-sum(one.work(sizes) for one in passes) // UNIT) if sizes and passes else 0


def work_of_all(passes: Mapping[str, Passes], sizes: Sizes) -> int:
    """Of all root fields of a request."""
    return sum(work_of(some, sizes) for some in passes.values()) if passes else 0


class ScanWork:
    """The scan work of one request, computed again when the sizes of the store have changed."""

    __slots__ = ("_sizes", "_work", "passes")

    def __init__(self, passes: Mapping[str, Passes]) -> None:
        self.passes = passes
        self._sizes: Sizes | None = None
        self._work = 0

    def of(self, sizes: Sizes) -> int:
        if sizes is not self._sizes:
            self._work, self._sizes = work_of_all(self.passes, sizes), sizes
        return self._work


NOTHING_SCANNED = ScanWork({})


def too_much(most: int, work: int, passes: Mapping[str, Passes], sizes: Sizes) -> RequestError:
    """The refusal of a request that would scan more than `most`."""
    key = max(passes, key=lambda one: work_of(passes[one], sizes))
    message = (
        f"The request makes {work:,} thousand comparisons, of at most {most:,}, most of them for `{key}`: "
        "give `where` fewer tests, above all of `contains` and `matches`, or ask for fewer facets and counts."
    )
    return RequestError(Code.TOO_COSTLY, message)


def _rows(sizes: Sizes, name: str) -> int:
    rows = sizes.get(name)
    if rows is not None:
        return rows
    return min(sizes[DEFAULT], MOST_OF_A_GROUP) if "." in name else sizes[DEFAULT]


def weight_of(condition: Condition, values: Values) -> int:
    """Of all tests of a filter on one row; `values` is what they compare with."""
    match condition:
        case All(parts) | AnyOf(parts):
            return sum(weight_of(part, values) for part in parts)
        case Not(test):
            return weight_of(test, values)
        case Test(operator=operator, value=name):
            weight = _OPERATORS.get(operator, COMPARISON)
            return weight + weight_of_match(values.get(name)) if operator is Operator.MATCHES else weight


def weight_of_match(expression: object) -> int:
    """Of an expression of the full-text index (search.py), for each row of the index."""
    text = str(expression)
    weight = MATCH_WORD * len(text.split()) + MATCH_PREFIX * text.count('" *')
    return min(weight, MOST_OF_A_SEARCH)
