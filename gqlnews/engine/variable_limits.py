"""Limit the number of values in a request's variables, because coercing them blocks the event loop."""

from collections.abc import Mapping
from typing import Any

from gqlnews.time_budget import check_time_budget

MAX_VALUES = 20_000  # about 0.1 s
VALUE_SECONDS = 5e-6  # to coerce one
TOO_MANY = f"The variables hold more than {MAX_VALUES:,} values: ask in several requests."


def exceeds_limit(variables: Mapping[str, Any]) -> bool:
    """Return whether nested JSON holds more than `MAX_VALUES` values. Raises TimeBudgetExceeded."""
    count, waiting = 0, [variables.values()]
    while waiting:
        for value in waiting.pop():
            kind = type(value)
            if kind is list or kind is dict:
                count += len(value)
                if count > MAX_VALUES:
                    return True
                waiting.append(value.values() if kind is dict else value)
    check_time_budget(VALUE_SECONDS * count)
    return False
