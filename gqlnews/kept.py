"""What was made once and may be asked for again: the values used last, as many as fit a number of bytes."""

from collections.abc import Hashable
from operator import itemgetter
from typing import Generic, TypeVar

from cachetools import LRUCache

MAX_REFUSED = 4096  # keys that are remembered without their values

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """At most `limit` bytes of values, by what their keepers say that they take; 0 keeps none.

    Past `free` bytes a new key is admitted when it comes for the second time: so what is asked for once, as
    in a flood of different requests, neither fills the cache nor evicts what is in use.
    """

    def __init__(self, limit: int, free: int | None = None) -> None:
        self.limit, self._free = limit, free
        self._refused: LRUCache[int, None] = LRUCache(MAX_REFUSED)  # hashes of keys
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
        known = self._values.pop(key, None) is not None
        if size <= self.limit and (known or self._is_admitted(key, size)):
            self._values[key] = (value, size)

    def _is_admitted(self, key: Key, size: int) -> bool:
        if self._free is None or self.size + size <= self._free:
            return True
        if self._refused.pop(hash(key), self) is None:
            return True
        self._refused[hash(key)] = None
        return False
