"""Query cost: compute it before execution, enforce its limit, and suggest smaller page sizes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from graphql import is_list_type, is_non_null_type

from gqlnews.config.settings import Limits
from gqlnews.errors import Code, RequestError
from gqlnews.query.arguments import NO_END, ResolvedArguments
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
from gqlnews.query.tree import CostLimitError, FieldPlan, RequestRefusedError, RootPlan

# Query cost: the maximum number of objects in a response, computed before execution.
#
# 1. Each object costs 1, including connections, edges, page info and facets. Leaves and introspection are
#    free.
# 2. A list counts as many elements as its arguments allow, a plain list without bounds `DEFAULT_LIST_SIZE`.
#    Edges and nodes count as many as the page size of their connection.
# 3. The cost below an object is multiplied by the number of objects:
#    `articles(first: 20) { nodes { related { title } } }` costs 1 + 20 × (1 + 10).
#
# The cost of an operation depends only on its list sizes, so it is computed once per tuple of sizes.


DEFAULT_LIST_SIZE = 10  # elements of a plain list without `first`

SIZED = Connection | TermsFacet | JsonArray | ChangeFeed | Many | NodeLookup | MoreLikeThis
PAGED = Connection | ChangeFeed | NodeLookup
"""Lists whose size is limited by `limits.page`."""

SLICED = JsonArray | Many | MoreLikeThis

Bounds = Callable[[Mapping[str, object]], object]
LIMIT, START_AND_END = itemgetter("limit"), itemgetter("start", "end")

Sizes = Mapping[int, int]
"""Maximum list sizes by field number."""


@dataclass(frozen=True, slots=True)
class BoundedList:
    """A list bounded by arguments, below root field number `root`. `outer`: not inside another such list."""

    root: int
    field: FieldPlan
    outer: bool

    @property
    def is_page(self) -> bool:
        return isinstance(self.field.declaration, PAGED)

    @property
    def bounds(self) -> Bounds:
        """Getter for the bound values that determine the size: a limit, or a start and an end."""
        return START_AND_END if isinstance(self.field.declaration, SLICED) else LIMIT


def sized_lists(roots: Sequence[RootPlan]) -> tuple[BoundedList, ...]:
    """Collect the bounded lists of an operation, in field order."""
    found: list[BoundedList] = []
    for number, root in enumerate(roots):
        _collect(root.field, number, found, outer=True)
    return tuple(found)


def _collect(plan: FieldPlan, root: int, found: list[BoundedList], *, outer: bool) -> None:
    sized = bool(plan.definition.args) and isinstance(plan.declaration, SIZED) and not _is_single(plan)
    if sized:
        found.append(BoundedList(root, plan, outer))
    for selection in plan.objects.values():
        for field in selection.fields:
            _collect(field, root, found, outer=outer and not sized)


def _is_single(plan: FieldPlan) -> bool:
    declaration = plan.declaration
    return isinstance(declaration, JsonArray | NodeLookup) and declaration.single


def size_of(given: object) -> int:
    """Return the list size for its bounds; `DEFAULT_LIST_SIZE` for None (the arguments are a field error)."""
    if isinstance(given, int):
        return given
    if not isinstance(given, tuple):
        return DEFAULT_LIST_SIZE
    start, end = given
    return DEFAULT_LIST_SIZE if end == NO_END else int(end - start)


def cost_of(roots: Sequence[RootPlan], lists: Sequence[BoundedList], sizes: Sequence[int]) -> int:
    """Return the maximum number of objects in the response: `DEFAULT_LIST_SIZE` for unbounded lists."""
    by_field: list[dict[int, int]] = [{} for _ in roots]
    for one, size in zip(lists, sizes, strict=True):
        by_field[one.root][one.field.number] = size
    return sum(_cost(root.field, own, page=0) for root, own in zip(roots, by_field, strict=True))


def _cost(plan: FieldPlan, sizes: Sizes, page: int) -> int:
    """Return the cost of a field for one parent; `page` is the page size of the enclosing connection."""
    if not plan.objects:
        return 0
    own = sizes.get(plan.number)
    below = own if own is not None and isinstance(plan.declaration, Connection | ChangeFeed) else page
    each = 1 + max(
        sum(_cost(field, sizes, below) for field in selection.fields) for selection in plan.objects.values()
    )
    return each * _count(plan, own, page)


def _count(plan: FieldPlan, own: int | None, page: int) -> int:
    """Return the number of objects that the field returns."""
    if not _is_list(plan):
        return 1
    if own is not None:
        return own
    return page if isinstance(plan.declaration, ConnectionField | ChangeFeedField) else DEFAULT_LIST_SIZE


def _is_list(plan: FieldPlan) -> bool:
    kind = plan.definition.type
    return is_list_type(kind.of_type if is_non_null_type(kind) else kind)


# Suggest page sizes that bring a request under the cost limit.
#
# The outermost lists multiply everything below them, so a binary search looks for the largest size that they
# may have. If even size 1 costs too much, it looks for the largest size for all lists.


PageSizes = Sequence[int]


def suggest_page_sizes(
    roots: Sequence[RootPlan], lists: Sequence[BoundedList], sizes: PageSizes, most: int
) -> str:
    """Return a clause for the error message: what to change so that the request costs at most `most`."""
    for changed in ([one.outer for one in lists], [True for _ in lists]):
        size = _largest(roots, lists, sizes, changed, most)
        if size:
            parts = zip(lists, sizes, changed, strict=True)
            said = [_said(one, size) for one, given, change in parts if change and given > size]
            return f"with {', '.join(said)} it would pass"
    return "ask for less, or in several requests"


def _largest(
    roots: Sequence[RootPlan],
    lists: Sequence[BoundedList],
    sizes: PageSizes,
    changed: Sequence[bool],
    most: int,
) -> int:
    """Return the largest size of the `changed` lists that stays within the limit; 0 if none does."""
    passes = 0
    fails = max((size for size, change in zip(sizes, changed, strict=True) if change), default=0)
    while fails - passes > 1:
        middle = (passes + fails) // 2
        tried = [min(size, middle) if change else size for size, change in zip(sizes, changed, strict=True)]
        if cost_of(roots, lists, tried) <= most:
            passes = middle
        else:
            fails = middle
    return passes


def _said(one: BoundedList, size: int) -> str:
    place = f"`{'.'.join(one.field.path)}`"
    if "ids" in one.field.definition.args:
        return f"{size} `ids` at {place}"
    return f"`{_argument(one)}: {size}` at {place}"


def _argument(one: BoundedList) -> str:
    given = {argument.name.value for argument in one.field.node.arguments or ()}
    return "last" if "last" in given and "first" not in given else "first"


# Cost estimation for one operation, cached by list sizes, and enforcement of the cost limit.


MAX_CACHED = 256  # of one operation

Given = Sequence[Mapping[int, ResolvedArguments]]
"""The resolved arguments below each root field, by field number."""


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

    def _counted(self, sizes: PageSizes) -> int:
        for one, size in zip(self._lists, sizes, strict=True):
            if one.is_page and self._limits.page and size > self._limits.page:
                raise _too_many(one, size, self._limits.page)
        cost, most = cost_of(self._roots, self._lists, sizes), self._limits.cost
        if most and cost > most:
            raise self._too_costly(sizes, cost, most)
        return cost

    def _too_costly(self, sizes: PageSizes, cost: int, most: int) -> CostLimitError:
        at = self._lists[0].field if self._lists else self._roots[0].field
        change = suggest_page_sizes(self._roots, self._lists, sizes, most)
        message = f"The request costs {cost:,} of at most {most:,}: {change}."
        return CostLimitError(RequestError(Code.TOO_COSTLY, message), at.node, at.path, cost)


def _too_many(one: BoundedList, size: int, most: int) -> RequestRefusedError:
    name = "ids" if "ids" in one.field.definition.args else "first"
    message = f"`{one.field.key}` asks for {size:,} by `{name}`: give at most {most}."
    return RequestRefusedError(RequestError(Code.BAD_PAGE, message), one.field.node, one.field.path)
