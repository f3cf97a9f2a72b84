"""The root fields: each an ordinary resolver that awaits the finished JSON of its whole subtree."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import strawberry

from gqlnews.plan.arguments import key_arguments
from gqlnews.plan.declare import Declaration, Junction, Many, Match, One, Refs
from gqlnews.schema.article import Article, ArticleConnection, articles
from gqlnews.schema.changes import CHANGES, ChangeSet
from gqlnews.schema.fields import AFTER, BEFORE, DECLARATION, FIRST, LAST, ORDER_BY, WHERE
from gqlnews.schema.filters import ArticleFilter, ProviderFilter
from gqlnews.schema.node import Node, node_argument, nodes_argument
from gqlnews.schema.orders import ArticleOrder, Collapse, StoryOrder
from gqlnews.schema.provider import Provider, ProviderConnection, providers
from gqlnews.schema.scalars import URL, DateTime, Duration
from gqlnews.schema.search import SEARCH, SearchConnection
from gqlnews.schema.site import Site
from gqlnews.schema.story import STORIES, StoryConnection
from gqlnews.schema.topic import Topic
from gqlnews.schema.trending import TRENDING
from gqlnews.schema.work import Info, finished

COLLAPSE = "Of several articles alike, keep the one that the order puts first, after `where`."
ONE_DAY = Duration("P1D")
HALF_LIFE = "How long a heat takes to halve."
AS_OF = "None published after this instant; now, where it is left out. With it, pages can be repeated."
STORY_ORDER = "Which stories come first."
MIN_SIZE = "Only stories of so many articles or more."

SINCE = "A `version` that the API gave."
FIRST_CHANGES = "How many at most, up to 100."

First = Annotated[int | None, strawberry.argument(description=FIRST)]
After = Annotated[str | None, strawberry.argument(description=AFTER)]
Last = Annotated[int | None, strawberry.argument(description=LAST)]
Before = Annotated[str | None, strawberry.argument(description=BEFORE)]
Where = Annotated[ArticleFilter | None, strawberry.argument(description=WHERE)]
OrderBy = Annotated[list[ArticleOrder] | None, strawberry.argument(description=ORDER_BY)]
Collapsed = Annotated[Collapse | None, strawberry.argument(description=COLLAPSE)]

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def root(declaration: Declaration, description: str) -> Callable[[Resolver], Resolver]:
    """A root field whose statement `declaration` says."""
    field = strawberry.field(metadata={DECLARATION: declaration}, description=description)
    return cast("Callable[[Resolver], Resolver]", field)


@strawberry.type(description="What can be asked.")
class Query:
    @root(One(Match("slug", argument="slug"), arguments=key_arguments), "The article of a slug.")
    async def article(self, info: Info, slug: str) -> Article | None:
        return await finished(info)

    @root(
        One(
            Match("id", argument="url"),
            through=Junction("url_owner", near="url", far="article_id"),
            arguments=key_arguments,
        ),
        "By any of the URLs that a file gives for it; where several files share one, the published, then the "
        "newest.",
    )
    async def article_by_url(self, info: Info, url: URL) -> Article | None:
        return await finished(info)

    @root(
        articles("Query.articles"),
        "Newest first unless `orderBy` says otherwise; the order is total, so pages neither skip nor repeat.",
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
        return await finished(info)

    @root(
        TRENDING,
        "By heat that halves every `halfLife`, heat × 2^(−age ÷ halfLife), hottest first; then those without "
        "heat above 0, newest first. None published after `asOf`.",
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
        return await finished(info)

    @root(
        SEARCH,
        'Best match first. Words are ANDed; `"a phrase"`, `-not`, `a OR b`, `prefix*`, `title:word`. Never a '
        "syntax error: what is no operator is a word.",
    )
    async def search(
        self,
        info: Info,
        query: Annotated[str, strawberry.argument(description="What to look for.")],
        first: First = 20,
        after: After = strawberry.UNSET,
        where: Where = strawberry.UNSET,
    ) -> SearchConnection:
        return await finished(info)

    @root(STORIES, "Articles that list each other, as the stories that they tell together.")
    async def stories(
        self,
        info: Info,
        first: First = 20,
        after: After = strawberry.UNSET,
        order_by: Annotated[StoryOrder, strawberry.argument(description=STORY_ORDER)] = StoryOrder.LATEST,
        min_size: Annotated[int, strawberry.argument(description=MIN_SIZE)] = 2,
    ) -> StoryConnection:
        return await finished(info)

    @root(
        CHANGES,
        "What changed after `since` (a `version`), oldest first, one entry per article with its latest "
        "state; `since` null starts from nothing, so the first walk is the whole content.",
    )
    async def changes(
        self,
        info: Info,
        since: Annotated[str | None, strawberry.argument(description=SINCE)] = strawberry.UNSET,
        first: Annotated[int | None, strawberry.argument(description=FIRST_CHANGES)] = 100,
    ) -> ChangeSet:
        return await finished(info)

    @root(One(Match("domain", argument="domain"), arguments=key_arguments), "The provider of a domain.")
    async def provider(self, info: Info, domain: str) -> Provider | None:
        return await finished(info)

    @root(providers("Query.providers"), "Who published what is served, by domain.")
    async def providers(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        where: Annotated[ProviderFilter | None, strawberry.argument(description=WHERE)] = strawberry.UNSET,
    ) -> ProviderConnection:
        return await finished(info)

    @root(One(Match("slug", argument="slug"), arguments=key_arguments), "The topic of a slug.")
    async def topic(self, info: Info, slug: str) -> Topic | None:
        return await finished(info)

    @root(Many(), "Every topic, by slug.")
    async def topics(self, info: Info) -> list[Topic]:
        return await finished(info)

    @root(Refs(node_argument, single=True), "The object of an id; null where there is none.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        return await finished(info)

    @root(Refs(nodes_argument), "The objects of several ids, in their order; null for each that is none.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        return await finished(info)

    @root(One(), "What is being served, and how healthy the content is.")
    async def site(self, info: Info) -> Site:
        return await finished(info)
