"""`gqlnews serve`: take in what changed, say what is served and where, and serve it."""

import gc
from contextlib import closing
from dataclasses import dataclass

import orjson
import typer
from starlette.applications import Starlette

from gqlnews.cli.banner import Banner
from gqlnews.cli.ingest import UNDONE, take_in
from gqlnews.cli.source import Source
from gqlnews.cli.stopping import stoppable
from gqlnews.schema.engine import Asked
from gqlnews.server import graphql, logs
from gqlnews.server.address import base_url, listen
from gqlnews.server.app import create_app
from gqlnews.server.auth import anonymous
from gqlnews.server.serving import Server
from gqlnews.settings import MEBIBYTE, LogFormat, ServerSettings, editor_tokens

ARTICLES = "query ArticlesServed { site { articleCount } }"


@dataclass(frozen=True, slots=True)
class Service:
    """How the content is served."""

    host: str
    port: int
    unpublished: bool
    explorer: bool
    log_format: LogFormat
    cache_mb: int


def run_server(source: Source, service: Service) -> None:
    """Serve until a signal. Raises StartupError before anything is served."""
    settings = ServerSettings(
        source.database,
        service.unpublished,
        service.explorer,
        editor_tokens(),
        service.cache_mb * MEBIBYTE,
    )
    logs.configure(service.log_format)
    with closing(listen(service.host, service.port)) as listener:
        with stoppable(UNDONE):
            report = take_in(source)
            app = create_app(settings)

        async def on_start() -> None:
            articles = await _count_articles(app)
            _say(Banner(settings, source.folder, base_url(listener), articles, report), service.log_format)
            gc.collect()
            gc.freeze()  # what is loaded by now stays: the collector need not look at it again

        Server(app, on_start).run(sockets=[listener])


def _say(banner: Banner, log_format: LogFormat) -> None:
    """On standard output for people; a log in JSON is read by machines, and gets it as an event."""
    if log_format is LogFormat.TEXT:
        typer.echo(banner.text())
    else:
        logs.note("serving", **banner.fields())


async def _count_articles(app: Starlette) -> int:
    """How many someone without a token sees. Asking for it also warms what every request needs."""
    service: graphql.Service = app.state.service
    answer = await service.engine.answer(Asked(ARTICLES), anonymous(service.settings))
    count: int = orjson.loads(answer.body)["data"]["site"]["articleCount"]
    return count
