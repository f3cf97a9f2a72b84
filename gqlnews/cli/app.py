"""Typer commands and error handling: an error is one line on standard error and exit code 2, no traceback.

Each command imports its dependencies when it runs, so that `gqlnews --help` is fast.
"""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from io import TextIOWrapper
from typing import Annotated, NoReturn, cast

import typer

from gqlnews import __version__
from gqlnews.cli import options
from gqlnews.config.settings import (
    CACHE_MB,
    FIELDS_MB,
    MAX_IN_FLIGHT,
    MAX_STREAMS,
    MAX_STREAMS_PER_CLIENT,
    MEBIBYTE,
    SERVED,
    HttpSettings,
    LogFormat,
    ServerSettings,
    StatusCodePolicy,
    editor_tokens,
    origins,
    request_limits,
    tracing_enabled,
)
from gqlnews.errors import StartupError

app = typer.Typer(
    rich_markup_mode=None,
    name="gqlnews",
    help="A folder of Markdown news articles, served as a GraphQL API.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line (by default `sys.argv`), and exit.

    Characters that the output's encoding lacks are escaped, because file names may contain any bytes.
    """
    cast("TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 1 for errors in the content, 2 for any other failure."""
    try:
        code: int | None = app(arguments, standalone_mode=False, prog_name="gqlnews")
    except StartupError as error:
        return _exit_with_error(str(error))
    except typer.TyperException as error:
        return _exit_with_error(f"{error.format_message().rstrip('.')}; see gqlnews --help")
    except OSError as error:
        return _exit_with_error(str(error))
    except MemoryError:
        return _exit_with_error("there is not enough memory")
    except Exception:
        traceback.print_exc()
        return _exit_with_error("this is a bug: please report it with the lines above")
    return code or 0


def _exit_with_error(message: str) -> int:
    typer.echo(f"gqlnews: {' '.join(message.split())}", err=True)
    return 2


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gqlnews {__version__}")
        raise typer.Exit


@app.callback()
def gqlnews(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """A folder of Markdown news articles, served as a GraphQL API."""


@app.command()
def serve(
    folder: options.Folder,
    db: options.Database = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8000,
    unpublished: options.Unpublished = False,
    base_url: options.BaseUrl = None,
    iframe_host: options.IframeHosts = None,
    explorer: options.Explorer = True,
    log_format: options.LogStyle = LogFormat.TEXT,
    cache_mb: options.CacheSize = CACHE_MB,
    fields_mb: options.FieldsSize = FIELDS_MB,
    watch: options.Watch = True,
    poll: options.Poll = False,
    workers: options.Workers = 1,
    streams: options.Streams = MAX_STREAMS,
    per_client: options.PerClient = MAX_STREAMS_PER_CLIENT,
    http_status: options.StatusCodes = StatusCodePolicy.SPEC,
    allow_origin: options.AllowOrigins = None,
    documents: options.TrustedDocuments = None,
    trusted_only: options.TrustedOnly = False,
    in_flight: options.InFlight = MAX_IN_FLIGHT,
    rate: options.Rate = 0,
    max_cost: options.MaxCost = SERVED.cost,
    max_scan: options.MaxScan = SERVED.scan,
    max_depth: options.MaxDepth = SERVED.depth,
    max_seconds: options.MaxSeconds = SERVED.seconds,
    introspection: options.Introspection = SERVED.introspection,
    metrics: options.Metrics = False,
    traces: options.Traces = None,
    processes: options.Processes = None,
) -> None:
    """Ingest what changed in FOLDER, then serve it, and ingest every further change."""
    from gqlnews.cli.content_options import build_target
    from gqlnews.cli.serve import ServeOptions, run_server

    content = build_target(folder, db, base_url, iframe_host, processes)
    settings = ServerSettings(
        content.database,
        unpublished,
        explorer,
        editor_tokens(),
        cache_mb * MEBIBYTE,
        fields_mb * MEBIBYTE,
        streams,
        per_client,
        replace(
            request_limits(),
            cost=max_cost,
            scan=max_scan,
            depth=max_depth,
            seconds=max_seconds,
            introspection=introspection,
        ),
        HttpSettings(http_status, origins(allow_origin or ()), documents, trusted_only, in_flight, rate),
        metrics,
        tracing_enabled(traces),
    )
    run_server(content, ServeOptions(host, port, log_format, workers, watch, poll), settings)


@app.command()
def ingest(
    folder: options.Folder,
    db: options.Database = None,
    base_url: options.BaseUrl = None,
    iframe_host: options.IframeHosts = None,
    processes: options.Processes = None,
    rebuild: options.Rebuild = False,
    watch: options.GoOn = False,
    poll: options.Poll = False,
    log_format: options.LogStyle = LogFormat.TEXT,
    until_eof: options.UntilEof = False,
) -> None:
    """Ingest what changed in FOLDER, then exit; with --watch, ingest every further change."""
    from gqlnews.cli.commands import run_ingest
    from gqlnews.cli.content_options import build_target

    content = build_target(folder, db, base_url, iframe_host, processes, allow_missing=watch and until_eof)
    if not watch:
        run_ingest(content, rebuild=rebuild)
        return
    from gqlnews.cli.serve import run_watch

    run_watch(content, rebuild=rebuild, poll=poll, until_eof=until_eof, log_format=log_format)


@app.command()
def check(
    folder: options.Folder,
    format: options.CheckStyle = options.CheckFormat.TEXT,
    base_url: options.BaseUrl = None,
    iframe_host: options.IframeHosts = None,
    processes: options.Processes = None,
) -> None:
    """Print the problems of the files in FOLDER; exit with 1 if there is an error."""
    from gqlnews.cli.commands import run_check
    from gqlnews.cli.content_options import build_target

    fine = run_check(build_target(folder, None, base_url, iframe_host, processes), format)
    raise typer.Exit(0 if fine else 1)


@app.command()
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    from gqlnews.schema.query import sdl

    typer.echo(sdl().rstrip("\n"))


@app.command()
def sample(
    folder: options.NewFolder,
    articles: options.Articles = 1000,
    seed: options.Seed = 1,
) -> None:
    """Write a synthetic content folder, linked and shaped like a real one."""
    from gqlnews.cli.commands import run_sample

    run_sample(folder, articles, seed)
