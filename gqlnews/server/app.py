"""The application: routes, start and stop.

It runs under any ASGI server, as `uvicorn --factory gqlnews.server.app:from_environment`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gqlnews.errors import Code
from gqlnews.schema.engine import FAILED, Engine
from gqlnews.schema.feed import Feed
from gqlnews.server import logs
from gqlnews.server.answers import Answers
from gqlnews.server.explorer import explorer_assets
from gqlnews.server.graphql import GraphQL
from gqlnews.server.headers import SECURITY_HEADERS, SecurityHeaders
from gqlnews.server.health import live, ready
from gqlnews.server.metrics import Metrics
from gqlnews.server.page import page
from gqlnews.server.service import Service
from gqlnews.server.socket import serve_socket
from gqlnews.server.sockets import Sockets
from gqlnews.server.wire import ALLOW, error_response
from gqlnews.settings import ServerSettings, log_format, server_settings
from gqlnews.store.access import Access

ENDPOINT = "/graphql"

_CODES = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}


class State(TypedDict):
    """What the lifespan hands to every request, as `request.state`."""

    service: Service


class News(Starlette):
    """Starlette's application; a POST to the endpoint needs neither its routes nor its middleware."""

    def __init__(self, endpoint: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"] == ENDPOINT
            and not scope.get("root_path")
        ):
            await self._endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: ServerSettings) -> Starlette:
    """The application over a store that was ingested before; it only reads."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            store = Access(settings.limits)
            stack.push_async_callback(store.close)
            await store.open(settings.database)
            feed = Feed(settings.database, store.version, settings.limits)
            stack.push_async_callback(feed.close)
            store.on_replaced = feed.begin_anew
            service = Service(
                settings,
                Engine(store.read, limits=settings.limits),
                store.version,
                Answers(settings.cache_bytes),
                feed,
                Sockets(settings.most_streams, settings.most_streams_of_one),
                store.read_parts,
                store,
                Metrics(),
            )
            if settings.traces:
                from gqlnews.server.traces import traced

                service = await stack.enter_async_context(traced(service))
            app.state.service = service
            yield {"service": service}

    endpoint = _endpoint(settings)
    return News(
        endpoint,
        routes=_routes(settings, endpoint),
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        lifespan=lifespan,
    )


def from_environment() -> Starlette:
    """The application with settings from the environment alone; raises SettingsError."""
    logs.configure(log_format())
    return create_app(server_settings())


def _endpoint(settings: ServerSettings) -> ASGIApp:
    endpoint = GraphQL(page if settings.explorer else None)
    if not settings.traces:
        return endpoint
    from gqlnews.server.traces import TracedEndpoint  # it has its library only with the extra

    return TracedEndpoint(endpoint)


def _routes(settings: ServerSettings, endpoint: ASGIApp) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route(ENDPOINT, endpoint, methods=["GET", "POST"], name="graphql"),
        WebSocketRoute(ENDPOINT, serve_socket),
        Route("/", _to_endpoint),
        Route("/health/live", live),
        Route("/health/ready", ready),
    ]
    if settings.metrics:
        from gqlnews.server.exposition import expose  # its library is asked for by few

        routes.append(Route("/metrics", expose))
    return [*routes, explorer_assets()] if settings.explorer else routes


async def _to_endpoint(request: Request) -> Response:
    return RedirectResponse(request.url_for("graphql").path, 303)


async def _refused(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: an unknown path, a method that a path does not take."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if allowed := headers.get(ALLOW):
        headers[ALLOW] = ", ".join(sorted(allowed.split(", ")))
    code = _CODES.get(error.status_code, Code.BAD_REQUEST)
    return error_response(error.status_code, code, error.detail, headers=headers)


async def _failed(request: Request, error: Exception) -> Response:
    """What nobody expected; the server logs it. Goes out above the middleware, so it brings the headers."""
    return error_response(500, Code.INTERNAL_ERROR, FAILED, headers=SECURITY_HEADERS)
