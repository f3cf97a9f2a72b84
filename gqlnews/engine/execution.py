"""Execution of one query: run all its statements in one dispatch to the store.

If the statements cover the whole operation, their JSON is joined into the response. Otherwise the executor
resolves the root fields one by one, and their resolvers share the dispatch.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from graphql import DocumentNode, GraphQLError

from gqlnews.database.sqlite.query_limits import larger_than
from gqlnews.database.sqlite.reader_connection import Statements
from gqlnews.errors import RequestError, ResourceLimitError
from gqlnews.query.prepared import BoundOperation

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
