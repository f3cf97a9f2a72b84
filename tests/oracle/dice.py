"""Small decisions, read off a tape of bytes.

Hypothesis draws the tape at one go: a draw for each decision would make it spend two examples of three on
copies that come to the same request. Zeros are the plainest choices, and past the tape's end all is zero, so
that a smaller tape is a simpler request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

LENGTH = 900  # bytes: as much as the largest requests take


def tapes() -> SearchStrategy[bytes]:
    """Tapes, two of three of the whole length."""
    whole = st.binary(min_size=LENGTH, max_size=LENGTH)
    return st.builds(lambda length, tape: tape[:length], st.integers(0, 3 * LENGTH), whole)


class Dice:
    def __init__(self, tape: bytes) -> None:
        self._tape = tape
        self._place = 0

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        size = ((high - low).bit_length() + 7) // 8
        drawn = self._tape[self._place : self._place + size]
        self._place += size
        share = int.from_bytes(drawn.ljust(size, b"\0"), "big") * (high - low + 1)
        return low + (share >> 8 * size)

    def chance(self, percent: int) -> bool:
        """True in `percent` of a hundred cases; plainly False."""
        return self.number(0, 99) >= 100 - percent

    def pick(self, choices: Sequence[T]) -> T:
        """One of them; plainly the first."""
        return choices[self.number(0, len(choices) - 1)]
