"""Run the server in this process, on an open socket."""

import gc
import socket
from collections.abc import Callable

import orjson
from starlette.applications import Starlette

from gqlnews.app import build_app
from gqlnews.config.settings import ConnectionSettings, ServerSettings
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.server.app_state import AppState
from gqlnews.server.negotiation import anonymous_audience
from gqlnews.server.uvicorn.run import Server, return_freed_memory

ARTICLE_COUNT_QUERY = "query ArticlesServed { site { articleCount } }"

OnReady = Callable[[int], None]
"""Called once requests are accepted, with the number of articles that a client without a token sees."""


def run_server(
    listener: socket.socket,
    settings: ServerSettings,
    on_ready: OnReady,
    connections: ConnectionSettings,
) -> None:
    """Serve on this open socket, in this process, until a signal."""
    return_freed_memory()
    run_app(build_app(settings), listener, on_ready, connections)


def run_app(
    app: Starlette, listener: socket.socket, on_ready: OnReady, connections: ConnectionSettings
) -> None:
    """Serve an application of `build_app`, as `run_server` does."""

    async def on_start() -> None:
        articles = await _warm_up(app)
        gc.collect()  # before the server is ready, because it delays the first signal on a busy machine
        gc.freeze()  # exempt all objects that exist now from further collections
        on_ready(articles)

    def on_signal() -> None:
        app.state.is_stopping = True

    def on_stop() -> None:
        _app_state(app).subscription_hubs.shutdown()

    Server(app, on_start, on_signal, on_stop, connections).run(sockets=[listener])


async def _warm_up(app: Starlette) -> int:
    """Return the number of articles that a client without a token sees; this also warms up the server."""
    app_state = _app_state(app)
    response = await app_state.engine.execute(
        GraphQLRequest(ARTICLE_COUNT_QUERY), anonymous_audience(app_state.settings)
    )
    count: int = orjson.loads(response.body)["data"]["site"]["articleCount"]
    return count


def _app_state(app: Starlette) -> AppState:
    app_state: AppState = app.state.app_state
    return app_state
