"""The work of one request: all its statements run in one hop.

Where they are all that the request asks for, the answer is their JSON, put together here. Else the executor
asks for the root fields one by one, and their resolvers share the hop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
import strawberry
from graphql import DocumentNode, GraphQLError

from gqlnews.errors import LimitError, RequestError
from gqlnews.plan.operation import BoundOperation
from gqlnews.store.connection import Statements
from gqlnews.store.limited import larger_than

Read = Callable[[Statements], Awaitable[Sequence[bytes | None]]]
Answers = Mapping[str, bytes | None]


class Work:
    """Runs each statement of a request once, all in one read transaction.

    `most_bytes`: no answer is larger, where that is not 0. `refused`: what in the content that they saw
    refuses the whole request, or a limit that they came to.
    """

    def __init__(self, bound: BoundOperation, read: Read, most_bytes: int = 0) -> None:
        self.document: DocumentNode | None = None  # for the executor
        self.rows = 0
        self.refused: RequestError | None = None
        self._bound, self._read, self._most_bytes = bound, read, most_bytes
        self._answers: Answers | None = None
        self._failure: Exception | None = None
        self._running: asyncio.Task[Answers] | None = None

    async def answer(self, key: str) -> bytes | None:
        """The JSON of the root field with this response key, None where it is null; or its GraphQLError."""
        failure = self._bound.failures.get(key)
        if failure is not None:
            raise GraphQLError(failure.message, failure.nodes, path=failure.path)
        if self._failure is not None:
            raise self._failure
        if self._answers is None:
            if self._running is None:
                self._running = asyncio.ensure_future(self.run())
            return (await self._running)[key]  # a request that is cancelled cancels its statements
        return self._answers[key]

    async def run(self) -> Answers:
        """The JSON of each root field by response key."""
        queries = self._bound.queries
        statements = list(dict.fromkeys(query.statement for query in queries.values()))
        try:
            given = dict(zip(statements, await self._read(statements), strict=True)) if statements else {}
            answers = {key: given[query.statement] for key, query in queries.items()}
            self._require_room(answers)
        except LimitError as error:
            self.refused = error
            raise GraphQLError(str(error)) from None
        for key, answer in answers.items():
            self.refused = self.refused or queries[key].refusal(answer)
        self.rows = sum(answer is not None for answer in answers.values())
        self._answers = answers
        return answers

    async def prefetch(self) -> Answers | None:
        """As `run`; None where it failed: then `answer` raises why, at each field."""
        try:
            return self._answers if self._answers is not None else await self.run()
        except Exception as failure:
            self._failure = failure
            return None

    def _require_room(self, answers: Answers) -> None:
        """What a statement gave may have been kept, or stand in the answer several times."""
        if 0 < self._most_bytes < sum(map(len, filter(None, answers.values()))):
            raise larger_than(self._most_bytes)

    async def whole(self) -> bytes | None:
        """The answer as it goes out; None where it takes an executor: something is left to do, or wrong."""
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


Info = strawberry.Info[Work, None]


async def finished(info: Info) -> Any:
    """The finished JSON of a root field. Any, because it stands for the object that the field declares."""
    answer = await info.context.answer(str(info.path.key))
    return None if answer is None else orjson.Fragment(answer)
