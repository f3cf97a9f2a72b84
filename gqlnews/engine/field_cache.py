"""Root field cache: the JSON of single root fields, valid for one version of the content.

A page requests its article together with what every page shows: topics, counts, the newest articles. The
whole response differs from page to page, but these root fields do not. The cache key is the audience, the SQL
and its bound values.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from sys import getsizeof
from typing import NamedTuple

from gqlnews.cache import SizedLRUCache
from gqlnews.database.sqlite.reader_connection import Statement, Statements
from gqlnews.engine.execution import Read
from gqlnews.query.audience import Audience

OVERHEAD = 500  # approximate bytes of an entry, without its texts
MAX_BOUND = 4_096  # bytes of the bound values as text; longer ones are unlikely to repeat
SHARE = 8  # an entry may take at most 1/SHARE of the cache


class _Key(NamedTuple):
    """Cache key. Bound values are text, as Python salts string hashes, so clients cannot force collisions."""

    audience: Audience
    sql: str
    bound: str


class _Entry(NamedTuple):
    """Cache entry. `json` is None for null."""

    moment: Hashable
    json: bytes | None


class FieldCache:
    """Root field cache of at most `limit` bytes.

    `snapshot_of` returns a value that identifies the content an audience sees now; None if it is unknown.
    """

    def __init__(self, snapshot_of: Callable[[Audience], Hashable | None], limit: int) -> None:
        self._snapshot_of = snapshot_of
        self._fields: SizedLRUCache[_Key, _Entry] = SizedLRUCache(limit)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Current size in bytes."""
        return self._fields.size

    async def read(
        self,
        read: Read,
        audience: Audience,
        statements: Statements,
        uncacheable: Collection[Statement] = (),
    ) -> Sequence[bytes | None]:
        """Return the results of all statements, and call `read` only for those not in the cache.

        Statements in `uncacheable` are not cached.
        """
        keys = {
            statement: _Key(audience, statement[0], repr(statement[1]))
            for statement in statements
            if statement not in uncacheable
        }
        moment = self._snapshot_of(audience) if keys else None
        if moment is None:
            return await read(statements)
        fields = {
            statement: field
            for statement, key in keys.items()
            if (field := self._fields.get(key)) is not None and field.moment == moment
        }
        missing = [statement for statement in statements if statement not in fields]
        answers = await read(missing) if missing else ()
        if missing and fields and self._snapshot_of(audience) != moment:
            return await read(statements)  # content changed: cached and new results do not match
        self.hits += len(fields)
        self.misses += len(keys) - len(fields)
        for statement, json in zip(missing, answers, strict=True):
            fields[statement] = _Entry(moment, json)
            if statement in keys:
                self._set(keys[statement], fields[statement])
        return [fields[statement].json for statement in statements]

    def _set(self, key: _Key, field: _Entry) -> None:
        bound = getsizeof(key.bound)
        size = OVERHEAD + len(key.sql) + bound + len(field.json or b"")
        if bound <= MAX_BOUND and size * SHARE <= self._fields.max_bytes:
            self._fields.set(key, field, size)
