"""Small decisions, drawn from Hypothesis so that it can shrink them: always towards the plainer choice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")


@lru_cache(maxsize=1000)
def between(low: int, high: int) -> SearchStrategy[int]:
    return st.integers(low, high)


class Dice:
    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        return self._draw(between(low, high))

    def chance(self, percent: int) -> bool:
        """True in `percent` of a hundred cases; it shrinks to False."""
        return self.number(0, 99) >= 100 - percent

    def pick(self, choices: Sequence[T]) -> T:
        """One of them; it shrinks to the first."""
        return choices[self.number(0, len(choices) - 1)]

    def some(self, choices: Sequence[Any], most: int) -> list[Any]:
        """Up to `most` of them, perhaps one of them twice."""
        return [self.pick(choices) for _ in range(self.number(0, most))] if choices else []
