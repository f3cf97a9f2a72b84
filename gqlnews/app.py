"""The ASGI application: routes and lifespan.

It runs under any ASGI server, for example `uvicorn --factory gqlnews:from_environment`.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, cast

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry import Schema

from gqlnews.config.declarations import APPLICATION
from gqlnews.config.settings import ServerSettings
from gqlnews.custom_fields import CustomField
from gqlnews.database.protocol import Database, Store
from gqlnews.database.sqlite.connection import read_custom_fields
from gqlnews.database.sqlite.database_handle import SqliteDatabase
from gqlnews.database.sqlite.schedule import NO_WATCHER
from gqlnews.database.sqlite.snapshots import SqliteSnapshotReader
from gqlnews.discovery.media import open_image
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import INTERNAL_ERROR_MESSAGE
from gqlnews.errors import Code, PersistedDocumentsError
from gqlnews.query.sql.dialect import Dialect
from gqlnews.query.sql.sqlite import SQLITE
from gqlnews.schema.query import build_schema
from gqlnews.server.app_state import AppState, liveness, readiness
from gqlnews.server.compression import CompressionMiddleware
from gqlnews.server.cors import EndpointCors
from gqlnews.server.endpoint import GraphQLEndpoint
from gqlnews.server.forwarded import TrustedProxies
from gqlnews.server.graphiql.page import explorer_assets, render_page
from gqlnews.server.limits import (
    ConcurrencyLimiter,
    StreamLimiter,
    SubscriptionLimiter,
    TokenBucketLimiter,
)
from gqlnews.server.media import MEDIA_PREFIX, MediaEndpoint
from gqlnews.server.observability import logs
from gqlnews.server.preparation import OffloadQueue, Preparer
from gqlnews.server.reader_page import BUILD_FOLDER as READER_FOLDER
from gqlnews.server.reader_page import ReaderPage, documents_path, redirect_to_endpoint
from gqlnews.server.request import PersistedDocuments, TrustedDocuments
from gqlnews.server.response import (
    ALLOW,
    SECURITY_HEADERS,
    HTTPError,
    SecurityHeadersMiddleware,
    reject,
)
from gqlnews.server.response_cache import ResponseCache
from gqlnews.server.websocket import reject_websocket, websocket_endpoint
from gqlnews.subscriptions.hub import NewReader
from gqlnews.subscriptions.hubs import SubscriptionHubs

ENDPOINT = "/graphql"
MAX_REPLICA_LAG = 1.0  # seconds for which a subscription waits for a replica before the primary is asked
ENDPOINT_PATHS = (ENDPOINT, f"{ENDPOINT}/")
# GIL switch interval; shorter than the default of 5 ms, so that threads delay the event loop less.
GIL_SWITCH_SECONDS = 0.0001

_ERROR_CODES = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED, 406: Code.NOT_ACCEPTABLE}


class LifespanState(TypedDict):
    """Lifespan state, available to every request as `request.state`."""

    app_state: AppState


class GqlnewsApp(Starlette):
    """Starlette application that passes a POST directly to the endpoint, without routing and middleware.

    With `cors`, a request with an `Origin` needs the middleware. Responses to a POST are not cacheable, so
    one without `Origin` needs no `Vary: Origin`. With `proxies`, everything in the application sees the
    client that they forward for.
    """

    def __init__(
        self, endpoint: ASGIApp, *, cors: bool, proxies: TrustedProxies | None, **options: Any
    ) -> None:
        super().__init__(**options)
        self._endpoint, self._cors, self._proxies = endpoint, cors, proxies
        self.router.redirect_slashes = False  # the redirect would contain the client's `Host` header

    def lifespan(self, host: object = None) -> AbstractAsyncContextManager[Mapping[str, Any]]:
        """Run the application within another one that mounts it; also usable as that one's `lifespan`."""
        return cast("AbstractAsyncContextManager[Mapping[str, Any]]", self.router.lifespan_context(self))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "app_state" not in scope.setdefault("state", {}) and hasattr(self.state, "app_state"):
            # The server did not pass the state of the lifespan on, as if another application mounts this one.
            scope["state"]["app_state"] = self.state.app_state
        if self._proxies is not None and scope["type"] != "lifespan":
            self._proxies.replace_client(scope)
        if (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"] in ENDPOINT_PATHS
            and not scope.get("root_path")
            and not (self._cors and "origin" in Headers(scope=scope))
        ):
            await self._endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _is_endpoint(scope: Scope) -> bool:
    """Return whether the request is for the GraphQL endpoint or an image."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path in ENDPOINT_PATHS or path.startswith(MEDIA_PREFIX)


def build_app(
    settings: ServerSettings, *, warns_of_schedule: bool = False, reader_folder: Path = READER_FOLDER
) -> GqlnewsApp:
    """Create the application for an existing store, which it only reads.

    With `warns_of_schedule`, it logs at its start if no watcher follows the schedule of the store. The reader
    is built in `reader_folder`. Raises PersistedDocumentsError, and DatabaseError for a PostgreSQL store.
    """
    schema = build_schema(read_stored_fields(settings))
    trusted = load_trusted_documents(settings, schema, reader_folder)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[LifespanState]:
        async with AsyncExitStack() as stack:
            store, open_store, dialect, new_reader = _create_store(settings)
            stack.push_async_callback(store.close)
            await open_store()
            if warns_of_schedule and (schedule := store.schedule_without_watcher()) is not None:
                logs.log_event(
                    "schedule without watcher",
                    logging.WARNING,
                    next_due=schedule.next_due,
                    overdue=schedule.overdue,
                    reason=NO_WATCHER,
                )
            max_lag = 0.0 if settings.postgres is None else MAX_REPLICA_LAG
            subscription_hubs = SubscriptionHubs(new_reader, store.version, settings.limits, max_lag=max_lag)
            stack.push_async_callback(subscription_hubs.close)
            store.on_replaced = subscription_hubs.reset
            fields = store.custom_fields()
            current = schema if fields == schema.custom_fields else build_schema(fields)
            engine_store: Store = store
            tracer, preparer_class = None, Preparer
            if settings.tracing:
                # Imported only if tracing is enabled, as it imports a library that only the extra installs.
                from gqlnews.server.observability import tracing

                tracer = tracing.start_tracer(settings)
                stack.push_async_callback(tracer.close)
                engine_store, preparer_class = tracing.TracedStore(store, tracer), tracing.TracedPreparer
            engine = Engine(
                engine_store,
                current,
                settings.limits,
                field_cache_bytes=settings.field_cache_bytes,
                dialect=dialect,
            )

            async def change_fields(fields: tuple[CustomField, ...]) -> None:
                engine.use_schema(await asyncio.to_thread(build_schema, fields))
                subscription_hubs.restart()

            store.on_fields_changed = change_fields
            offload = OffloadQueue(has_time_limit=settings.limits.timeout_seconds > 0)
            stack.callback(offload.close)
            stack.callback(sys.setswitchinterval, sys.getswitchinterval())
            sys.setswitchinterval(GIL_SWITCH_SECONDS)
            documents = PersistedDocuments(trusted, trusted_only=settings.http.persisted_only)
            subscription_limiter = SubscriptionLimiter()
            app_state = AppState(
                settings,
                engine,
                preparer_class(engine, offload, documents, subscription_limiter),
                offload,
                ResponseCache(settings.response_cache_bytes),
                subscription_hubs,
                StreamLimiter(settings.max_streams, settings.max_streams_per_client),
                subscription_limiter,
                ConcurrencyLimiter(settings.http.max_concurrent_requests),
                TokenBucketLimiter(settings.http.rate_limit),
                store,
                tracer,
            )
            app.state.app_state = app_state
            yield {"app_state": app_state}

    endpoint, origins = _build_endpoint(settings), settings.http.allow_origins
    has_explorer = settings.explorer
    page = ReaderPage(ENDPOINT, has_explorer=has_explorer, folder=reader_folder) if settings.reader else None
    allowed_ips = settings.http.forwarded_allow_ips
    middleware = [Middleware(SecurityHeadersMiddleware)]
    if settings.http.compression:
        middleware.append(Middleware(CompressionMiddleware, is_endpoint=_is_endpoint))
    if origins:
        middleware.append(Middleware(EndpointCors, allow_origins=origins, is_endpoint=_is_endpoint))
    return GqlnewsApp(
        endpoint,
        cors=bool(origins),
        proxies=TrustedProxies(allowed_ips) if allowed_ips else None,
        routes=_build_routes(settings, endpoint, page),
        middleware=middleware,
        exception_handlers={
            HTTPException: partial(_handle_http_exception, page),
            Exception: _handle_exception,
        },
        lifespan=lifespan,
    )


def read_stored_fields(settings: ServerSettings) -> tuple[CustomField, ...]:
    """Return the custom fields of the store. Raises DatabaseError for a PostgreSQL store."""
    if settings.postgres is None:
        return read_custom_fields(settings.database)
    # Imported only with a URL, as only the extra `postgres` installs its driver.
    from gqlnews.database.postgresql.read_summary import read_summary

    return read_summary(settings.postgres).fields


class _StoreParts(NamedTuple):
    """A store, the function that opens it, its dialect, and the factory of readers for subscriptions."""

    store: Database
    open: Callable[[], Awaitable[None]]
    dialect: Dialect
    new_reader: NewReader


def _create_store(settings: ServerSettings) -> _StoreParts:
    if settings.postgres is None:
        database = SqliteDatabase(settings.limits)
        new_reader = partial(SqliteSnapshotReader, settings.database, settings.limits)
        return _StoreParts(database, partial(database.open, settings.database), SQLITE, new_reader)
    from gqlnews.database.postgresql.database_handle import PostgresDatabase
    from gqlnews.database.postgresql.snapshots import PostgresSnapshotReader
    from gqlnews.query.sql.postgresql import POSTGRESQL

    store = PostgresDatabase(settings.postgres, settings.limits)
    new_postgres_reader = partial(PostgresSnapshotReader, settings.postgres, settings.limits)
    return _StoreParts(store, store.open, POSTGRESQL, new_postgres_reader)


def load_trusted_documents(
    settings: ServerSettings, schema: Schema, reader_folder: Path = READER_FOLDER
) -> Mapping[str, str]:
    """Load the trusted documents; those of the reader too if it is served. Raises PersistedDocumentsError."""
    documents = TrustedDocuments(schema._schema)
    for path in settings.http.persisted_documents:
        documents.add(path)
    if settings.reader and (path_of_reader := documents_path(reader_folder)) is not None:
        try:
            documents.add(path_of_reader)
        except PersistedDocumentsError as error:
            advice = "build the reader again with `make reader`, or serve without it (--no-reader)"
            raise PersistedDocumentsError(f"{error}: {advice}") from error
    return documents.texts


def from_environment() -> GqlnewsApp:
    """Create the application with settings from environment variables only.

    Of the process, only the logger `gqlnews` is configured. Raises SettingsError, PersistedDocumentsError,
    and DatabaseError for a PostgreSQL store.
    """
    # Imported only here, as pydantic-settings takes 0.2 s.
    from gqlnews.config.sources import check_postgres_driver, read_settings, server_settings

    settings = read_settings(APPLICATION)
    logs.configure_own_logger(settings["log_format"])
    effective = server_settings(settings)
    if effective.postgres is not None:
        check_postgres_driver()
    return build_app(effective, warns_of_schedule=True)


def _build_endpoint(settings: ServerSettings) -> ASGIApp:
    endpoint = GraphQLEndpoint(render_page if settings.explorer else None)
    if not settings.tracing:
        return endpoint
    from gqlnews.server.observability.tracing import TracedEndpoint

    return TracedEndpoint(endpoint)


def _build_routes(settings: ServerSettings, endpoint: ASGIApp, page: ReaderPage | None) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        *(Route(path, endpoint, methods=["GET", "POST"], name="graphql") for path in ENDPOINT_PATHS),
        *(WebSocketRoute(path, websocket_endpoint) for path in ENDPOINT_PATHS),
        WebSocketRoute("/{path:path}", reject_websocket),
        Route(f"{MEDIA_PREFIX}{{path:path}}", MediaEndpoint(open_image), methods=["GET"]),
        Route("/health/live", liveness),
        Route("/health/ready", readiness),
    ]
    if settings.metrics:
        # Imported only if metrics are enabled.
        from gqlnews.server.observability.prometheus import metrics_endpoint

        routes.append(Route("/metrics", metrics_endpoint))
    if settings.explorer:
        routes.append(explorer_assets())
    return [*routes, *([Route("/", _redirect_to_endpoint)] if page is None else page.routes())]


async def _redirect_to_endpoint(request: Request) -> Response:
    return redirect_to_endpoint(request, ENDPOINT)


async def _handle_http_exception(page: ReaderPage | None, request: Request, error: Exception) -> Response:
    """Respond to errors of Starlette's routing: unknown path, method not allowed.

    A browser gets the reader's page for an unknown path, if there is a reader.
    """
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if allowed := headers.get(ALLOW):
        headers[ALLOW] = ", ".join(sorted(allowed.split(", ")))
    code = _ERROR_CODES.get(error.status_code, Code.BAD_REQUEST)
    response = reject(request.headers, HTTPError(error.status_code, code, error.detail, **headers))
    not_found = page.not_found(request) if page is not None and code is Code.NOT_FOUND else None
    return response if not_found is None else not_found


async def _handle_exception(request: Request, error: Exception) -> Response:
    """Respond to unexpected exceptions, which Uvicorn logs.

    The response bypasses the middleware, so it sets the security headers itself.
    """
    return reject(
        request.headers, HTTPError(500, Code.INTERNAL_ERROR, INTERNAL_ERROR_MESSAGE, **SECURITY_HEADERS)
    )
