"""Execute one query: all its statements in one dispatch, through the field cache."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from sys import getsizeof
from typing import NamedTuple

import orjson
from graphql import DocumentNode, GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.config.settings import Limits
from gqlnews.database.sqlite.connection import Statement, Statements, response_too_large
from gqlnews.errors import RequestError, ResourceLimitError
from gqlnews.query.fields import Audience
from gqlnews.query.prepared import BoundOperation

# If the statements cover the whole operation, their JSON is joined into the response. Otherwise the executor
# resolves the root fields one by one, and their resolvers share the dispatch.

Read = Callable[[Statements], Awaitable[Sequence[bytes | None]]]
Results = Mapping[str, bytes | None]


class QueryExecution:
    """Runs each statement of a request once, all in one read transaction.

    `max_bytes` limits the size of the response; 0 means no limit. `error` is the one that rejects the
    whole request: reported by a statement, or an exceeded limit.
    """

    def __init__(self, bound: BoundOperation, read: Read, max_bytes: int = 0) -> None:
        self.document: DocumentNode | None = None  # for the executor
        self.rows = 0
        self.error: RequestError | None = None
        self._bound, self._read, self._max_bytes = bound, read, max_bytes
        self._results: Results | None = None
        self._failure: Exception | None = None
        self._running: asyncio.Task[Results] | None = None

    async def field_result(self, key: str) -> bytes | None:
        """Return the JSON of a root field by response key, None for null. Raises the field's GraphQLError."""
        failure = self._bound.failures.get(key)
        if failure is not None:
            raise GraphQLError(failure.message, failure.nodes, path=failure.path)
        if self._failure is not None:
            raise self._failure
        if self._results is None:
            if self._running is None:
                self._running = asyncio.ensure_future(self.run())
            return (await self._running)[key]  # cancelling the request cancels its statements
        return self._results[key]

    async def run(self) -> Results:
        """Run the statements and return the JSON of each root field by response key."""
        queries = self._bound.queries
        statements = list(dict.fromkeys(query.statement for query in queries.values()))
        try:
            by_statement = (
                dict(zip(statements, await self._read(statements), strict=True)) if statements else {}
            )
            results = {key: by_statement[query.statement] for key, query in queries.items()}
            self._check_size(results)
        except ResourceLimitError as error:
            self.error = error
            raise GraphQLError(str(error)) from None
        for key, result in results.items():
            self.error = self.error or queries[key].reported_error(result)
        self.rows = sum(result is not None for result in results.values())
        self._results = results
        return results

    async def prefetch(self) -> Results | None:
        """Run the statements. On failure, return None; `field_result` then raises the error."""
        try:
            return self._results if self._results is not None else await self.run()
        except Exception as failure:
            self._failure = failure
            return None

    def _check_size(self, results: Results) -> None:
        """Check the response size. The store cannot: results may be cached or used by several fields."""
        if 0 < self._max_bytes < sum(map(len, filter(None, results.values()))):
            raise response_too_large(self._max_bytes)

    async def fast_response(self) -> bytes | None:
        """Return the response as JSON; None if it needs the executor, for other fields or for errors."""
        queries = self._bound.queries
        if not self._bound.complete:
            return None
        results = await self.prefetch()
        if results is None or any(
            result is None and not queries[key].nullable for key, result in results.items()
        ):
            return None
        fields = (b'"%b":%b' % (key.encode(), result or b"null") for key, result in results.items())
        return b'{"data":{%b}}' % b",".join(fields)


# Cost extension.


class RequestCost(NamedTuple):
    """Cost of a request: the maximum number of objects in its response, and its scan work."""

    cost: int
    scan: int = 0


def add_cost_extension(body: bytes, request_cost: RequestCost, limits: Limits) -> bytes:
    """Add `extensions.cost` to a response, a JSON object. A limit of 0 means none and is reported as null."""
    scan = {"requested": request_cost.scan, "limit": limits.max_scan or None}
    extension = orjson.dumps(
        {"cost": {"requested": request_cost.cost, "limit": limits.max_cost or None, "scan": scan}}
    )
    return b'%b,"extensions":%b}' % (body[:-1], extension)


# Root field cache: the JSON of single root fields, valid for one version of the content.
#
# A page requests its article together with what every page shows: topics, counts, the newest articles. The
# whole response differs from page to page, but these root fields do not. The cache key is the audience, the
# SQL and its bound values.


ENTRY_OVERHEAD = 500  # approximate bytes of an entry, without its texts
MAX_PARAMETER_BYTES = 4_096  # bytes of the bound values as text; longer ones are unlikely to repeat
SHARE = 8  # an entry may take at most 1/SHARE of the cache


class _Key(NamedTuple):
    """Cache key. Bound values are text, as Python salts string hashes, so clients cannot force collisions."""

    audience: Audience
    sql: str
    parameters: str


class _CachedField(NamedTuple):
    """Cache entry. `json` is None for null."""

    snapshot: Hashable
    json: bytes | None


class FieldCache:
    """Root field cache of at most `max_bytes` bytes.

    `get_snapshot` returns a value that identifies the content an audience sees now; None if it is unknown.
    """

    def __init__(self, get_snapshot: Callable[[Audience], Hashable | None], max_bytes: int) -> None:
        self._get_snapshot = get_snapshot
        self._fields: SizedLRUCache[_Key, _CachedField] = SizedLRUCache(max_bytes)
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
        snapshot = self._get_snapshot(audience) if keys else None
        if snapshot is None:
            return await read(statements)
        fields = {
            statement: field
            for statement, key in keys.items()
            if (field := self._fields.get(key)) is not None and field.snapshot == snapshot
        }
        missing = [statement for statement in statements if statement not in fields]
        results = await read(missing) if missing else ()
        if missing and fields and self._get_snapshot(audience) != snapshot:
            return await read(statements)  # content changed: cached and new results do not match
        self.hits += len(fields)
        self.misses += len(keys) - len(fields)
        for statement, json in zip(missing, results, strict=True):
            fields[statement] = _CachedField(snapshot, json)
            if statement in keys:
                self._set(keys[statement], fields[statement])
        return [fields[statement].json for statement in statements]

    def _set(self, key: _Key, field: _CachedField) -> None:
        parameters_size = getsizeof(key.parameters)
        size = ENTRY_OVERHEAD + len(key.sql) + parameters_size + len(field.json or b"")
        if parameters_size <= MAX_PARAMETER_BYTES and size * SHARE <= self._fields.max_bytes:
            self._fields.set(key, field, size)
