"""Limit the complexity of a request, computed from its document and arguments alone.

- A filter is compiled once per subquery that reads its list: page, count, every facet. Compilation runs in
  Python, on the event loop until the time budget is used up and then on the worker thread, so more than
  `MAX_COMPARISONS` compiled comparisons are rejected.
- More-like-this runs a separate full-text query per row. More than `MAX_MORE_LIKE_THIS` are rejected.
- The same traversal collects the scans that the statements run (scan.py).

Most fields of an operation affect none of these. `complexity_tree` finds those that do, once per plan, and
each request visits only them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gqlnews.errors import Code
from gqlnews.query.arguments import UNBOUNDED, ResolvedArguments
from gqlnews.query.conditions import All, AnyOf, Condition
from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.entities import Entity
from gqlnews.query.fields import (
    ChangeFeed,
    Connection,
    ConnectionField,
    Many,
    MoreLikeThis,
    NodeLookup,
    TermsFacet,
)
from gqlnews.query.scan import (
    MORE_LIKE_THIS,
    MORE_LIKE_THIS_ROWS,
    Scan,
    ScanCounts,
    Scans,
    connection_scans,
    count_scans,
    facet_scans,
    search_scan,
)
from gqlnews.query.tree import FieldPlan, LocatedRequestError, RootPlan

MAX_COMPARISONS = 2_000  # of all filters; each comparison counts as often as it is compiled
MAX_MORE_LIKE_THIS = 250  # rows for which a more-like-this is requested
ASSUMED_LIST_SIZE = 20  # rows of a list without a limit
WHOLE_TABLE = 2**31  # rows of a table, an upper bound that is replaced by the table size in `scan_work`

ArgumentsByField = Mapping[int, ResolvedArguments]
"""Resolved arguments by field number."""


@dataclass(frozen=True, slots=True)
class ComplexityNode:
    """A field that reads many rows, or that has such a field below it.

    `parent_table` is the table of its parent row, `compilations` how often its filter is compiled, and
    `scan_counts` the number of scans that its selection needs.
    """

    plan: FieldPlan
    parent_table: str
    children: tuple["ComplexityNode", ...]
    compilations: int = 1
    scan_counts: ScanCounts = field(default_factory=ScanCounts)


def complexity_tree(root: RootPlan) -> ComplexityNode | None:
    """Return the tree of the relevant fields below a root field; None if there are none."""
    return _node(root.field, "")


def _node(plan: FieldPlan, parent_table: str) -> ComplexityNode | None:
    children = tuple(
        node
        for selection in plan.objects.values()
        for child in selection.fields
        if child.objects or isinstance(child.declaration, MoreLikeThis)
        if (node := _node(child, selection.entity.table if selection.entity else parent_table)) is not None
    )
    match plan.declaration:
        case Connection():
            compilations = _count_compilations(plan)
            return ComplexityNode(plan, parent_table, children, compilations, count_scans(plan.selection))
        case MoreLikeThis() | TermsFacet(entity=Entity()):
            return ComplexityNode(plan, parent_table, children)
    return ComplexityNode(plan, parent_table, children) if children else None


@dataclass(frozen=True, slots=True)
class _RowCounts:
    """The number of rows of a level, as expected (`estimate`) and as an upper bound (`maximum`)."""

    estimate: int
    maximum: int


ONE_ROW = _RowCounts(1, 1)


@dataclass(slots=True)
class ComplexityCounter:
    """Complexity counters of one request, summed over its root fields.

    `add` raises LocatedRequestError if a counter exceeds its limit.
    """

    comparisons: int = 0
    more_like_this: int = 0

    def add(self, node: ComplexityNode, arguments: ArgumentsByField) -> Scans:
        """Count one root field and return its scans."""
        scans: list[Scan] = []
        self._add_node(node, arguments, ONE_ROW, scans)
        return tuple(scan for scan in scans if scan.weight)

    def _add_node(
        self, node: ComplexityNode, arguments: ArgumentsByField, parents: _RowCounts, scans: list[Scan]
    ) -> None:
        """Count a field and those below it, for so many parent rows."""
        plan = node.plan
        resolved = arguments.get(plan.number)
        match plan.declaration:
            case Connection():
                self._add_connection(node, resolved, parents.maximum, scans)
            case MoreLikeThis():
                self.more_like_this += parents.estimate
                if self.more_like_this > MAX_MORE_LIKE_THIS:
                    name = plan.node.name.value
                    raise _too_wide(plan, f"selects `{name}` for more than {MAX_MORE_LIKE_THIS} objects")
                scans.append(Scan(MORE_LIKE_THIS, MORE_LIKE_THIS_ROWS, parents.estimate))
            case TermsFacet():
                scans += facet_scans(plan.declaration, parents.maximum, node.parent_table)
        rows = _RowCounts(
            parents.estimate * _rows_per_parent(plan, resolved),
            min(parents.maximum * _rows_per_parent(plan, resolved, WHOLE_TABLE), WHOLE_TABLE),
        )
        for child in node.children:
            # Facets belong to the list, not to each of its rows.
            is_facets = child.plan.declaration is ConnectionField.FACETS
            self._add_node(child, arguments, parents if is_facets else rows, scans)

    def _add_connection(
        self, node: ComplexityNode, resolved: ResolvedArguments | None, parents: int, scans: list[Scan]
    ) -> None:
        plan = node.plan
        if resolved is None or not isinstance(resolved.shape, ConnectionShape):
            return  # an invalid argument, reported as a field error
        shape = resolved.shape
        compilations = node.compilations * (2 if shape.collapse else 1)
        self.comparisons += _count_comparisons(shape.where) * compilations
        if self.comparisons > MAX_COMPARISONS:
            raise _too_wide(
                plan,
                f"has filters with more than {MAX_COMPARISONS:,} comparisons, counted for each list, page "
                "info field and facet",
            )
        assert isinstance(plan.declaration, Connection)
        if plan.declaration.is_search:
            scans.append(search_scan(plan.declaration, shape, resolved.values, node.scan_counts))
        else:
            scans += connection_scans(
                plan.declaration, shape, resolved.values, node.scan_counts, parents, node.parent_table
            )


def _count_comparisons(condition: Condition) -> int:
    if isinstance(condition, All | AnyOf):
        return sum(map(_count_comparisons, condition.parts))
    return 1


def _count_compilations(plan: FieldPlan) -> int:
    """Return how often the filter of a connection is compiled, without `collapse`, which doubles it.

    That is once for the connection, once for each of its fields, twice for each field of its page info, and
    once for each facet and each field below a facet.
    """
    compilations = 1
    for part in plan.selection.fields:
        match part.declaration:
            case ConnectionField.PAGE_INFO:
                compilations += 2 * len(part.selection.fields)
            case ConnectionField.FACETS:
                compilations += sum(count_fields(facet) for facet in part.selection.fields)
            case _:
                compilations += 1
    return compilations


def count_fields(plan: FieldPlan) -> int:
    """Count the field and all fields below it."""
    return 1 + sum(map(count_fields, plan.children))


def _rows_per_parent(
    plan: FieldPlan, resolved: ResolvedArguments | None, table_size: int = ASSUMED_LIST_SIZE
) -> int:
    """Return the number of rows per parent that a field returns; `table_size` for a list of a whole table."""
    declaration = plan.declaration
    if not isinstance(declaration, Connection | Many | TermsFacet | MoreLikeThis | ChangeFeed | NodeLookup):
        return 1
    values = resolved.values if resolved else {}
    limit, start, end = (values.get(name) for name in ("limit", "start", "end"))
    if isinstance(limit, int):
        return limit
    if isinstance(start, int) and isinstance(end, int) and end < UNBOUNDED:
        return end - start
    return table_size if isinstance(declaration, Many) and declaration.match is None else ASSUMED_LIST_SIZE


def _too_wide(plan: FieldPlan, excess: str) -> LocatedRequestError:
    message = f"The request {excess}: request less, or send two requests."
    return LocatedRequestError(Code.TOO_WIDE, message, plan.node, plan.path)
