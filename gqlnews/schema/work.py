"""The work of one request, shared by its root resolvers: all their statements run in one hop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
import strawberry
from graphql import DocumentNode, GraphQLError

from gqlnews.plan.nodes import RefusedError
from gqlnews.plan.operation import Query as Statement

Read = Callable[[Sequence[tuple[str, Sequence[object]]]], Awaitable[Sequence[bytes | None]]]


class Work:
    """Runs the statements of a request once, when the first resolver asks, in one read transaction.

    `refused`: what in the content that they saw refuses the whole request.
    """

    def __init__(
        self,
        document: DocumentNode,
        statements: Mapping[str, Statement],
        failures: Mapping[str, GraphQLError],
        read: Read,
    ) -> None:
        self.document = document
        self.rows = 0
        self.refused: RefusedError | None = None
        self._statements, self._failures, self._read = statements, failures, read
        self._answers: asyncio.Task[dict[str, bytes | None]] | None = None

    async def answer(self, key: str) -> bytes | None:
        """The JSON of the root field with this response key, None where it is null; or its GraphQLError."""
        if key in self._failures:
            failure = self._failures[key]
            raise GraphQLError(failure.message, failure.nodes, path=failure.path)
        if self._answers is None:
            self._answers = asyncio.ensure_future(self._run())
        return (await self._answers)[key]  # a request that is cancelled cancels its statements

    async def _run(self) -> dict[str, bytes | None]:
        answers = await self._read([(one.sql, one.parameters) for one in self._statements.values()])
        for statement, answer in zip(self._statements.values(), answers, strict=True):
            self.refused = self.refused or statement.refusal(answer)
        self.rows = sum(answer is not None for answer in answers)
        return dict(zip(self._statements, answers, strict=True))


Info = strawberry.Info[Work, None]


async def finished(info: Info) -> Any:
    """The finished JSON of a root field. Any, because it stands for the object that the field declares."""
    answer = await info.context.answer(str(info.path.key))
    return None if answer is None else orjson.Fragment(answer)
