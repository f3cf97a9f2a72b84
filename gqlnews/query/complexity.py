"""Limit the complexity of a request, computed from its document and arguments alone.

- A filter is compiled once per subquery that reads its list: page, count, every facet. Compilation runs in
  Python and blocks all other requests, so more than `MAX_TESTS` tests are rejected.
- `similar` runs a separate full-text query per article, at most `MAX_SIMILAR_CALLS` times.
- The same traversal estimates the rows that the statements read (scan.py).

Most fields of an operation affect none of these. `complexity_tree` finds those that do once per operation,
and each request visits only these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gqlnews.errors import Code, RequestError
from gqlnews.query.arguments import UNBOUNDED, ResolvedArguments
from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.fields import (
    ChangeFeed,
    Connection,
    ConnectionField,
    Many,
    MoreLikeThis,
    NodeLookup,
    TermsFacet,
)
from gqlnews.query.passes import Reads, count_reads, facet_passes, list_passes, search_passes
from gqlnews.query.predicates import All, AnyOf, Condition
from gqlnews.query.scan import SIMILAR, SIMILAR_ROWS, Pass, Passes
from gqlnews.query.tree import FieldPlan, ObjectPlan, RequestRefusedError, RootPlan

MAX_TESTS = 2_000  # of all filters, counted per compilation
MAX_SIMILAR_CALLS = 250  # articles for which `similar` is requested
ASSUMED_LIST_SIZE = 20  # assumed rows of an unbounded list
WHOLE_TABLE = 2**31  # upper bound of rows, until table sizes are applied

ByField = Mapping[int, ResolvedArguments]
"""Resolved arguments by field number."""


@dataclass(frozen=True, slots=True)
class ComplexityNode:
    """A field that reads many rows or has such a field below it. `parent` is the table of its parent row.

    `compilations`: how often its filter is compiled; `reads`: the scans that its selection needs.
    """

    plan: FieldPlan
    parent: str
    children: tuple["ComplexityNode", ...]
    compilations: int = 1
    reads: Reads = field(default_factory=Reads)


def complexity_tree(root: RootPlan) -> ComplexityNode | None:
    """Return the tree of the relevant fields below a root field; None if there are none."""
    return _node(root.field, "")


def _node(plan: FieldPlan, parent: str) -> ComplexityNode | None:
    children = tuple(
        node
        for selection in plan.objects.values()
        for one in selection.fields
        if one.objects or isinstance(one.declaration, MoreLikeThis)
        if (node := _node(one, _table(selection) or parent)) is not None
    )
    match plan.declaration:
        case Connection():
            return ComplexityNode(plan, parent, children, _count_compilations(plan), count_reads(plan))
        case MoreLikeThis():
            return ComplexityNode(plan, parent, children)
        case TermsFacet(entity=entity) if entity is not None:
            return ComplexityNode(plan, parent, children)
    return ComplexityNode(plan, parent, children) if children else None


def _table(selection: ObjectPlan) -> str:
    return selection.entity.table if selection.entity else ""


@dataclass(slots=True)
class ComplexityCounter:
    """Complexity counters of one request, summed over its root fields; raises when one exceeds its limit."""

    tests: int = 0
    similar_calls: int = 0

    def add(self, node: ComplexityNode, arguments: ByField) -> Passes:
        """Count one root field and return its scans."""
        passes: list[Pass] = []
        self._walk(node, arguments, (1, 1), passes)
        return tuple(one for one in passes if one.weight)

    def _walk(
        self, node: ComplexityNode, arguments: ByField, above: tuple[int, int], passes: list[Pass]
    ) -> None:
        """Count a field. `above`: the estimated and the maximum number of parent rows."""
        plan, (many, parents) = node.plan, above
        resolved = arguments.get(plan.number)
        match plan.declaration:
            case Connection():
                self._add_list(node, resolved, parents, passes)
            case MoreLikeThis():
                self.similar_calls += many
                if self.similar_calls > MAX_SIMILAR_CALLS:
                    raise _too_wide(
                        plan, "`similar`", f"is requested for more than {MAX_SIMILAR_CALLS} articles"
                    )
                passes.append(Pass(SIMILAR, SIMILAR_ROWS, many))
            case TermsFacet():
                passes += facet_passes(plan.declaration, parents, node.parent)
        below = (
            many * _rows_per_parent(plan, resolved),
            min(parents * _rows_per_parent(plan, resolved, WHOLE_TABLE), WHOLE_TABLE),
        )
        for one in node.children:
            # Facets belong to the list, not to each of its rows.
            self._walk(
                one, arguments, above if one.plan.declaration is ConnectionField.FACETS else below, passes
            )

    def _add_list(
        self, node: ComplexityNode, resolved: ResolvedArguments | None, parents: int, passes: list[Pass]
    ) -> None:
        plan = node.plan
        if resolved is None or not isinstance(resolved.shape, ConnectionShape):
            return  # an invalid argument, reported as a field error
        shape = resolved.shape
        self.tests += _count_tests(shape.where) * node.compilations * (2 if shape.collapse else 1)
        if self.tests > MAX_TESTS:
            raise _too_wide(plan, "filters", f"have more than {MAX_TESTS} tests in all lists and facets")
        assert isinstance(plan.declaration, Connection)
        make = list_passes if plan.declaration.hits is None else search_passes
        passes += make(plan.declaration, shape, resolved.values, node.reads, parents, node.parent)


def _count_tests(condition: Condition) -> int:
    if isinstance(condition, All | AnyOf):
        return sum(map(_count_tests, condition.parts))
    return 1


def _count_compilations(plan: FieldPlan) -> int:
    """Count how often the filter is compiled (`collapse` doubles that).

    Once for the connection, once per part of it, twice per field of its page info, and once per facet and per
    field below a facet.
    """
    compilations = 1
    for part in plan.selection.fields:
        match part.declaration:
            case ConnectionField.PAGE_INFO:
                compilations += 2 * len(part.selection.fields)
            case ConnectionField.FACETS:
                compilations += sum(_count_fields(facet) for facet in part.selection.fields)
            case _:
                compilations += 1
    return compilations


def _count_fields(plan: FieldPlan) -> int:
    """Count the field and all fields below it."""
    return 1 + sum(_count_fields(one) for selection in plan.objects.values() for one in selection.fields)


def _rows_per_parent(
    plan: FieldPlan, resolved: ResolvedArguments | None, of_table: int = ASSUMED_LIST_SIZE
) -> int:
    """Return the number of rows per parent that a field returns; `of_table` for a list of a whole table."""
    declaration = plan.declaration
    if not isinstance(declaration, Connection | Many | TermsFacet | MoreLikeThis | ChangeFeed | NodeLookup):
        return 1
    values = resolved.values if resolved else {}
    limit, start, end = (values.get(name) for name in ("limit", "start", "end"))
    if isinstance(limit, int):
        return limit
    if isinstance(start, int) and isinstance(end, int) and end < UNBOUNDED:
        return end - start
    return of_table if isinstance(declaration, Many) and declaration.match is None else ASSUMED_LIST_SIZE


def _too_wide(plan: FieldPlan, what: str, why: str) -> RequestRefusedError:
    error = RequestError(Code.TOO_WIDE, f"The request's {what} {why}: ask for less, or in two requests.")
    return RequestRefusedError(error, plan.node, plan.path)
