"""Diagnostics, and their conversion to Problems with line and column.

Values are validated without knowing their position, so a Finding names a path from the top of the front
matter, such as `("related", 3, "webUrl")`. The parser with positions creates Notes with character offsets.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gqlnews.content.models import Position, Problem
from gqlnews.content.problem_codes import WARNINGS, ProblemCode, severity_of

FieldPath = tuple[str | int, ...]

OPENING = Position(1, 1)
"""Start of the front matter, reported as the position of missing keys."""


@dataclass(slots=True)
class Diagnostic:
    """Diagnostic about the value at a path of the front matter."""

    place: FieldPath
    code: ProblemCode
    message: str


@dataclass(slots=True)
class OffsetDiagnostic:
    """Diagnostic at the character offset `index` of the front matter."""

    index: int
    code: ProblemCode
    message: str


class LineIndex:
    """Convert front matter offsets to lines and columns of the file; only `\\n` ends a line."""

    def __init__(self, front: str, first_line: int) -> None:
        self._front = front
        self._first_line = first_line

    def mark(self, index: int) -> Position:
        """Return the position of the character at `index`."""
        line = self._front.count("\n", 0, index)
        start = self._front.rfind("\n", 0, index) + 1
        return Position(self._first_line + line, index - start + 1)


def has_error(found: Iterable[Diagnostic | OffsetDiagnostic]) -> bool:
    """Return whether any diagnostic is an error, which prevents the article from being served."""
    return any(each.code not in WARNINGS for each in found)


LocatedDiagnostic = tuple[Position, ProblemCode, str]
"""Position, code and message of a diagnostic."""


def to_problems(path: str, marked: Iterable[LocatedDiagnostic]) -> tuple[Problem, ...]:
    """Build the problems of one file, in file order."""
    return tuple(
        problem(path, *each)
        for each in sorted(marked, key=lambda each: (each[0].line, each[0].column, each[1]))
    )


def problem(path: str, mark: Position | None, code: ProblemCode, message: str) -> Problem:
    """Build a problem; `mark` is None if it concerns the whole file."""
    line, column = (mark.line, mark.column) if mark is not None else (None, None)
    return Problem(path, line, column, severity_of(code), code.value, message)
