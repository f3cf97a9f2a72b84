"""Findings about a front end's documents, and their codes."""

from dataclasses import dataclass
from enum import StrEnum

from gqlnews.errors import Code


class FindingCode(StrEnum):
    """Codes of the findings that only this check has; docs/check-operations.md has a row for each.

    An error with which the server would reject a request has the server's code, see `to_finding_code`.
    """

    UNREADABLE = "unreadable"
    NOT_UTF_8 = "not-utf-8"
    TOO_LARGE = "too-large"
    BROKEN_SCRIPT = "broken-script"
    INTERPOLATION = "interpolation"
    DUPLICATE_OPERATION = "duplicate-operation"
    DUPLICATE_FRAGMENT = "duplicate-fragment"


def to_finding_code(code: Code) -> str:
    """Spell a code of the server as that of a finding: `TOO_DEEP` is `too-deep`."""
    return code.lower().replace("_", "-")


@dataclass(frozen=True, slots=True, order=True)
class FilePlace:
    """A place in a file: its path relative to the checked folder, line and column in characters, from 1.

    Line and column are 0 if the finding is about the whole file.
    """

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake in a front end's documents. Findings sort by their place."""

    place: FilePlace
    code: str
    message: str
