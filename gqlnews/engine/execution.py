"""Execute one query: run all its statements in one batch on the store, through the root field cache."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from sys import getsizeof
from typing import Any, NamedTuple

import orjson
from graphql import DocumentNode, GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.config.settings import Limits
from gqlnews.database.protocol import SnapshotId, Statement, Statements, Store, response_too_large
from gqlnews.errors import OverloadedError, RequestError, ResourceLimitError
from gqlnews.query.entities import Audience
from gqlnews.query.hints import BoundHints, Hint
from gqlnews.query.prepared import BoundOperation

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function off the event loop."""


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
        self.snapshot_id: SnapshotId | None = None  # that of the results; None if they name none
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
            values, self.snapshot_id = await fields.read(audience, statements, bound.uncacheable)
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

    snapshot: SnapshotId
    json: bytes | None


class FieldResults(NamedTuple):
    """The results of statements, and the snapshot that they were read from; None if it is unknown."""

    values: Sequence[bytes | None]
    snapshot: SnapshotId | None


class _Outcome(NamedTuple):
    """Outcome of a batch: its results, or its error; neither, if the request that ran it was cancelled."""

    statements: Statements
    results: FieldResults | None
    error: Exception | None

    def for_waiting(self, statements: Statements) -> FieldResults | None:
        """Return the results for a request that waited; None if it has to run `statements` itself.

        Raises the error if it would run exactly the same statements and exceed the same limit.
        """
        error = self.error
        exceeds_limit = isinstance(error, ResourceLimitError) and not isinstance(error, OverloadedError)
        if error is not None and exceeds_limit and list(statements) == list(self.statements):
            raise error
        return self.results


class FieldCache:
    """Root field cache of at most `max_bytes` bytes. 0 disables caching; running statements are still shared.

    `coalesced` counts the statements that did not run, because they shared the result of a running one.
    """

    def __init__(self, store: Store, max_bytes: int = 0) -> None:
        self._store = store
        self._fields: SizedLRUCache[_Key, _CachedField] = SizedLRUCache(max_bytes)
        self._running: dict[tuple[SnapshotId, _Key], asyncio.Future[_Outcome]] = {}
        self.hits = self.misses = self.coalesced = 0

    @property
    def size(self) -> int:
        """Current size in bytes."""
        return self._fields.size

    async def read(
        self, audience: Audience, statements: Statements, uncacheable: Collection[Statement] = ()
    ) -> FieldResults:
        """Return the results of distinct statements, all from the same snapshot.

        Only those that are neither cached nor running are run. If the content changes meanwhile, all of them
        may be run again. Statements in `uncacheable` are neither cached nor shared.
        """
        if not statements:
            return FieldResults((), None)
        # Without a cache, a short statement is not worth a key: nobody waits for it.
        if not self._fields.max_bytes and (values := self._store.execute_inline(statements)) is not None:
            return FieldResults(values, None)
        keys = {
            statement: _Key(audience, statement[0], repr(statement[1]))
            for statement in statements
            if statement not in uncacheable
        }
        snapshot = self._store.snapshot_id(audience) if keys else None
        if snapshot is None:
            return await self._run(audience, statements, None)
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
        snapshots = {snapshot} if results else set()
        if missing:
            found = await self._run_and_cache(audience, missing, keys, snapshot)
            results.update(zip(missing, found.values, strict=True))
            snapshots.add(found.snapshot or snapshot)
        for batch, waiting in running.items():
            outcome = await asyncio.shield(batch)
            shared = outcome.for_waiting(statements)
            if shared is None:
                return await self._run(audience, statements, snapshot)
            values_of = dict(zip(outcome.statements, shared.values, strict=True))
            results.update((statement, values_of[statement]) for statement in waiting)
            snapshots.add(shared.snapshot or snapshot)
        if sources > 1 and self._may_differ(audience, snapshots):
            return await self._run(audience, statements, None)
        self.hits += hits
        self.misses += len(keys) - hits
        self.coalesced += sum(map(len, running.values()))
        return FieldResults([results[statement] for statement in statements], *snapshots)

    def _may_differ(self, audience: Audience, snapshots: Collection[SnapshotId]) -> bool:
        """Return whether results are from several snapshots, or perhaps from a later one than they name."""
        return len(snapshots) > 1 or self._store.snapshot_id(audience) not in snapshots

    async def _run_and_cache(
        self,
        audience: Audience,
        statements: list[Statement],
        keys: Mapping[Statement, _Key],
        snapshot: SnapshotId,
    ) -> FieldResults:
        shared = [(snapshot, keys[statement]) for statement in statements if statement in keys]
        results = await self._run(audience, statements, snapshot, shared)
        for statement, json in zip(statements, results.values, strict=True):
            if statement in keys:
                self._set(keys[statement], _CachedField(results.snapshot or snapshot, json))
        return results

    async def _run(
        self,
        audience: Audience,
        statements: Statements,
        snapshot: SnapshotId | None,
        shared: Collection[tuple[SnapshotId, _Key]] = (),
    ) -> FieldResults:
        """Run statements, inline if they are short. While others run, requests for `shared` wait for them.

        `snapshot` is the one that was read before, for a store whose results name none.
        """
        # Without a cache, they were tried inline before.
        values = self._store.execute_inline(statements) if self._fields.max_bytes else None
        if values is not None:
            return FieldResults(values, snapshot)
        failure = results = None
        outcome: asyncio.Future[_Outcome] = asyncio.get_running_loop().create_future()
        self._running.update(dict.fromkeys(shared, outcome))
        try:
            values, snapshot_ids = await self._store.execute_batch(statements)
            results = FieldResults(values, snapshot if snapshot_ids is None else snapshot_ids[audience])
        except Exception as error:
            failure = error
            raise
        finally:
            for key in shared:
                del self._running[key]
            outcome.set_result(_Outcome(statements, results, failure))
        return results

    def _set(self, key: _Key, field: _CachedField) -> None:
        parameters_size = getsizeof(key.parameters)
        size = ENTRY_OVERHEAD + len(key.sql) + parameters_size + len(field.json or b"")
        max_size = self._fields.max_bytes * MAX_ENTRY_FRACTION
        if parameters_size <= MAX_PARAMETER_BYTES and size <= max_size:
            self._fields.set(key, field, size)
