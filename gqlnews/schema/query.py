"""Root fields of queries, and the Strawberry schema built from all types."""

import logging
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar, cast

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.base import StrawberryObjectDefinition

from gqlnews.errors import DatabaseError
from gqlnews.query.arguments import key_arguments
from gqlnews.query.fields import Declaration, Declarations, JoinKey, JoinTable, Many, NodeLookup, One
from gqlnews.schema.article import Article, ArticleConnection, articles
from gqlnews.schema.changes import CHANGES, ChangeSet, Subscription
from gqlnews.schema.fields import (
    AFTER,
    ARTICLE,
    BEFORE,
    DECLARATION,
    FIRST,
    LAST,
    ORDER_BY,
    PROBLEM,
    PROVIDER,
    RELATED,
    SITE,
    STORY,
    TOPIC,
    WHERE,
    Info,
    PassthroughExecutor,
    resolve_root,
)
from gqlnews.schema.inputs import ArticleFilter, ArticleOrder, Collapse, ProviderFilter, StoryOrder
from gqlnews.schema.node import CONFIG, URL, DateTime, Duration, Node, node_argument, nodes_argument
from gqlnews.schema.provider import Provider, ProviderConnection, Topic, providers
from gqlnews.schema.search import SEARCH, TRENDING, SearchConnection
from gqlnews.schema.site import Site
from gqlnews.schema.story import STORIES, Story, StoryConnection
from gqlnews.time_budget import TimeBudgetExceeded

# Root fields. Each resolver awaits the rendered JSON of its whole selection.

COLLAPSE = "Returns only the first of several duplicates in the sort order. Applied after `where`."
ONE_DAY = Duration("P1D")
HALF_LIFE = "Time in which heat decays to half. Defaults to one day."
AS_OF = "Excludes articles published after this instant. Defaults to now; set it for repeatable pages."
STORY_ORDER = "Sort order of the stories."
MIN_SIZE = "Minimum number of articles in a story. Values below 2 count as 2."

SINCE = "Returns changes after this `version` of an earlier response. Null starts from the beginning."
FIRST_CHANGES = "Maximum number of changes to return, 0 to 100."

First = Annotated[int | None, strawberry.argument(description=FIRST)]
After = Annotated[str | None, strawberry.argument(description=AFTER)]
Last = Annotated[int | None, strawberry.argument(description=LAST)]
Before = Annotated[str | None, strawberry.argument(description=BEFORE)]
Where = Annotated[ArticleFilter | None, strawberry.argument(description=WHERE)]
OrderBy = Annotated[list[ArticleOrder] | None, strawberry.argument(description=ORDER_BY)]
Collapsed = Annotated[Collapse | None, strawberry.argument(description=COLLAPSE)]

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def root_field(declaration: Declaration, description: str) -> Callable[[Resolver], Resolver]:
    """Define a root field of queries with its declaration."""
    field = strawberry.field(metadata={DECLARATION: declaration}, description=description)
    return cast("Callable[[Resolver], Resolver]", field)


