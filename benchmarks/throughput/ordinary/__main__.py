"""`python -m benchmarks.throughput.ordinary DATABASE`: run the server."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry import Info
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.throughput.listening import serve
from benchmarks.throughput.ordinary.database import Database
from benchmarks.throughput.ordinary.loaders import Loaders
from benchmarks.throughput.ordinary.pages import ArticleFilter, page
from benchmarks.throughput.ordinary.types import Article, Articles


@strawberry.type
class Query:
    """Queries."""

    @strawberry.field
    async def article(self, info: Info[Loaders, None], slug: str) -> Article | None:
        row = await info.context.database.article(slug)
        return None if row is None else Article.of(row)

    @strawberry.field
    async def articles(
        self,
        info: Info[Loaders, None],
        first: int = 20,
        after: str | None = None,
        where: ArticleFilter | None = None,
    ) -> Articles:
        rows = await page(info.context.database, first, after, where)
        return Articles(nodes=[Article.of(row) for row in rows])


class Endpoint(GraphQL[Loaders, None]):
    """Strawberry's view, with new loaders for each request."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Loaders:
        return Loaders.of(request.app.state.database)


def schema() -> strawberry.Schema:
    return strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])


def application(path: Path) -> Starlette:

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.database = await Database.open(path)
        yield
        await app.state.database.close()

    app = Starlette(lifespan=lifespan)
    endpoint: Any = Endpoint(schema())
    app.add_route("/graphql", endpoint, methods=["POST"])
    return app


if __name__ == "__main__":
    serve(application(Path(sys.argv[1])), lifespan="on")
