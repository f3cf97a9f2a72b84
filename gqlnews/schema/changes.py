"""Changes: what a copy of the content has to learn to be up to date."""

import re
from enum import Enum

import strawberry

from gqlnews.errors import Code, RequestError
from gqlnews.plan.arguments import Arguments, Inputs
from gqlnews.plan.declare import Log, LogPart, Match, One
from gqlnews.plan.lists import MOST_ON_A_PAGE, page_size
from gqlnews.schema.article import Article
from gqlnews.schema.entities import CHANGE, SITE
from gqlnews.schema.fields import column, declared

_VERSION = re.compile(r"([0-9a-f]{1,32}-)([0-9]{1,18})(?:-([0-9]{1,18}))?")


def change_arguments(arguments: Arguments) -> Inputs:
    """`line`, `since`, `started` and `limit`, as plan/render/logs.py binds them."""
    first = arguments.get("first")
    limit, _ = page_size(MOST_ON_A_PAGE if first is None else first, None)
    line, since, started = read_version(arguments.get("since"))
    return Inputs(values={"limit": limit, "line": line, "since": since, "started": started})


def read_version(text: str | None) -> tuple[str | None, int, int | None]:
    """Line, number, and number at which a walk began that is still under way; nothing is before all."""
    if text is None:
        return None, 0, None
    written = _VERSION.fullmatch(text)
    if written is None:
        raise RequestError(
            Code.BAD_VERSION, "`since` is no version: pass a `version` that the API gave, or leave it out."
        )
    line, number, started = written.groups()
    return line, int(number), None if started is None else int(started)


@strawberry.enum(description="What happened to an article.")
class ChangeKind(Enum):
    ADDED = strawberry.enum_value("ADDED", description="It came, or came back.")
    UPDATED = strawberry.enum_value("UPDATED", description="It is there as before, with other content.")
    REMOVED = strawberry.enum_value("REMOVED", description="It went, or the caller may see it no more.")


@strawberry.type(description="The latest change to one article.")
class ArticleChange:
    kind: ChangeKind = column("kind", description="What happened.")
    slug: str = column("slug", description="The article's slug.")
    article: Article | None = declared(
        One(Match("slug", parent="there")), description="As it is now; null where it was removed."
    )
    version: str = column(
        "version",
        description=(
            "The `site.version` after this change: pass the last one seen as `since` to go on from there."
        ),
    )


@strawberry.type(description="What changed, and where to go on.")
class ChangeSet:
    nodes: list[ArticleChange] = declared(LogPart.CHANGES, description="Oldest first, one entry an article.")
    version: str = declared(
        LogPart.VERSION,
        description="Pass it as the next `since`, here or to `articleChanged`: a `site.version`.",
    )
    has_more: bool = declared(LogPart.HAS_MORE, description="Whether there is more: go on from `version`.")


CHANGES = Log(CHANGE, SITE, change_arguments)
