"""Query cost: the maximum number of objects in a response, computed before execution.

1. Each object costs 1, including connections, edges, page info and facets. Leaves and introspection are free.
2. A list counts as many elements as its arguments allow, a plain list without bounds `DEFAULT_LIST_SIZE`.
   Edges and nodes count as many as the page size of their connection.
3. The cost below an object is multiplied by the number of objects:
   `articles(first: 20) { nodes { related { title } } }` costs 1 + 20 × (1 + 10).

The cost of an operation depends only on its list sizes, so it is computed once per tuple of sizes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from graphql import is_list_type, is_non_null_type

from gqlnews.query.arguments import NO_END
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
from gqlnews.query.tree import FieldPlan, RootPlan

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
