"""Suggest page sizes that bring a request under the cost limit.

The outermost lists multiply everything below them, so a binary search looks for the largest size that they
may have. If even size 1 costs too much, it looks for the largest size for all lists.
"""

from collections.abc import Sequence

from gqlnews.query.cost import BoundedList, cost_of
from gqlnews.query.tree import RootPlan

Sizes = Sequence[int]


def advice(roots: Sequence[RootPlan], lists: Sequence[BoundedList], sizes: Sizes, most: int) -> str:
    """Return a clause for the error message: what to change so that the request costs at most `most`."""
    for changed in ([one.outer for one in lists], [True for _ in lists]):
        size = _largest(roots, lists, sizes, changed, most)
        if size:
            parts = zip(lists, sizes, changed, strict=True)
            said = [_said(one, size) for one, given, change in parts if change and given > size]
            return f"with {', '.join(said)} it would pass"
    return "ask for less, or in several requests"


def _largest(
    roots: Sequence[RootPlan], lists: Sequence[BoundedList], sizes: Sizes, changed: Sequence[bool], most: int
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
