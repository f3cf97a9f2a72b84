"""Execute one query: run all its statements in one batch on the store, through the root field cache."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from sys import getsizeof
from typing import Any, NamedTuple, Protocol

import orjson
from graphql import DocumentNode, GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.config.settings import Limits
from gqlnews.database.sqlite.connection import Statement, Statements, response_too_large
from gqlnews.errors import OverloadedError, RequestError, ResourceLimitError
from gqlnews.query.entities import Audience
from gqlnews.query.hints import BoundHints, Hint
from gqlnews.query.prepared import BoundOperation
from gqlnews.query.scan import Sizes

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function off the event loop."""


class Store(Protocol):
    """The store as the engine reads it; implemented by `Database`.

    Each statement returns one value: bytes, or None for null. All values of one call belong to one snapshot.
    """

    def snapshot_id(self, audience: Audience) -> Hashable | None:
        """Return a value that identifies the content an audience sees now; None if it is unknown."""
        ...

    def sizes(self, audience: Audience) -> Sizes:
        """Return the table sizes that an audience sees; empty if they are unknown."""
        ...

    def execute_inline(self, statements: Statements) -> Sequence[bytes | None] | None:
        """Run short statements on the event loop; return None for others."""
        ...

    async def execute_batch(self, statements: Statements) -> Sequence[bytes | None]:
        """Run statements off the event loop, in one read transaction."""
        ...

    def execute_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[Sequence[bytes | None], None]:
        """Run the statements of each part in turn, in one read transaction, and yield their results."""
        ...


class QueryExecution:
    """The results of one query, all from the same snapshot of the store.

    `rejection` is the error that rejects the whole request: a statement reported it, or a limit was exceeded.
    If every root field has a statement, `joined_response` joins their JSON into the response. Otherwise
    graphql-core executes the operation, and the resolvers of the root fields call `field_result`.
    """

    def __init__(self, bound: BoundOperation, hints: BoundHints | None = None) -> None:
        self.document: DocumentNode | None = None  # for the executor
        self.rows = 0
        self.rejection: RequestError | None = None
        self._bound, self._hints = bound, hints
        self.hints: list[Hint] | None = None if hints is None else []
        self._results: dict[str, bytes | None] = {}  # the JSON of each root field by response key
        self._failure: Exception | None = None

    async def run(self, fields: "FieldCache", audience: Audience, max_bytes: int) -> None:
        """Run the statements. `max_bytes` limits the size of the response; 0 is no limit.

        The store cannot check the size, because results may be cached or used by several fields. If it fails,
        `field_result` raises the error.
        """
        bound, hints = self._bound, self._hints
        lookup = None if hints is None else hints.statement
        statements = bound.statements if lookup is None else (*bound.statements, lookup)
        try:
            values = await fields.read(audience, statements, bound.uncacheable)
            results = dict(zip(statements, values, strict=True))
            self._results = {key: results[query.statement] for key, query in bound.queries.items()}
            if 0 < max_bytes < sum(len(result or b"") for result in self._results.values()):
                raise response_too_large(max_bytes)
            if hints is not None and lookup is not None:
                self.hints = hints.read(results[lookup])
        except ResourceLimitError as error:
            self.rejection = error
        except Exception as error:
            self._failure = error
        for key, result in self._results.items():
            self.rejection = self.rejection or bound.queries[key].reported_error(result)
            self.rows += result is not None

    async def field_result(self, key: str) -> bytes | None:
        """Return the JSON of a root field by response key, None for null.

        Raises the field's GraphQLError, and the errors of the store.
        """
        failure = self._bound.failures.get(key)
        if failure is not None:
            raise GraphQLError(failure.message, failure.nodes, path=failure.path)
        if self._failure is not None:
            raise self._failure
        return self._results[key]

    def joined_response(self) -> bytes | None:
        """Return the response as JSON.

        Returns None if the executor has to build it: the operation has fields without a statement, or the
        response has errors.
        """
        bound, queries, results = self._bound, self._bound.queries, self._results
        if not bound.complete or self._failure is not None:
            return None
        if any(result is None and not queries[key].nullable for key, result in results.items()):
            return None
        values = {**results, **bound.constants}
        fields = (b'"%b":%b' % (key.encode(), values[key] or b"null") for key in bound.keys)
        return b'{"data":{%b}}' % b",".join(fields)


def cost_extension(cost: int, scan_work: int, limits: Limits) -> dict[str, object]:
    """Return `extensions.cost`. A limit of 0 means no limit and is reported as null."""
    scan = {"requested": scan_work, "limit": limits.max_scan or None}
    return {"requested": cost, "limit": limits.max_cost or None, "scan": scan}


def add_extensions(body: bytes, extensions: Mapping[str, object]) -> bytes:
    """Add `extensions` to a response body."""
    return b'%b,"extensions":%b}' % (body[:-1], orjson.dumps(extensions))


# Root field cache and single-flight: the JSON of single root fields, valid for one version of the content.
#
# A page of a website requests its article together with the data that every page shows: topics, counts, the
# newest articles. The whole response differs from page to page, but these root fields do not. The cache key
# is the audience, the SQL and its bound values. Right after a change nothing is cached and many clients
# request the same, so a statement that is running for one request is not run again for another: both share
# its result.


ENTRY_OVERHEAD = 500  # approximate bytes of an entry, without its texts
MAX_PARAMETER_BYTES = 4_096  # of the bound values as text; larger ones are unlikely to repeat
MAX_ENTRY_FRACTION = 1 / 8  # of the cache, for one entry


