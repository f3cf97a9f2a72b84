"""Parse plain YAML scalars; the only place that defines what they mean.

YAML 1.1 and 1.2 differ on `yes`, `0777` and `1_000`. Here `yes` and `on` are true, as in 1.1, and a number is
decimal without leading zeros.
"""

import re
from math import isfinite

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_FLAGS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1


def parse_bool(text: str) -> bool | None:
    """Parse a boolean in any YAML 1.1 spelling; return None for any other text."""
    return _FLAGS.get(text)


def parse_int32(text: str) -> int | None:
    """Parse a decimal 32-bit integer; return None for any other text."""
    if not _WHOLE.fullmatch(text):
        return None
    number = int(text)
    return number if -_MAX_INT32 - 1 <= number <= _MAX_INT32 else None


def to_json_scalar(text: str) -> bool | int | float | str | None:
    """Convert a plain scalar of an unknown key to JSON: null, a boolean, a finite decimal number, or text."""
    if text in NULLS:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if _WHOLE.fullmatch(text):
        number = int(text)
        return number if -MAX_INT64 - 1 <= number <= MAX_INT64 else text
    if _NUMBER.fullmatch(text) and not text.lstrip("+-").isdigit():
        real = float(text)
        return real if isfinite(real) else text
    return text
