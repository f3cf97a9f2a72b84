"""Query cost: compute it before execution, enforce its limit, and suggest smaller page sizes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from graphql import get_nullable_type, is_list_type

from gqlnews.config.settings import Limits
from gqlnews.errors import Code
from gqlnews.query.arguments import UNBOUNDED, ResolvedArguments
from gqlnews.query.fields import (
    ChangeFeed,
    ChangeFeedField,
    Connection,
    ConnectionField,
    JsonArray,
    Many,
    MoreLikeThis,
    NodeLookup,
    TermsFacet,
)
from gqlnews.query.scan import Scans
from gqlnews.query.tree import FieldPlan, LocatedRequestError, RootPlan

# Query cost: the maximum number of objects in a response.
#
# 1. Each object costs 1, including connections, edges, page info and facets. Leaves and introspection cost
#    nothing.
# 2. A list counts as many items as its arguments allow, a plain list without a limit `DEFAULT_LIST_SIZE`.
#    Edges and nodes count as many as the page size of their connection.
# 3. The cost below an object is multiplied by the number of objects:
#    `articles(first: 20) { nodes { related { title } } }` costs 1 + 20 × (1 + 10).
#
# The cost of an operation depends only on its list sizes, so it is computed once per tuple of sizes.

DEFAULT_LIST_SIZE = 10  # items of a plain list without `first`

SIZED = Connection | TermsFacet | JsonArray | ChangeFeed | Many | NodeLookup | MoreLikeThis
PAGED = Connection | ChangeFeed | NodeLookup
"""Lists whose size is limited by `Limits.max_page_size`."""

SLICED = JsonArray | Many | MoreLikeThis

LIMIT, START_AND_END = itemgetter("limit"), itemgetter("start", "end")

Sizes = Mapping[int, int]
"""Maximum list sizes by field number."""


@dataclass(frozen=True, slots=True)
class BoundedList:
    """A list bounded by arguments, below root field number `root`. `outer`: not inside another such list."""

    root: int
    field: FieldPlan
    outer: bool


def _bounded_lists(plan: FieldPlan, root: int, *, outer: bool = True) -> Iterator[BoundedList]:
    """Yield the bounded lists of a root field, in field order."""
    declaration = plan.declaration
    sized = (
        plan.definition.args and isinstance(declaration, SIZED) and not getattr(declaration, "single", False)
    )
    if sized:
        yield BoundedList(root, plan, outer)
    for child in plan.children:
        yield from _bounded_lists(child, root, outer=outer and not sized)


def list_size(bounds: object) -> int:
    """Return the list size for its bounds; `DEFAULT_LIST_SIZE` for None (an invalid argument)."""
    if isinstance(bounds, int):
        return bounds
    if not isinstance(bounds, tuple):
        return DEFAULT_LIST_SIZE
    start, end = bounds
    return DEFAULT_LIST_SIZE if end == UNBOUNDED else int(end - start)


def total_cost(roots: Sequence[RootPlan], lists: Sequence[BoundedList], sizes: Sequence[int]) -> int:
    """Return the maximum number of objects in the response: `DEFAULT_LIST_SIZE` for unbounded lists."""
    by_field: list[dict[int, int]] = [{} for _ in roots]
    for bounded_list, size in zip(lists, sizes, strict=True):
        by_field[bounded_list.root][bounded_list.field.number] = size
    return sum(
        _field_cost(root.field, root_sizes, page=0) for root, root_sizes in zip(roots, by_field, strict=True)
    )


def _field_cost(plan: FieldPlan, sizes: Sizes, page: int) -> int:
    """Return the cost of a field for one parent; `page` is the page size of the enclosing connection."""
    if not plan.objects:
        return 0
    size = sizes.get(plan.number)
    below = size if size is not None and isinstance(plan.declaration, Connection | ChangeFeed) else page
    object_cost = 1 + max(
        sum(_field_cost(field, sizes, below) for field in selection.fields)
        for selection in plan.objects.values()
    )
    return object_cost * _count(plan, size, page)


def _count(plan: FieldPlan, size: int | None, page: int) -> int:
    """Return the number of objects that the field returns."""
    if not is_list_type(get_nullable_type(plan.definition.type)):
        return 1
    if size is not None:
        return size
    return page if isinstance(plan.declaration, ConnectionField | ChangeFeedField) else DEFAULT_LIST_SIZE


# Suggested page sizes. The outermost lists multiply everything below them, so a binary search looks for the
# largest size that they may have. If even size 1 costs too much, it looks for the largest size for all lists.

PageSizes = Sequence[int]


def suggest_page_sizes(
    roots: Sequence[RootPlan], lists: Sequence[BoundedList], sizes: PageSizes, limit: int
) -> str:
    """Return the advice for the error message: page sizes with which the request costs at most `limit`."""
    for changed in ([bounded_list.outer for bounded_list in lists], [True for _ in lists]):
        size = _largest(roots, lists, sizes, changed, limit)
        if size:
            parts = zip(lists, sizes, changed, strict=True)
            suggestions = [
                _describe(bounded_list, size)
                for bounded_list, current, change in parts
                if change and current > size
            ]
            return f"with {', '.join(suggestions)} it would pass"
    return "request less, or send several requests"


def _largest(
    roots: Sequence[RootPlan],
    lists: Sequence[BoundedList],
    sizes: PageSizes,
    changed: Sequence[bool],
    limit: int,
) -> int:
    """Return the largest size of the `changed` lists with which the cost is within the limit; 0 if none."""
    low = 0
    high = max((size for size, change in zip(sizes, changed, strict=True) if change), default=0)
    while high - low > 1:
        middle = (low + high) // 2
        tried = [min(size, middle) if change else size for size, change in zip(sizes, changed, strict=True)]
        if total_cost(roots, lists, tried) <= limit:
            low = middle
        else:
            high = middle
    return low


def _describe(bounded_list: BoundedList, size: int) -> str:
    path = f"`{'.'.join(bounded_list.field.path)}`"
    argument = _size_argument(bounded_list.field)
    if isinstance(bounded_list.field.declaration, NodeLookup):
        return f"{size} `{argument}` at {path}"
    return f"`{argument}: {size}` at {path}"


def _size_argument(plan: FieldPlan) -> str:
    """Return the argument that determines the size of a list: `first`, `last`, or that of a node lookup."""
    if isinstance(plan.declaration, NodeLookup):
        return next(iter(plan.definition.args))
    given = {argument.name.value for argument in plan.node.arguments or ()}
    return "last" if "last" in given and "first" not in given else "first"


# Cost estimator of one operation.

ArgumentsByRoot = Sequence[Mapping[int, ResolvedArguments]]
"""The resolved arguments below each root field, by field number."""


class CostLimitError(LocatedRequestError):
    """The request exceeds the cost limit. `scans`: the scans that it would run, by root field."""

    def __init__(
        self, field: FieldPlan, cost: int, limit: int, advice: str, scans: Mapping[str, Scans]
    ) -> None:
        message = f"The request costs {cost:,}, and the limit is {limit:,}: {advice}."
        super().__init__(Code.TOO_COSTLY, message, field.node, field.path)
        self.cost, self.limit, self.advice, self.scans = cost, limit, advice, scans


class CostEstimator:
    """Estimate costs and enforce the limits.

    `estimate` runs for every request, so it reads only the bounds of the lists, and computes the cost only if
    they differ from those of the last request.
    """

    def __init__(self, roots: Sequence[RootPlan], limits: Limits) -> None:
        self._roots, self._limits = roots, limits
        self._lists = [
            bounded_list
            for number, root in enumerate(roots)
            for bounded_list in _bounded_lists(root.field, number)
        ]
        # The bound values that determine the size of each list.
        self._getters = [
            (
                one.root,
                one.field.number,
                START_AND_END if isinstance(one.field.declaration, SLICED) else LIMIT,
            )
            for one in self._lists
        ]
        self._last: tuple[tuple[object, ...], int] | None = None  # bounds and their cost

    def estimate(self, arguments: ArgumentsByRoot, scans: Mapping[str, Scans]) -> int:
        """Return the cost of a request, which runs `scans`; raises if it or a page size exceeds its limit."""
        bounds = tuple(
            [  # None for a list with an invalid argument
                get_bounds(resolved.values) if (resolved := arguments[root].get(number)) is not None else None
                for root, number, get_bounds in self._getters
            ]
        )
        last = self._last
        if last is None or last[0] != bounds:
            sizes = [list_size(list_bounds) for list_bounds in bounds]
            last = self._last = bounds, self._compute(sizes, scans)
        return last[1]

    def _compute(self, sizes: PageSizes, scans: Mapping[str, Scans]) -> int:
        for bounded_list, size in zip(self._lists, sizes, strict=True):
            if isinstance(bounded_list.field.declaration, PAGED) and 0 < self._limits.max_page_size < size:
                raise _page_size_error(bounded_list.field, size, self._limits.max_page_size)
        cost, limit = total_cost(self._roots, self._lists, sizes), self._limits.max_cost
        if limit and cost > limit:
            field = self._lists[0].field if self._lists else self._roots[0].field
            advice = suggest_page_sizes(self._roots, self._lists, sizes, limit)
            raise CostLimitError(field, cost, limit, advice, scans)
        return cost


def _page_size_error(plan: FieldPlan, size: int, limit: int) -> LocatedRequestError:
    message = f"`{plan.key}` requests {size:,} items with `{_size_argument(plan)}`: pass at most {limit}."
    return LocatedRequestError(Code.BAD_PAGE, message, plan.node, plan.path)