class _Key(NamedTuple):
    """Cache key.

    The bound values are converted to text. Python's hash of an integer is predictable, so clients could
    choose values whose hashes collide; the hash of a text is salted.
    """

    audience: Audience
    sql: str
    parameters: str


class _CachedField(NamedTuple):
    """Cache entry: the JSON of a root field, None for null, and the snapshot that it was read from."""

    snapshot: Hashable
    json: bytes | None


class _Outcome(NamedTuple):
    """Outcome of a batch: its results, or its error; neither, if the request that ran it was cancelled."""

    statements: Statements
    results: Sequence[bytes | None] | None
    error: Exception | None

    def for_waiting(self, statements: Statements) -> Mapping[Statement, bytes | None] | None:
        """Return the results for a request that waited; None if it has to run `statements` itself.

        Raises the error if it would run exactly the same statements and exceed the same limit.
        """
        error = self.error
        exceeds_limit = isinstance(error, ResourceLimitError) and not isinstance(error, OverloadedError)
        if error is not None and exceeds_limit and list(statements) == list(self.statements):
            raise error
        return None if self.results is None else dict(zip(self.statements, self.results, strict=True))


class FieldCache:
    """Root field cache of at most `max_bytes` bytes. 0 disables caching; running statements are still shared.

    `coalesced` counts the statements that did not run, because they shared the result of a running one.
    """

    def __init__(self, store: Store, max_bytes: int = 0) -> None:
        self._store = store
        self._fields: SizedLRUCache[_Key, _CachedField] = SizedLRUCache(max_bytes)
        self._running: dict[tuple[Hashable, _Key], asyncio.Future[_Outcome]] = {}
        self.hits = self.misses = self.coalesced = 0

    @property
    def size(self) -> int:
        """Current size in bytes."""
        return self._fields.size

    async def read(
        self, audience: Audience, statements: Statements, uncacheable: Collection[Statement] = ()
    ) -> Sequence[bytes | None]:
        """Return the results of distinct statements, all from the same snapshot.

        Only those that are neither cached nor running are run. If the content changes meanwhile, all of them
        may be run again. Statements in `uncacheable` are neither cached nor shared.
        """
        if not statements:
            return ()
        # Without a cache, a short statement is not worth a key: nobody waits for it.
        if not self._fields.max_bytes and (values := self._store.execute_inline(statements)) is not None:
            return values
        keys = {
            statement: _Key(audience, statement[0], repr(statement[1]))
            for statement in statements
            if statement not in uncacheable
        }
        snapshot = self._store.snapshot_id(audience) if keys else None
        if snapshot is None:
            return await self._run(statements)
        results: dict[Statement, bytes | None] = {}
        running: dict[asyncio.Future[_Outcome], list[Statement]] = {}
        missing: list[Statement] = []
        for statement in statements:
            key = keys.get(statement)
            if key is None:
                missing.append(statement)
            elif (field := self._fields.get(key)) is not None and field.snapshot == snapshot:
                results[statement] = field.json
            elif (batch := self._running.get((snapshot, key))) is not None:
                running.setdefault(batch, []).append(statement)
            else:
                missing.append(statement)
        hits, sources = len(results), bool(results) + bool(missing) + len(running)
        if missing:
            results.update(await self._run_and_cache(missing, keys, snapshot))
        for batch, waiting in running.items():
            found = (await asyncio.shield(batch)).for_waiting(statements)
            if found is None:
                return await self._run(statements)
            results.update((statement, found[statement]) for statement in waiting)
        if sources > 1 and self._store.snapshot_id(audience) != snapshot:
            return await self._run(statements)  # the content has changed: the results may not match
        self.hits += hits
        self.misses += len(keys) - hits
        self.coalesced += sum(map(len, running.values()))
        return [results[statement] for statement in statements]

    async def _run_and_cache(
        self, statements: list[Statement], keys: Mapping[Statement, _Key], snapshot: Hashable
    ) -> Mapping[Statement, bytes | None]:
        shared = [(snapshot, keys[statement]) for statement in statements if statement in keys]
        results = dict(zip(statements, await self._run(statements, shared), strict=True))
        for statement, json in results.items():
            if statement in keys:
                self._set(keys[statement], _CachedField(snapshot, json))
        return results

    async def _run(
        self, statements: Statements, shared: Collection[tuple[Hashable, _Key]] = ()
    ) -> Sequence[bytes | None]:
        """Run statements, inline if they are short. While others run, requests for `shared` wait for them."""
        # Without a cache, they were tried inline before.
        values = self._store.execute_inline(statements) if self._fields.max_bytes else None
        if values is not None:
            return values
        failure = None
        outcome: asyncio.Future[_Outcome] = asyncio.get_running_loop().create_future()
        self._running.update(dict.fromkeys(shared, outcome))
        try:
            values = await self._store.execute_batch(statements)
        except Exception as error:
            failure = error
            raise
        finally:
            for key in shared:
                del self._running[key]
            outcome.set_result(_Outcome(statements, values, failure))
        return values

    def _set(self, key: _Key, field: _CachedField) -> None:
        parameters_size = getsizeof(key.parameters)
        size = ENTRY_OVERHEAD + len(key.sql) + parameters_size + len(field.json or b"")
        max_size = self._fields.max_bytes * MAX_ENTRY_FRACTION
        if parameters_size <= MAX_PARAMETER_BYTES and size <= max_size:
            self._fields.set(key, field, size)
