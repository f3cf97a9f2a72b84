"""Random decisions, read from a tape of bytes.

Hypothesis draws the whole tape at once: with a draw per decision, two thirds of its examples would be
duplicates of the same request. Zeros select the simplest choices, and everything after the tape's end
is zero, so that a smaller tape gives a simpler request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

LENGTH = 900  # bytes: enough for the largest requests


def tapes() -> SearchStrategy[bytes]:
    """Return a strategy of tapes, two thirds of which have the full length."""
    whole = st.binary(min_size=LENGTH, max_size=LENGTH)
    return st.builds(lambda length, tape: tape[:length], st.integers(0, 3 * LENGTH), whole)


class Dice:
    def __init__(self, tape: bytes) -> None:
        self._tape = tape
        self._place = 0

    def number(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`."""
        size = ((high - low).bit_length() + 7) // 8
        drawn = self._tape[self._place : self._place + size]
        self._place += size
        share = int.from_bytes(drawn.ljust(size, b"\0"), "big") * (high - low + 1)
        return low + (share >> 8 * size)

    def chance(self, percent: int) -> bool:
        """Return True in `percent` of a hundred cases. The simplest choice is False."""
        return self.number(0, 99) >= 100 - percent

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices. The simplest is the first."""
        return choices[self.number(0, len(choices) - 1)]
