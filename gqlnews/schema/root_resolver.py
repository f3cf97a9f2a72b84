"""Resolver of every root field: the JSON that its SQL statement made."""

from typing import Any, Protocol

import orjson
import strawberry


class RootResults(Protocol):
    """Context of an execution."""

    async def answer(self, key: str) -> bytes | None:
        """The JSON of the root field with this response key, None where it is null; or its GraphQLError."""
        ...


Info = strawberry.Info[RootResults, None]


async def finished(info: Info) -> Any:
    """Resolve a root field to its finished JSON. Typed Any, as it stands for the field's declared type."""
    answer = await info.context.answer(str(info.path.key))
    return None if answer is None else orjson.Fragment(answer)
