"""Size-bounded LRU cache."""

from collections.abc import Hashable
from operator import itemgetter
from typing import Generic, TypeVar

from cachetools import LRUCache

MAX_REFUSED = 4096  # rejected keys that are remembered, without their values

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SizedLRUCache(Generic[Key, Value]):
    """LRU cache of at most `max_bytes` bytes, by the sizes that callers pass in; 0 disables it.

    Above `free` bytes, a new key is admitted only on its second insert. So a flood of different one-off
    requests neither fills the cache nor evicts entries that are in use.
    """

    def __init__(self, max_bytes: int, free: int | None = None) -> None:
        self.max_bytes, self._free = max_bytes, free
        self._refused: LRUCache[int, None] = LRUCache(MAX_REFUSED)  # hashes of keys
        self._values: LRUCache[Key, tuple[Value, int]] = LRUCache(max_bytes, getsizeof=itemgetter(1))

    def __len__(self) -> int:
        return len(self._values)

    @property
    def size(self) -> int:
        """Total size of the entries in bytes."""
        return int(self._values.currsize)

    def get(self, key: Key) -> Value | None:
        """Return the value and mark it as recently used, or None if it is not cached."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def set(self, key: Key, value: Value, size: int) -> None:
        """Store a value of `size` bytes, 1 or more; a value larger than the whole cache is not stored."""
        known = self._values.pop(key, None) is not None
        if size <= self.max_bytes and (known or self._is_admitted(key, size)):
            self._values[key] = (value, size)

    def _is_admitted(self, key: Key, size: int) -> bool:
        if self._free is None or self.size + size <= self._free:
            return True
        if self._refused.pop(hash(key), self) is None:
            return True
        self._refused[hash(key)] = None
        return False
