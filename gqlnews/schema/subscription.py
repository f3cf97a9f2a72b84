"""Subscription root fields, whose events are the finished JSON of their whole subtree."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar, cast

import orjson
import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.connection_args import read_where
from gqlnews.query.fields import ChangeStream
from gqlnews.query.filters import FilterParser
from gqlnews.schema.changes import ArticleChange, read_version
from gqlnews.schema.fields import DECLARATION
from gqlnews.schema.filters import ARTICLE_OPERANDS, ArticleFilter
from gqlnews.schema.tables import ARTICLE

JUDGED = (
    "Filters articles both before and after a change. An article that no longer matches is reported as "
    "REMOVED, one that newly matches as ADDED."
)
AFTER = "Resumes after this `version` of an earlier response: missed changes come first, one per article."


def event_arguments(arguments: Arguments) -> ResolvedArguments:
    """Resolve `where` to the shape, and `since` to the values `line`, `since` and `started`."""
    line, since, started = read_version(arguments.get("since"))
    reader = FilterParser(ARTICLE_OPERANDS, {"line": line, "since": since, "started": started})
    where = read_where(reader, arguments)
    return ResolvedArguments(where, reader.values, reader.clock)


ARTICLE_CHANGED = ChangeStream(ARTICLE, "slug", event_arguments)

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def watched(declaration: ChangeStream, description: str) -> Callable[[Resolver], Resolver]:
    """Define a subscription root field by its declaration."""
    field = strawberry.subscription(metadata={DECLARATION: declaration}, description=description)
    return cast("Callable[[Resolver], Resolver]", field)


@strawberry.type(description="Subscriptions.")
class Subscription:
    @watched(
        ARTICLE_CHANGED,
        "Changes to articles that the caller may see, as they are ingested. Pass a `version` as `since` to "
        "receive missed changes first.",
    )
    async def article_changed(
        self,
        info: strawberry.Info[AsyncIterator[bytes], None],
        where: Annotated[ArticleFilter | None, strawberry.argument(description=JUDGED)] = strawberry.UNSET,
        since: Annotated[str | None, strawberry.argument(description=AFTER)] = strawberry.UNSET,
    ) -> AsyncIterator[ArticleChange]:
        async for event in info.context:
            yield cast("Any", orjson.Fragment(event))
