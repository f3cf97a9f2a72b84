"""Limit the complexity of a request, computed from its document and arguments alone.

- A filter is compiled once per subquery that reads its list: page, count, every facet. Compilation runs in
  Python and blocks all other requests, so more than `MAX_TESTS` tests are rejected.
- `similar` runs a separate full-text query per article, at most `MAX_SIMILAR_CALLS` times.
- The same traversal estimates the rows that the statements read (scan.py).

Most fields of an operation affect none of these. `places_of` finds those that do once per operation, and each
request visits only these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gqlnews.errors import Code, RequestError
from gqlnews.query.arguments import NO_END, ResolvedArguments
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
from gqlnews.query.passes import Reads, passes_of_groups, passes_of_list, passes_of_search, reads_of
from gqlnews.query.predicates import All, AnyOf, Condition
from gqlnews.query.scan import ROWS_ALIKE, SIMILAR, Pass, Passes
from gqlnews.query.tree import FieldPlan, ObjectPlan, RequestRefusedError, RootPlan

MAX_TESTS = 2_000  # of all filters, counted per compilation
MAX_SIMILAR_CALLS = 250  # articles for which `similar` is requested
DEFAULT_LIST_SIZE = 20  # assumed rows of an unbounded list
WHOLE_TABLE = 2**31  # upper bound of rows, until table sizes are applied

ByField = Mapping[int, ResolvedArguments]
"""Resolved arguments by field number."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field that reads many rows or has such a field below it. `parent` is the table of its parent row.

    `readings`: how often its filter is compiled; `reads`: the scans that its selection needs.
    """

    plan: FieldPlan
    parent: str
    below: tuple["Place", ...]
    readings: int = 1
    reads: Reads = field(default_factory=Reads)


def places_of(root: RootPlan) -> Place | None:
    """Find the relevant fields below a root field; None if there are none."""
    return _place(root.field, "")


def _place(plan: FieldPlan, parent: str) -> Place | None:
    below = tuple(
        place
        for selection in plan.objects.values()
        for one in selection.fields
        if one.objects or isinstance(one.declaration, MoreLikeThis)
        if (place := _place(one, _table(selection) or parent)) is not None
    )
    match plan.declaration:
        case Connection():
            return Place(plan, parent, below, _readings(plan), reads_of(plan))
        case MoreLikeThis():
            return Place(plan, parent, below)
        case TermsFacet(entity=entity) if entity is not None:
            return Place(plan, parent, below)
    return Place(plan, parent, below) if below else None


def _table(selection: ObjectPlan) -> str:
    return selection.entity.table if selection.entity else ""


@dataclass(slots=True)
class ComplexityCounter:
    """Complexity counters of one request, summed over its root fields; raises when one exceeds its limit."""

    tests: int = 0
    alike: int = 0

    def add(self, place: Place, inputs: ByField) -> Passes:
        """Count one root field and return its scans."""
        found: list[Pass] = []
        self._walk(place, inputs, (1, 1), found)
        return tuple(one for one in found if one.weight)

    def _walk(self, place: Place, inputs: ByField, above: tuple[int, int], found: list[Pass]) -> None:
        """Count a field. `above`: the estimated and the maximum number of parent rows."""
        plan, (many, parents) = place.plan, above
        given = inputs.get(plan.number)
        match plan.declaration:
            case Connection():
                self._add_list(place, given, parents, found)
            case MoreLikeThis():
                self.alike += many
                if self.alike > MAX_SIMILAR_CALLS:
                    raise _too_wide(plan, "`similar`", f"is asked of more than {MAX_SIMILAR_CALLS} articles")
                found.append(Pass(SIMILAR, ROWS_ALIKE, many))
            case TermsFacet():
                found += passes_of_groups(plan.declaration, parents, place.parent)
        below = many * _rows(plan, given), min(parents * _rows(plan, given, WHOLE_TABLE), WHOLE_TABLE)
        for one in place.below:
            # Facets belong to the list, not to each of its rows.
            self._walk(one, inputs, above if one.plan.declaration is ConnectionField.FACETS else below, found)

    def _add_list(
        self, place: Place, given: ResolvedArguments | None, parents: int, found: list[Pass]
    ) -> None:
        plan = place.plan
        if given is None or not isinstance(given.shape, ConnectionShape):
            return  # its arguments are a field error
        shape = given.shape
        self.tests += _tests(shape.where) * place.readings * (2 if shape.alike else 1)
        if self.tests > MAX_TESTS:
            raise _too_wide(plan, "filters", f"have more than {MAX_TESTS} tests in all lists and facets")
        assert isinstance(plan.declaration, Connection)
        make = passes_of_list if plan.declaration.hits is None else passes_of_search
        found += make(plan.declaration, shape, given.values, place.reads, parents, place.parent)


def _tests(condition: Condition) -> int:
    if isinstance(condition, All | AnyOf):
        return sum(map(_tests, condition.parts))
    return 1


def _readings(plan: FieldPlan) -> int:
    """Count how often the filter is compiled (`collapse` doubles that).

    Once for the connection, once per part of it, twice per field of its page info, and once per facet and per
    field below a facet.
    """
    readings = 1
    for part in plan.selection.fields:
        match part.declaration:
            case ConnectionField.PAGE_INFO:
                readings += 2 * len(part.selection.fields)
            case ConnectionField.FACETS:
                readings += sum(_fields(facet) for facet in part.selection.fields)
            case _:
                readings += 1
    return readings


def _fields(plan: FieldPlan) -> int:
    """Count the field and all fields below it."""
    return 1 + sum(_fields(one) for selection in plan.objects.values() for one in selection.fields)


def _rows(plan: FieldPlan, given: ResolvedArguments | None, of_table: int = DEFAULT_LIST_SIZE) -> int:
    """Return the number of rows per parent that a field returns; `of_table` for a list of a whole table."""
    declaration = plan.declaration
    if not isinstance(declaration, Connection | Many | TermsFacet | MoreLikeThis | ChangeFeed | NodeLookup):
        return 1
    values = given.values if given else {}
    limit, start, end = (values.get(name) for name in ("limit", "start", "end"))
    if isinstance(limit, int):
        return limit
    if isinstance(start, int) and isinstance(end, int) and end < NO_END:
        return end - start
    return of_table if isinstance(declaration, Many) and declaration.match is None else DEFAULT_LIST_SIZE


def _too_wide(plan: FieldPlan, what: str, why: str) -> RequestRefusedError:
    error = RequestError(Code.TOO_WIDE, f"The request's {what} {why}: ask for less, or in two requests.")
    return RequestRefusedError(error, plan.node, plan.path)
