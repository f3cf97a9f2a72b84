"""Codes of all content problems. `docs/problems.md` explains how to fix each."""

from enum import StrEnum

from gqlnews.content.models import Severity


class ProblemCode(StrEnum):
    """Stable code of a problem."""

    UNREADABLE = "unreadable"
    NOT_UTF_8 = "not-utf-8"
    NO_FRONT_MATTER = "no-front-matter"
    BROKEN_YAML = "broken-yaml"
    DUPLICATE_KEY = "duplicate-key"
    ALIAS = "alias"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    BAD_DATE = "bad-date"
    TOO_LARGE = "too-large"
    DUPLICATE_SLUG = "duplicate-slug"

    REPAIRED_TYPE = "repaired-type"
    ESCAPED_URL = "escaped-url"
    LEFT_OUT = "left-out"
    SELF_RELATED = "self-related"
    RELATED_TWICE = "related-twice"
    DUPLICATE_URL = "duplicate-url"
    PUBLISHED_DISAGREES = "published-disagrees"
    BAD_SECURED = "bad-secured"


WARNINGS = frozenset(
    {
        ProblemCode.REPAIRED_TYPE,
        ProblemCode.ESCAPED_URL,
        ProblemCode.LEFT_OUT,
        ProblemCode.SELF_RELATED,
        ProblemCode.RELATED_TWICE,
        ProblemCode.DUPLICATE_URL,
        ProblemCode.PUBLISHED_DISAGREES,
        ProblemCode.BAD_SECURED,
    }
)


def severity_of(code: ProblemCode) -> Severity:
    """Return the fixed severity of a code."""
    return Severity.WARNING if code in WARNINGS else Severity.ERROR
