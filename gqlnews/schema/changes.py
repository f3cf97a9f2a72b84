"""Change feed and subscriptions: `changes` and `articleChanged`, and their types."""

from enum import Enum

import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.connection_args import MAX_PAGE_SIZE, page_size, read_where
from gqlnews.query.fields import ChangeFeed, ChangeFeedField, ChangeStream, JoinKey, One
from gqlnews.query.filters import FilterFields, FilterParser
from gqlnews.schema.article import Article
from gqlnews.schema.fields import (
    ARTICLE,
    ARTICLE_BEFORE,
    CHANGE,
    SEARCH_INDEX,
    SITE,
    argument,
    column,
    field,
    root_field,
)
from gqlnews.schema.inputs import ArticleFilter, FilteringArguments
from gqlnews.versions import read_version

# Change feed.


def change_arguments(arguments: Arguments) -> ResolvedArguments:
    """Resolve the arguments of `changes` to the values that query/sql/changes.py binds."""
    first = arguments.get("first")
    limit, _ = page_size(MAX_PAGE_SIZE if first is None else first, None)
    epoch, since, started = read_version(arguments.get("since"))
    return ResolvedArguments(values={"limit": limit, "epoch": epoch, "since": since, "started": started})


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
    article: Article | None = field(
        One(JoinKey("slug", parent="current_key")),
        description="The article in its current state; null if it was removed.",
    )
    version: str = column(
        "version",
        description="The `site.version` after this change. To resume from here, pass it as `since`.",
    )


@strawberry.type(description="A page of changes, and the version to continue from.")
class ChangeSet:
    nodes: list[ArticleChange] = field(
        ChangeFeedField.CHANGES, description="The changes, oldest first, one per article."
    )
    version: str = field(
        ChangeFeedField.VERSION,
        description="The version to pass as the next `since`, to `changes` or to `articleChanged`.",
    )
    has_more: bool = field(
        ChangeFeedField.HAS_MORE, description="Whether there are more changes after `version`."
    )


CHANGES = ChangeFeed(
    change_arguments,
    (ChangeKind.ADDED.name, ChangeKind.UPDATED.name, ChangeKind.REMOVED.name),
    CHANGE,
    change_number="version",
    first_creation="first_added",
    last_creation="added",
    is_deleted="removed",
    state=SITE,
    version="version",
    number="number",
    last_pruned="forgotten",
)


# Subscriptions.

EVENT_WHERE = (
    "Filters articles both before and after a change. An article that no longer matches is reported as "
    "REMOVED, one that newly matches as ADDED."
)
EVENT_SINCE = (
    "Resumes after this `version` of an earlier response: missed changes come first, one per article."
)


def event_arguments(arguments: Arguments, filter_fields: FilterFields) -> ResolvedArguments:
    """Resolve `where` to the shape, and `since` to the values `epoch`, `since` and `started`."""
    epoch, since, started = read_version(arguments.get("since"))
    values: dict[str, object] = {"epoch": epoch, "since": since, "started": started}
    parser = FilterParser(filter_fields, values, SEARCH_INDEX)
    where = read_where(parser, arguments)
    return ResolvedArguments(where, parser.values, parser.uses_clock, parser.restricted)


@strawberry.type(description="Subscriptions.")
class Subscription:
    article_changed: ArticleChange = root_field(
        ChangeStream(ARTICLE, ARTICLE_BEFORE, "slug", FilteringArguments(event_arguments)),
        "Changes to articles that the caller may see, as they are ingested. Pass a `version` as `since` to "
        "receive missed changes first.",
        argument("where", ArticleFilter | None, description=EVENT_WHERE),
        argument("since", str | None, description=EVENT_SINCE),
        is_subscription=True,
    )
