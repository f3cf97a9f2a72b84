"""Problem codes, and the conversion of diagnostics to problems with line and column."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gqlnews.content.models import ContentProblem, Position, ProblemSeverity
from gqlnews.errors import shorten

# Codes of all content problems. `docs/problems.md` explains how to fix each.


class ProblemCode(StrEnum):
    """Stable code of a problem."""

    UNREADABLE = "unreadable"
    NOT_UTF_8 = "not-utf-8"
    NO_FRONT_MATTER = "no-front-matter"
    BROKEN_YAML = "broken-yaml"
    BROKEN_TOML = "broken-toml"
    BROKEN_JSON = "broken-json"
    DUPLICATE_KEY = "duplicate-key"
    ALIAS = "alias"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    BAD_DATE = "bad-date"
    TOO_LARGE = "too-large"
    DUPLICATE_SLUG = "duplicate-slug"
    BAD_CONFIG = "bad-config"

    REPAIRED_TYPE = "repaired-type"
    ESCAPED_URL = "escaped-url"
    HTML_ENTITY = "html-entity"
    UNSAFE_URL = "unsafe-url"
    TOPIC_COLLISION = "topic-collision"
    LEFT_OUT = "left-out"
    SELF_RELATED = "self-related"
    RELATED_TWICE = "related-twice"
    DUPLICATE_URL = "duplicate-url"
    PUBLISHED_DISAGREES = "published-disagrees"
    BAD_SECURED = "bad-secured"
    DRAFT = "draft"
    AMBIGUOUS_DATE = "ambiguous-date"
    REPEATED_KEY = "repeated-key"
    BAD_FIELD = "bad-field"


WARNINGS = frozenset(
    {
        ProblemCode.REPAIRED_TYPE,
        ProblemCode.ESCAPED_URL,
        ProblemCode.HTML_ENTITY,
        ProblemCode.UNSAFE_URL,
        ProblemCode.TOPIC_COLLISION,
        ProblemCode.LEFT_OUT,
        ProblemCode.SELF_RELATED,
        ProblemCode.RELATED_TWICE,
        ProblemCode.DUPLICATE_URL,
        ProblemCode.PUBLISHED_DISAGREES,
        ProblemCode.BAD_SECURED,
        ProblemCode.DRAFT,
        ProblemCode.AMBIGUOUS_DATE,
        ProblemCode.REPEATED_KEY,
        ProblemCode.BAD_FIELD,
    }
)


def get_severity(code: ProblemCode) -> ProblemSeverity:
    """Return the fixed severity of a code."""
    return ProblemSeverity.WARNING if code in WARNINGS else ProblemSeverity.ERROR


# Diagnostics, and their conversion to problems.
#
# Values are validated without their positions, so a Diagnostic contains the path from the top of the front
# matter to the value, such as `("related", 3, "webUrl")`. The strict parser creates OffsetDiagnostics.


FieldPath = tuple[str | int, ...]

_MAX_QUOTED = 40  # characters of a value in a message


def quote(text: str) -> str:
    """Cut a value for a message, with an ellipsis if it is long."""
    return shorten(text, _MAX_QUOTED)


FRONT_MATTER_START = Position(1, 1)
"""Start of the front matter, reported as the position of missing keys."""

NO_OFFSET = -1
"""Offset of a value that is missing, or not in the file but in the site's configuration."""


@dataclass(slots=True)
class Diagnostic:
    """Diagnostic about the value at a path of the front matter."""

    field_path: FieldPath
    code: ProblemCode
    message: str
    severity: ProblemSeverity | None = None


@dataclass(slots=True)
class OffsetDiagnostic:
    """Diagnostic at the character offset `offset` of the front matter.

    `severity` is that of the code, unless it is given.
    """

    offset: int
    code: ProblemCode
    message: str
    severity: ProblemSeverity | None = None


class LineIndex:
    """Convert offsets in the front matter to lines and columns of the file; only `\\n` ends a line."""

    def __init__(self, front: str, first_line: int) -> None:
        self._front = front
        self._first_line = first_line

    def position(self, offset: int) -> Position:
        """Return the position of the character at `offset`."""
        line = self._front.count("\n", 0, offset)
        start = self._front.rfind("\n", 0, offset) + 1
        return Position(self._first_line + line, offset - start + 1)


def has_error(diagnostics: Iterable[Diagnostic | OffsetDiagnostic]) -> bool:
    """Return whether any diagnostic is an error, which prevents the article from being served."""
    return any((each.severity or get_severity(each.code)) is ProblemSeverity.ERROR for each in diagnostics)


LocatedDiagnostic = (
    tuple[Position, ProblemCode, str] | tuple[Position, ProblemCode, str, ProblemSeverity | None]
)
"""Position, code and message of a diagnostic, and its severity if that is not the one of the code."""


def to_problems(path: str, located: Iterable[LocatedDiagnostic]) -> tuple[ContentProblem, ...]:
    """Build the problems of one file, in file order."""
    return tuple(
        build_problem(path, *each)
        for each in sorted(located, key=lambda each: (each[0].line, each[0].column, each[1]))
    )


def build_problem(
    path: str,
    position: Position | None,
    code: ProblemCode,
    message: str,
    severity: ProblemSeverity | None = None,
) -> ContentProblem:
    """Build a problem; `position` is None if the problem concerns the whole file."""
    line, column = (position.line, position.column) if position is not None else (None, None)
    return ContentProblem(path, line, column, severity or get_severity(code), code.value, message)
