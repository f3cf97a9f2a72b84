"""What can be watched: its events are the finished JSON of their whole subtree, as a query's answer is."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar, cast

import orjson
import strawberry

from gqlnews.plan.arguments import Arguments, Inputs
from gqlnews.plan.declare import Events
from gqlnews.plan.filters import FilterReader
from gqlnews.plan.lists import read_where
from gqlnews.schema.changes import ArticleChange, read_version
from gqlnews.schema.entities import ARTICLE
from gqlnews.schema.fields import DECLARATION
from gqlnews.schema.filters import ARTICLE_OPERANDS, ArticleFilter

JUDGED = (
    "Judged on both sides of a change: an article that ceases to match arrives as REMOVED, one that begins "
    "to as ADDED."
)
AFTER = "A `version` that the API gave: what changed after it comes first, one entry an article."


def event_arguments(arguments: Arguments) -> Inputs:
    """The shape is the condition of `where`; of `since` the values `line`, `since` and `started`."""
    line, since, started = read_version(arguments.get("since"))
    reader = FilterReader(ARTICLE_OPERANDS, {"line": line, "since": since, "started": started})
    where = read_where(reader, arguments)
    return Inputs(where, reader.values, reader.clock)


ARTICLE_CHANGED = Events(ARTICLE, "slug", event_arguments)

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def watched(declaration: Events, description: str) -> Callable[[Resolver], Resolver]:
    """A root field whose events `declaration` says."""
    field = strawberry.subscription(metadata={DECLARATION: declaration}, description=description)
    return cast("Callable[[Resolver], Resolver]", field)


@strawberry.type(description="What can be watched.")
class Subscription:
    @watched(
        ARTICLE_CHANGED,
        "Each change to what the caller may see, as it is taken in. `since` (a `site.version`) replays "
        "what was missed.",
    )
    async def article_changed(
        self,
        info: strawberry.Info[AsyncIterator[bytes], None],
        where: Annotated[ArticleFilter | None, strawberry.argument(description=JUDGED)] = strawberry.UNSET,
        since: Annotated[str | None, strawberry.argument(description=AFTER)] = strawberry.UNSET,
    ) -> AsyncIterator[ArticleChange]:
        async for event in info.context:
            yield cast("Any", orjson.Fragment(event))
