"""Execute one query: all its statements in one dispatch, through the field cache."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from sys import getsizeof
from typing import NamedTuple

import orjson
from graphql import DocumentNode, GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.config.settings import Limits
from gqlnews.database.sqlite.connection import Statement, Statements, larger_than
from gqlnews.errors import RequestError, ResourceLimitError
from gqlnews.query.fields import Audience
from gqlnews.query.prepared import BoundOperation

# Execution of one query: run all its statements in one dispatch to the store.
#
# If the statements cover the whole operation, their JSON is joined into the response. Otherwise the executor
# resolves the root fields one by one, and their resolvers share the dispatch.


Read = Callable[[Statements], Awaitable[Sequence[bytes | None]]]
Answers = Mapping[str, bytes | None]


class QueryExecution:
    """Runs each statement of a request once, all in one read transaction.

    `max_bytes` limits the size of the response; 0 means no limit. `refused` is the error that rejects the
    whole request: one that a statement reported, or an exceeded limit.
    """

    def __init__(self, bound: BoundOperation, read: Read, max_bytes: int = 0) -> None:
        self.document: DocumentNode | None = None  # for the executor
        self.rows = 0
        self.refused: RequestError | None = None
        self._bound, self._read, self._max_bytes = bound, read, max_bytes
        self._answers: Answers | None = None
        self._failure: Exception | None = None
        self._running: asyncio.Task[Answers] | None = None

    async def answer(self, key: str) -> bytes | None:
        """Return the JSON of a root field by response key, None for null. Raises the field's GraphQLError."""
        failure = self._bound.failures.get(key)
        if failure is not None:
            raise GraphQLError(failure.message, failure.nodes, path=failure.path)
        if self._failure is not None:
            raise self._failure
        if self._answers is None:
            if self._running is None:
                self._running = asyncio.ensure_future(self.run())
            return (await self._running)[key]  # cancelling the request cancels its statements
        return self._answers[key]

    async def run(self) -> Answers:
        """Run the statements and return the JSON of each root field by response key."""
        queries = self._bound.queries
        statements = list(dict.fromkeys(query.statement for query in queries.values()))
        try:
            given = dict(zip(statements, await self._read(statements), strict=True)) if statements else {}
            answers = {key: given[query.statement] for key, query in queries.items()}
            self._check_size(answers)
        except ResourceLimitError as error:
            self.refused = error
            raise GraphQLError(str(error)) from None
        for key, answer in answers.items():
            self.refused = self.refused or queries[key].refusal(answer)
        self.rows = sum(answer is not None for answer in answers.values())
        self._answers = answers
        return answers

    async def prefetch(self) -> Answers | None:
        """Run the statements. On failure, return None, and make `answer` raise the error for each field."""
        try:
            return self._answers if self._answers is not None else await self.run()
        except Exception as failure:
            self._failure = failure
            return None

    def _check_size(self, answers: Answers) -> None:
        """Check the response size. The store cannot: results may be cached or used by several fields."""
        if 0 < self._max_bytes < sum(map(len, filter(None, answers.values()))):
            raise larger_than(self._max_bytes)

    async def fast_response(self) -> bytes | None:
        """Return the response as JSON; None if it needs the executor, for other fields or for errors."""
        queries = self._bound.queries
        if not self._bound.complete:
            return None
        answers = await self.prefetch()
        if answers is None or any(
            answer is None and not queries[key].nullable for key, answer in answers.items()
        ):
            return None
        fields = (b'"%b":%b' % (key.encode(), answer or b"null") for key, answer in answers.items())
        return b'{"data":{%b}}' % b",".join(fields)


# The response's `extensions` entry, for requests that ask for their cost.


class Spent(NamedTuple):
    """Cost of a request: the maximum number of objects in its response, and its scan work."""

    cost: int
    scan: int = 0


def add_cost_extension(body: bytes, spent: Spent, limits: Limits) -> bytes:
    """Add `extensions.cost` to a response, a JSON object. A limit of 0 means none and is reported as null."""
    scan = {"requested": spent.scan, "limit": limits.scan or None}
    extension = orjson.dumps({"cost": {"requested": spent.cost, "limit": limits.cost or None, "scan": scan}})
    return b'%b,"extensions":%b}' % (body[:-1], extension)


# Root field cache: the JSON of single root fields, valid for one version of the content.
#
# A page requests its article together with what every page shows: topics, counts, the newest articles. The
# whole response differs from page to page, but these root fields do not. The cache key is the audience, the
# SQL and its bound values.


OVERHEAD = 500  # approximate bytes of an entry, without its texts
MAX_BOUND = 4_096  # bytes of the bound values as text; longer ones are unlikely to repeat
SHARE = 8  # an entry may take at most 1/SHARE of the cache


class _Key(NamedTuple):
    """Cache key. Bound values are text, as Python salts string hashes, so clients cannot force collisions."""

    audience: Audience
    sql: str
    bound: str


class _CachedField(NamedTuple):
    """Cache entry. `json` is None for null."""

    moment: Hashable
    json: bytes | None


class FieldCache:
    """Root field cache of at most `limit` bytes.

    `snapshot_of` returns a value that identifies the content an audience sees now; None if it is unknown.
    """

    def __init__(self, snapshot_of: Callable[[Audience], Hashable | None], limit: int) -> None:
        self._snapshot_of = snapshot_of
        self._fields: SizedLRUCache[_Key, _CachedField] = SizedLRUCache(limit)
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
            fields[statement] = _CachedField(moment, json)
            if statement in keys:
                self._set(keys[statement], fields[statement])
        return [fields[statement].json for statement in statements]

    def _set(self, key: _Key, field: _CachedField) -> None:
        bound = getsizeof(key.bound)
        size = OVERHEAD + len(key.sql) + bound + len(field.json or b"")
        if bound <= MAX_BOUND and size * SHARE <= self._fields.max_bytes:
            self._fields.set(key, field, size)
