"""Cost estimation for one operation, cached by list sizes, and enforcement of the cost limit."""

from collections.abc import Mapping, Sequence

from gqlnews.config.limits import Limits
from gqlnews.errors import Code, RequestError
from gqlnews.query.advice import advice
from gqlnews.query.arguments import ResolvedArguments
from gqlnews.query.cost import BoundedList, Bounds, cost_of, size_of, sized_lists
from gqlnews.query.tree import CostLimitError, RequestRefusedError, RootPlan

MAX_CACHED = 256  # of one operation

Given = Sequence[Mapping[int, ResolvedArguments]]
"""The resolved arguments below each root field, by field number."""

Sizes = Sequence[int]


class CostEstimator:
    """Cost estimator. `of` runs on every request, so it looks only at the bounds of the lists."""

    def __init__(self, roots: Sequence[RootPlan], limits: Limits) -> None:
        self._roots, self._limits = roots, limits
        self._lists = sized_lists(roots)
        self._places = [(one.root, one.field.number, one.bounds) for one in self._lists]
        self._costs: dict[tuple[object, ...], int] = {}

    def of(self, given: Given) -> int:
        """Return the cost of a request; raises if it or a page size exceeds its limit."""
        try:
            bounds = tuple([of(given[root][number].values) for root, number, of in self._places])
        except KeyError:  # the arguments of a list are a field error
            bounds = tuple([self._bounds_of_one(given, *place) for place in self._places])
        cost = self._costs.get(bounds)
        if cost is None:
            cost = self._counted([size_of(one) for one in bounds])
            while len(self._costs) >= MAX_CACHED:
                del self._costs[next(iter(self._costs))]
            self._costs[bounds] = cost
        return cost

    @staticmethod
    def _bounds_of_one(given: Given, root: int, number: int, bounds: Bounds) -> object:
        inputs = given[root].get(number)
        return None if inputs is None else bounds(inputs.values)

    def _counted(self, sizes: Sizes) -> int:
        for one, size in zip(self._lists, sizes, strict=True):
            if one.is_page and self._limits.page and size > self._limits.page:
                raise _too_many(one, size, self._limits.page)
        cost, most = cost_of(self._roots, self._lists, sizes), self._limits.cost
        if most and cost > most:
            raise self._too_costly(sizes, cost, most)
        return cost

    def _too_costly(self, sizes: Sizes, cost: int, most: int) -> CostLimitError:
        at = self._lists[0].field if self._lists else self._roots[0].field
        change = advice(self._roots, self._lists, sizes, most)
        message = f"The request costs {cost:,} of at most {most:,}: {change}."
        return CostLimitError(RequestError(Code.TOO_COSTLY, message), at.node, at.path, cost)


def _too_many(one: BoundedList, size: int, most: int) -> RequestRefusedError:
    name = "ids" if "ids" in one.field.definition.args else "first"
    message = f"`{one.field.key}` asks for {size:,} by `{name}`: give at most {most}."
    return RequestRefusedError(RequestError(Code.BAD_PAGE, message), one.field.node, one.field.path)
