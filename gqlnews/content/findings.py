"""What is found wrong, before it is a Problem with line and column.

What a value means is decided without knowing where it stands: such a Finding names a place, the way down from
the top, `("related", 3, "webUrl")`. A reader that keeps positions makes Notes, by the character.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gqlnews.content.codes import WARNINGS, Code, severity_of
from gqlnews.content.records import Mark, Problem

Place = tuple[str | int, ...]

OPENING = Mark(1, 1)
"""Where the front matter opens: the place of what is missing."""


@dataclass(slots=True)
class Finding:
    """One thing wrong with the value at one place."""

    place: Place
    code: Code
    message: str


@dataclass(slots=True)
class Note:
    """One thing wrong at the character `index` of the front matter."""

    index: int
    code: Code
    message: str


class Places:
    """From characters of the front matter to lines and columns of the file; only `\\n` ends a line."""

    def __init__(self, front: str, first_line: int) -> None:
        self._front = front
        self._first_line = first_line

    def mark(self, index: int) -> Mark:
        """The position of the character at `index`."""
        line = self._front.count("\n", 0, index)
        start = self._front.rfind("\n", 0, index) + 1
        return Mark(self._first_line + line, index - start + 1)


def has_error(found: Iterable[Finding | Note]) -> bool:
    """Whether any of these keeps the article from being served."""
    return any(each.code not in WARNINGS for each in found)


Marked = tuple[Mark, Code, str]
"""Where, what and in which words."""


def problems_of(path: str, marked: Iterable[Marked]) -> tuple[Problem, ...]:
    """The records of one file's problems, in file order."""
    return tuple(
        problem(path, *each)
        for each in sorted(marked, key=lambda each: (each[0].line, each[0].column, each[1]))
    )


def problem(path: str, mark: Mark | None, code: Code, message: str) -> Problem:
    """The record of one problem; no mark where it is the whole file."""
    line, column = (mark.line, mark.column) if mark is not None else (None, None)
    return Problem(path, line, column, severity_of(code), code.value, message)
