"""What a request may cost, as far as its text and its arguments tell: beyond that it is refused.

- A filter is compiled once for each place where its list is read: page, count, every facet. SQL is made in
  Python, and nobody else is answered meanwhile.
- Likeness is a search of its own for every article that it is asked of.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gqlnews.errors import Code, RequestError
from gqlnews.plan.arguments import NO_END, Inputs
from gqlnews.plan.conditions import EVERYTHING, All, AnyOf, Condition
from gqlnews.plan.declare import Connection, Groups, Log, Many, Part, Refs, Similar
from gqlnews.plan.lists import ListShape
from gqlnews.plan.nodes import FieldPlan, RefusedError, RootPlan

MOST_TESTS = 2_000  # of all filters, each as often as it is compiled
MOST_ALIKE = 250  # articles that `similar` is asked of
USUAL = 20  # rows of a list that nothing bounds

ByField = Mapping[int, Inputs]
"""What the arguments of fields came to, by the fields' numbers."""


@dataclass(slots=True)
class Weights:
    """Of one request; adds up field by field, and refuses at the field that is too much."""

    tests: int = 0
    alike: int = 0

    def add(self, root: RootPlan, inputs: ByField) -> None:
        """Most requests have neither a filter nor `similar`, and need no look at every field."""
        if any(
            isinstance(one.declaration, Similar) or _is_filtered(inputs.get(one.number))
            for one in root.inputs
        ):
            self._walk(root.field, inputs, 1)

    def _walk(self, plan: FieldPlan, inputs: ByField, many: int) -> None:
        given = inputs.get(plan.number)
        if given is not None and isinstance(given.shape, ListShape):
            self.tests += _tests(given.shape.where) * _readings(plan, given.shape)
            if self.tests > MOST_TESTS:
                raise _too_wide(plan, "filters", f"have more than {MOST_TESTS} tests in all lists and facets")
        if isinstance(plan.declaration, Similar):
            self.alike += many
            if self.alike > MOST_ALIKE:
                raise _too_wide(plan, "`similar`", f"is asked of more than {MOST_ALIKE} articles")
        below = many * _rows(plan, given)
        for selection in plan.objects.values():
            for field in selection.fields:
                self._walk(field, inputs, below)


def _is_filtered(given: Inputs | None) -> bool:
    return given is not None and isinstance(given.shape, ListShape) and given.shape.where != EVERYTHING


def _tests(condition: Condition) -> int:
    if isinstance(condition, All | AnyOf):
        return sum(map(_tests, condition.parts))
    return 1


def _readings(plan: FieldPlan, shape: ListShape) -> int:
    """How often the list is read: for each part of the connection, and twice for what asks how it goes on;
    for each facet, and for all that hangs from one; all of it twice to find rows alike.
    """
    readings = 1
    for part in plan.selection.fields:
        match part.declaration:
            case Part.PAGE_INFO:
                readings += 2 * len(part.selection.fields)
            case Part.FACETS:
                readings += sum(_fields(facet) for facet in part.selection.fields)
            case _:
                readings += 1
    return readings * (2 if shape.alike else 1)


def _fields(plan: FieldPlan) -> int:
    """The field and all below it."""
    return 1 + sum(_fields(one) for selection in plan.objects.values() for one in selection.fields)


def _rows(plan: FieldPlan, given: Inputs | None) -> int:
    """How many rows a field leads to for each of its parents, at most or usually."""
    if not isinstance(plan.declaration, Connection | Many | Groups | Similar | Log | Refs):
        return 1
    values = given.values if given else {}
    limit, start, end = (values.get(name) for name in ("limit", "start", "end"))
    if isinstance(limit, int):
        return limit
    if isinstance(start, int) and isinstance(end, int) and end < NO_END:
        return end - start
    return USUAL


def _too_wide(plan: FieldPlan, what: str, why: str) -> RefusedError:
    error = RequestError(Code.TOO_WIDE, f"The request's {what} {why}: ask for less, or in two requests.")
    return RefusedError(error, plan.node, plan.path)
