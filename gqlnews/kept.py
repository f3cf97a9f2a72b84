"""What was made once and may be asked for again: the values used last, as many as fit a number of bytes."""

from collections.abc import Hashable
from operator import itemgetter
from typing import Generic, TypeVar

from cachetools import LRUCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """At most `limit` bytes of values, by what their keepers say that they take; 0 keeps none."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: LRUCache[Key, tuple[Value, int]] = LRUCache(limit, getsizeof=itemgetter(1))

    def __len__(self) -> int:
        return len(self._values)

    @property
    def size(self) -> int:
        """Bytes kept now."""
        return int(self._values.currsize)

    def get(self, key: Key) -> Value | None:
        """The value, used just now; None where there is none."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def keep(self, key: Key, value: Value, size: int) -> None:
        """`size` in bytes, 1 or more; what is larger than everything may be is not kept."""
        self._values.pop(key, None)
        if size <= self.limit:
            self._values[key] = (value, size)
