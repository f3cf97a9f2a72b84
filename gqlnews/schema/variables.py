"""How many values a request's variables hold: each is coerced, and nobody else is answered meanwhile."""

from collections.abc import Mapping
from typing import Any

MOST_VALUES = 20_000  # some 0.1 s
TOO_MANY = f"The variables hold more than {MOST_VALUES:,} values: ask in several requests."


def hold_too_much(variables: Mapping[str, Any]) -> bool:
    """Of JSON, however deep."""
    count, waiting = 0, [variables.values()]
    while waiting:
        for value in waiting.pop():
            kind = type(value)
            if kind is list or kind is dict:
                count += len(value)
                if count > MOST_VALUES:
                    return True
                waiting.append(value.values() if kind is dict else value)
    return False
