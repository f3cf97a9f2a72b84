"""Cost: how many objects an answer can hold, counted before anything runs.

1. Each object counts as 1: connections, edges, page info and facets too. Leaves and introspection are free.
2. A list has as many as its arguments let it have; a plain list that nothing bounds counts as `USUAL`. Edges
   and nodes are as many as the page of their connection.
3. What hangs from an object counts for each: `articles(first: 20) { nodes { related { title } } }` is
   1 + 20 × (1 + 10).

The sizes of an operation's lists decide its cost, so it is counted once for each tuple of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import is_list_type, is_non_null_type

from gqlnews.plan.arguments import NO_END, Inputs
from gqlnews.plan.declare import Connection, Groups, Items, Log, LogPart, Many, Part, Refs, Similar
from gqlnews.plan.nodes import FieldPlan, RootPlan

USUAL = 10  # elements of a plain list without `first`

SIZED = Connection | Groups | Items | Log | Many | Refs | Similar
PAGED = Connection | Log | Refs
"""Those of which `limits.page` says how many at most."""

Sizes = Mapping[int, int]
"""How many elements the lists have at most, by the numbers of their fields."""


@dataclass(frozen=True, slots=True)
class SizedList:
    """A list of one of the root fields that arguments bound. `outer`: no other stands above it."""

    root: int
    field: FieldPlan
    outer: bool

    @property
    def is_page(self) -> bool:
        return isinstance(self.field.declaration, PAGED)


def sized_lists(roots: Sequence[RootPlan]) -> tuple[SizedList, ...]:
    """Of an operation, in the order of its fields."""
    found: list[SizedList] = []
    for number, root in enumerate(roots):
        _collect(root.field, number, found, outer=True)
    return tuple(found)


def _collect(plan: FieldPlan, root: int, found: list[SizedList], *, outer: bool) -> None:
    sized = bool(plan.definition.args) and isinstance(plan.declaration, SIZED) and not _is_single(plan)
    if sized:
        found.append(SizedList(root, plan, outer))
    for selection in plan.objects.values():
        for field in selection.fields:
            _collect(field, root, found, outer=outer and not sized)


def _is_single(plan: FieldPlan) -> bool:
    declaration = plan.declaration
    return isinstance(declaration, Items | Refs) and declaration.single


def size_of(given: Inputs | None) -> int:
    """How many elements the arguments of a list let it have."""
    if given is None:  # they are an error of the field: it has none, and costs what it usually does
        return USUAL
    limit, start, end = (given.values.get(name) for name in ("limit", "start", "end"))
    if isinstance(limit, int):
        return limit
    assert isinstance(start, int)
    assert isinstance(end, int)
    return USUAL if end == NO_END else end - start


def cost_of(roots: Sequence[RootPlan], lists: Sequence[SizedList], sizes: Sequence[int]) -> int:
    """The objects that an answer holds at most, where plain lists are no longer than usual."""
    by_field: list[dict[int, int]] = [{} for _ in roots]
    for one, size in zip(lists, sizes, strict=True):
        by_field[one.root][one.field.number] = size
    return sum(_cost(root.field, own, page=0) for root, own in zip(roots, by_field, strict=True))


def _cost(plan: FieldPlan, sizes: Sizes, page: int) -> int:
    """Of a field of one object; `page` is how many the connection has that the field is a part of."""
    if not plan.objects:
        return 0
    own = sizes.get(plan.number)
    below = own if own is not None and isinstance(plan.declaration, Connection | Log) else page
    each = 1 + max(
        sum(_cost(field, sizes, below) for field in selection.fields) for selection in plan.objects.values()
    )
    return each * _count(plan, own, page)


def _count(plan: FieldPlan, own: int | None, page: int) -> int:
    """How many objects the field leads to."""
    if not _is_list(plan):
        return 1
    if own is not None:
        return own
    return page if isinstance(plan.declaration, Part | LogPart) else USUAL


def _is_list(plan: FieldPlan) -> bool:
    kind = plan.definition.type
    return is_list_type(kind.of_type if is_non_null_type(kind) else kind)
