"""The root fields: each an ordinary resolver that awaits the finished JSON of its whole subtree."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import strawberry

from gqlnews.plan.arguments import key_arguments
from gqlnews.plan.declare import Declaration, Junction, Many, Match, One, Refs
from gqlnews.schema.article import Article, ArticleConnection, articles
from gqlnews.schema.fields import AFTER, BEFORE, DECLARATION, FIRST, LAST
from gqlnews.schema.node import Node, node_argument, nodes_argument
from gqlnews.schema.provider import Provider, ProviderConnection, providers
from gqlnews.schema.scalars import URL
from gqlnews.schema.site import Site
from gqlnews.schema.topic import Topic
from gqlnews.schema.work import Info, finished

First = Annotated[int | None, strawberry.argument(description=FIRST)]
After = Annotated[str | None, strawberry.argument(description=AFTER)]
Last = Annotated[int | None, strawberry.argument(description=LAST)]
Before = Annotated[str | None, strawberry.argument(description=BEFORE)]


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
        "Newest first; the order is total, so pages neither skip nor repeat.",
    )
    async def articles(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> ArticleConnection:
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
