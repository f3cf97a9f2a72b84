"""Advice: with which sizes of its lists a request would cost no more than it may.

The outermost lists multiply all the rest. So the largest size is sought that each of them may have; where not
even 1 passes, the largest that every list may have.
"""

from collections.abc import Sequence

from gqlnews.plan.cost import SizedList, cost_of
from gqlnews.plan.nodes import RootPlan

Sizes = Sequence[int]


def advice(roots: Sequence[RootPlan], lists: Sequence[SizedList], sizes: Sizes, most: int) -> str:
    """What to change so that the request costs `most` or less, as a clause of a sentence."""
    for changed in ([one.outer for one in lists], [True for _ in lists]):
        size = _largest(roots, lists, sizes, changed, most)
        if size:
            parts = zip(lists, sizes, changed, strict=True)
            said = [_said(one, size) for one, given, change in parts if change and given > size]
            return f"with {', '.join(said)} it would pass"
    return "ask for less, or in several requests"


def _largest(
    roots: Sequence[RootPlan], lists: Sequence[SizedList], sizes: Sizes, changed: Sequence[bool], most: int
) -> int:
    """The largest size that these lists may have; 0 where none passes."""
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


def _said(one: SizedList, size: int) -> str:
    place = f"`{'.'.join(one.field.path)}`"
    if "ids" in one.field.definition.args:
        return f"{size} `ids` at {place}"
    return f"`{_argument(one)}: {size}` at {place}"


def _argument(one: SizedList) -> str:
    given = {argument.name.value for argument in one.field.node.arguments or ()}
    return "last" if "last" in given and "first" not in given else "first"
