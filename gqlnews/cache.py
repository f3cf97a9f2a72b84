"""Size-bounded LRU cache."""

from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import Generic, TypeVar

from cachetools import Cache, LRUCache

MAX_REJECTED_KEYS = 4096  # rejected keys whose hashes are remembered

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SizedLRUCache(Generic[Key, Value]):
    """LRU cache of at most `max_bytes` bytes, by the sizes that callers pass in; 0 disables it.

    If the cache would exceed `always_admit_bytes`, a new key is stored only on its second insert. So a flood
    of requests that are not repeated neither fills the cache nor evicts entries that are in use.
    """

    def __init__(self, max_bytes: int, always_admit_bytes: int | None = None) -> None:
        self.max_bytes, self._always_admit_bytes = max_bytes, always_admit_bytes
        self._rejected: LRUCache[int, None] = LRUCache(MAX_REJECTED_KEYS)  # hashes of keys
        self._values: LRUCache[Key, tuple[Value, int]] = LRUCache(max_bytes, getsizeof=itemgetter(1))

    def __len__(self) -> int:
        return len(self._values)

    @property
    def size(self) -> int:
        """Total size of the entries in bytes."""
        return int(self._values.currsize)

    def get(self, key: Key) -> Value | None:
        """Return the value and mark it as recently used, or None if it is not cached."""
        entry = self._values.get(key)
        return None if entry is None else entry[0]

    def set(self, key: Key, value: Value, size: int) -> None:
        """Store a value of `size` bytes, 1 or more; a value larger than the whole cache is not stored."""
        is_cached = self._values.pop(key, None) is not None
        if size <= self.max_bytes and (is_cached or self._is_admitted(key, size)):
            self._values[key] = (value, size)

    def discard(self, matches: Callable[[Value], bool]) -> None:
        """Remove all values that match. It visits every entry."""
        for key in tuple(self._values):
            if matches(Cache.__getitem__(self._values, key)[0]):  # does not mark it as recently used
                del self._values[key]

    def _is_admitted(self, key: Key, size: int) -> bool:
        if self._always_admit_bytes is None or self.size + size <= self._always_admit_bytes:
            return True
        if self._rejected.pop(hash(key), self) is None:
            return True
        self._rejected[hash(key)] = None
        return False