@strawberry.type(description="Queries.")
class Query:
    @root_field(
        One(JoinKey("slug", argument="slug"), arguments=key_arguments),
        "The article with this slug; null if there is none.",
    )
    async def article(self, info: Info, slug: str) -> Article | None:
        return await resolve_root(info)

    @root_field(
        One(
            JoinKey("id", argument="url"),
            through=JoinTable("url_owner", source_key="url", target_key="article_id"),
            arguments=key_arguments,
        ),
        "The article with this URL, which may be any of its URLs; null if there is none. If several share "
        "it, published articles win over unpublished ones, then the newest.",
    )
    async def article_by_url(self, info: Info, url: URL) -> Article | None:
        return await resolve_root(info)

    @root_field(
        articles("Query.articles"),
        "Articles, newest first unless `orderBy` says otherwise. The order is total, so pages neither skip "
        "nor repeat articles.",
    )
    async def articles(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        where: Where = strawberry.UNSET,
        order_by: OrderBy = strawberry.UNSET,
        collapse: Collapsed = strawberry.UNSET,
    ) -> ArticleConnection:
        return await resolve_root(info)

    @root_field(
        TRENDING,
        "Articles by decayed heat, heat × 2^(−age ÷ halfLife), hottest first. Articles without a heat above "
        "0 follow, newest first. Articles published after `asOf` are excluded.",
    )
    async def trending(
        self,
        info: Info,
        first: First = 20,
        after: After = strawberry.UNSET,
        where: Where = strawberry.UNSET,
        half_life: Annotated[Duration, strawberry.argument(description=HALF_LIFE)] = ONE_DAY,
        as_of: Annotated[DateTime | None, strawberry.argument(description=AS_OF)] = strawberry.UNSET,
        collapse: Collapsed = strawberry.UNSET,
    ) -> ArticleConnection:
        return await resolve_root(info)

    @root_field(
        SEARCH,
        'Full-text search, best match first. All words must match. Supports `"a phrase"`, `-not`, `a OR b`, '
        "`prefix*` and `title:word`. No input is a syntax error: anything that is not an operator is a word.",
    )
    async def search(
        self,
        info: Info,
        query: Annotated[str, strawberry.argument(description="The search query.")],
        first: First = 20,
        after: After = strawberry.UNSET,
        where: Where = strawberry.UNSET,
    ) -> SearchConnection:
        return await resolve_root(info)

    @root_field(STORIES, "Stories: groups of articles that list each other as related coverage.")
    async def stories(
        self,
        info: Info,
        first: First = 20,
        after: After = strawberry.UNSET,
        order_by: Annotated[StoryOrder, strawberry.argument(description=STORY_ORDER)] = StoryOrder.LATEST,
        min_size: Annotated[int, strawberry.argument(description=MIN_SIZE)] = 2,
    ) -> StoryConnection:
        return await resolve_root(info)

    @root_field(
        CHANGES,
        "Changes after the version `since`, oldest first, one per article with its latest state. Without "
        "`since`, paging through the changes returns the whole content.",
    )
    async def changes(
        self,
        info: Info,
        since: Annotated[str | None, strawberry.argument(description=SINCE)] = strawberry.UNSET,
        first: Annotated[int | None, strawberry.argument(description=FIRST_CHANGES)] = 100,
    ) -> ChangeSet:
        return await resolve_root(info)

    @root_field(
        One(JoinKey("domain", argument="domain"), arguments=key_arguments),
        "The provider with this domain; null if there is none.",
    )
    async def provider(self, info: Info, domain: str) -> Provider | None:
        return await resolve_root(info)

    @root_field(providers("Query.providers"), "Providers of articles or related coverage, by domain.")
    async def providers(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        where: Annotated[ProviderFilter | None, strawberry.argument(description=WHERE)] = strawberry.UNSET,
    ) -> ProviderConnection:
        return await resolve_root(info)

    @root_field(
        One(JoinKey("slug", argument="slug"), arguments=key_arguments),
        "The topic with this slug; null if there is none.",
    )
    async def topic(self, info: Info, slug: str) -> Topic | None:
        return await resolve_root(info)

    @root_field(Many(), "All topics, by slug.")
    async def topics(self, info: Info) -> list[Topic]:
        return await resolve_root(info)

    @root_field(NodeLookup(node_argument, single=True), "The object with this ID; null if there is none.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        return await resolve_root(info)

    @root_field(
        NodeLookup(nodes_argument),
        "The objects with these IDs, in the same order; null for each ID without an object.",
    )
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        return await resolve_root(info)

    @root_field(One(), "Version, counts and problems of the served content.")
    async def site(self, info: Info) -> Site:
        return await resolve_root(info)


# Schema, and the field declarations of its types.

log = logging.getLogger("gqlnews")

ENTITIES = {
    "Article": ARTICLE,
    "Related": RELATED,
    "Provider": PROVIDER,
    "Story": STORY,
    "Topic": TOPIC,
    "Site": SITE,
    "Problem": PROBLEM,
}


class UsePreparedDocument(SchemaExtension):
    """Make Strawberry use the document that the engine has already parsed and validated."""

    def on_operation(self) -> Iterator[None]:
        context = self.execution_context
        context.graphql_document = context.context.document
        context.pre_execution_errors = []
        yield


def is_internal_error(error: GraphQLError) -> bool:
    """Return whether an error is a fault of the server, not caused by the request."""
    cause = error.original_error
    return cause is not None and not isinstance(cause, GraphQLError | TimeBudgetExceeded)


class NewsSchema(strawberry.Schema):
    """Strawberry schema that logs internal errors only, not the errors of clients."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        for error in errors:
            if isinstance(error.original_error, DatabaseError):
                log.error("failed at %s: %s", error.path, error.original_error)
            elif is_internal_error(error):
                log.error("failed at %s", error.path, exc_info=error.original_error)


def build_schema() -> strawberry.Schema:
    return NewsSchema(
        query=Query,
        subscription=Subscription,
        types=[Article, Story, Topic],
        config=CONFIG,
        extensions=[UsePreparedDocument],
        execution_context_class=PassthroughExecutor,
    )


def collect_declarations(schema: strawberry.Schema) -> Declarations:
    """Collect the declarations of all fields by GraphQL type name and field name."""
    fields: dict[tuple[str, str], Declaration] = {}
    name_of = schema.config.name_converter.get_graphql_name
    for name, kind in schema.schema_converter.type_map.items():
        definition: Any = kind.definition
        if isinstance(definition, StrawberryObjectDefinition) and not definition.is_interface:
            for field in definition.fields:
                if DECLARATION in field.metadata:
                    fields[name, name_of(field)] = field.metadata[DECLARATION]
    return Declarations(fields, ENTITIES)


def sdl() -> str:
    """Return the schema in SDL, the content of `schema.graphql`."""
    return build_schema().as_str() + "\n"
