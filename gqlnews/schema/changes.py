"""Change feed: the types of `changes` and `articleChanged`, and their version tokens."""

import re
from enum import Enum

import strawberry

from gqlnews.errors import Code, RequestError
from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.connection_args import MAX_PAGE_SIZE, page_size
from gqlnews.query.fields import ChangeFeed, ChangeFeedField, JoinKey, One
from gqlnews.schema.article import Article
from gqlnews.schema.fields import column, declared
from gqlnews.schema.tables import CHANGE, SITE

_VERSION = re.compile(r"([0-9a-f]{1,32}-)([0-9]{1,18})(?:-([0-9]{1,18}))?")


def change_arguments(arguments: Arguments) -> ResolvedArguments:
    """Resolve the arguments to the values that query/sql/change_feed.py binds."""
    first = arguments.get("first")
    limit, _ = page_size(MAX_PAGE_SIZE if first is None else first, None)
    line, since, started = read_version(arguments.get("since"))
    return ResolvedArguments(values={"limit": limit, "line": line, "since": since, "started": started})


def read_version(text: str | None) -> tuple[str | None, int, int | None]:
    """Parse a version into its epoch, its number, and the number at which an unfinished walk began.

    None stands for the start of the change log. Raises RequestError.
    """
    if text is None:
        return None, 0, None
    written = _VERSION.fullmatch(text)
    if written is None:
        raise RequestError(
            Code.BAD_VERSION, "`since` is no version: pass a `version` that the API gave, or leave it out."
        )
    line, number, started = written.groups()
    return line, int(number), None if started is None else int(started)


@strawberry.enum(description="The kind of change to an article.")
class ChangeKind(Enum):
    ADDED = strawberry.enum_value(
        "ADDED", description="The article was added, or added again after a removal."
    )
    UPDATED = strawberry.enum_value("UPDATED", description="The article's content changed.")
    REMOVED = strawberry.enum_value(
        "REMOVED", description="The article was removed, or the caller may no longer see it."
    )


@strawberry.type(description="The latest change to an article.")
class ArticleChange:
    kind: ChangeKind = column("kind", description="The kind of change.")
    slug: str = column("slug", description="The slug of the changed article.")
    article: Article | None = declared(
        One(JoinKey("slug", parent="there")),
        description="The article in its current state; null if it was removed.",
    )
    version: str = column(
        "version",
        description="The `site.version` after this change. To resume from here, pass it as `since`.",
    )


@strawberry.type(description="A page of changes, and the version to continue from.")
class ChangeSet:
    nodes: list[ArticleChange] = declared(
        ChangeFeedField.CHANGES, description="The changes, oldest first, one per article."
    )
    version: str = declared(
        ChangeFeedField.VERSION,
        description="The version to pass as the next `since`, to `changes` or to `articleChanged`.",
    )
    has_more: bool = declared(
        ChangeFeedField.HAS_MORE, description="Whether there are more changes after `version`."
    )


CHANGES = ChangeFeed(CHANGE, SITE, change_arguments)
