"""Typer commands and their error handling: an expected error is one line on standard error and exit code 2.

Only a bug prints a traceback. Each command imports its dependencies when it runs, so that `gqlnews --help` is
fast.
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
    DEFAULT_LIMITS,
    FIELD_CACHE_MB,
    MAX_CONCURRENT_REQUESTS,
    MAX_STREAMS,
    MAX_STREAMS_PER_CLIENT,
    MEBIBYTE,
    RESPONSE_CACHE_MB,
    HttpSettings,
    LogFormat,
    ServerSettings,
    StatusCodePolicy,
    editor_tokens,
    parse_origins,
    request_limits,
    tracing_enabled,
)
from gqlnews.errors import CommandError

app = typer.Typer(
    rich_markup_mode=None,
    name="gqlnews",
    help="Serve a folder of Markdown news articles as a GraphQL API.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, by default `sys.argv`, and exit.

    Standard output escapes characters that its encoding lacks, because file names may contain any bytes.
    """
    cast("TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 1 for errors in the content, 2 for any other failure."""
    try:
        code: int | None = app(arguments, standalone_mode=False, prog_name="gqlnews")
    except CommandError as error:
        return _exit_with_error(str(error))
    except typer.TyperException as error:
        return _exit_with_error(f"{error.format_message().rstrip('.')}; see gqlnews --help")
    except OSError as error:
        return _exit_with_error(str(error))
    except MemoryError:
        return _exit_with_error("out of memory")
    except Exception:
        traceback.print_exc()
        return _exit_with_error("this is a bug: please report it with the lines above")
    return code or 0


def _exit_with_error(message: str) -> int:
    typer.echo(f"gqlnews: {' '.join(message.split())}", err=True)
    return 2


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"gqlnews {__version__}")
        raise typer.Exit


@app.callback()
def gqlnews(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Serve a folder of Markdown news articles as a GraphQL API."""


@app.command()
def serve(
    folder: options.Folder,
    db: options.Database = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8000,
    unpublished: options.Unpublished = False,
    base_url: options.BaseUrl = None,
    iframe_hosts: options.IframeHosts = None,
    explorer: options.Explorer = True,
    log_format: options.LogFormatOption = LogFormat.TEXT,
    response_cache_mb: options.ResponseCacheSize = RESPONSE_CACHE_MB,
    field_cache_mb: options.FieldCacheSize = FIELD_CACHE_MB,
    watch: options.ServeWatch = True,
    force_polling: options.ForcePolling = False,
    workers: options.Workers = 1,
    max_streams: options.MaxStreams = MAX_STREAMS,
    max_streams_per_client: options.MaxStreamsPerClient = MAX_STREAMS_PER_CLIENT,
    status_codes: options.StatusCodes = StatusCodePolicy.SPEC,
    allow_origins: options.AllowOrigins = None,
    persisted_documents: options.PersistedDocuments = None,
    persisted_only: options.PersistedOnly = False,
    max_concurrent_requests: options.MaxConcurrentRequests = MAX_CONCURRENT_REQUESTS,
    rate_limit: options.RateLimit = 0,
    max_cost: options.MaxCost = DEFAULT_LIMITS.max_cost,
    max_scan: options.MaxScan = DEFAULT_LIMITS.max_scan,
    max_depth: options.MaxDepth = DEFAULT_LIMITS.max_depth,
    query_timeout: options.QueryTimeout = DEFAULT_LIMITS.timeout_seconds,
    introspection: options.Introspection = DEFAULT_LIMITS.introspection,
    metrics: options.Metrics = False,
    tracing: options.Tracing = None,
    ingest_workers: options.IngestWorkers = None,
) -> None:
    """Ingest the changed files of FOLDER, serve the content, and ingest every further change."""
    from gqlnews.cli.content_options import build_target
    from gqlnews.cli.serve import ServeOptions, run_serve

    target = build_target(folder, db, base_url, iframe_hosts, ingest_workers)
    settings = ServerSettings(
        target.database,
        unpublished,
        explorer,
        editor_tokens(),
        response_cache_mb * MEBIBYTE,
        field_cache_mb * MEBIBYTE,
        max_streams,
        max_streams_per_client,
        replace(
            request_limits(),
            max_cost=max_cost,
            max_scan=max_scan,
            max_depth=max_depth,
            timeout_seconds=query_timeout,
            introspection=introspection,
        ),
        HttpSettings(
            status_codes,
            parse_origins(allow_origins or ()),
            persisted_documents,
            persisted_only,
            max_concurrent_requests,
            rate_limit,
        ),
        metrics,
        tracing_enabled(tracing),
    )
    run_serve(target, ServeOptions(host, port, log_format, workers, watch, force_polling), settings)


@app.command()
def ingest(
    folder: options.Folder,
    db: options.Database = None,
    base_url: options.BaseUrl = None,
    iframe_hosts: options.IframeHosts = None,
    ingest_workers: options.IngestWorkers = None,
    rebuild: options.Rebuild = False,
    watch: options.IngestWatch = False,
    force_polling: options.ForcePolling = False,
    log_format: options.LogFormatOption = LogFormat.TEXT,
    until_eof: options.UntilEof = False,
) -> None:
    """Ingest the changed files of FOLDER, then exit; with --watch, ingest every further change."""
    from gqlnews.cli.commands import run_ingest
    from gqlnews.cli.content_options import build_target

    target = build_target(
        folder, db, base_url, iframe_hosts, ingest_workers, allow_missing=watch and until_eof
    )
    if not watch:
        run_ingest(target, rebuild=rebuild)
        return
    from gqlnews.cli.serve import run_watch

    run_watch(
        target, rebuild=rebuild, force_polling=force_polling, until_eof=until_eof, log_format=log_format
    )


@app.command()
def check(
    folder: options.Folder,
    format: options.CheckFormatOption = options.CheckFormat.TEXT,
    base_url: options.BaseUrl = None,
    iframe_hosts: options.IframeHosts = None,
    ingest_workers: options.IngestWorkers = None,
) -> None:
    """Print the problems of the files in FOLDER; exit with 1 if there is an error."""
    from gqlnews.cli.commands import run_check
    from gqlnews.cli.content_options import build_target

    is_clean = run_check(build_target(folder, None, base_url, iframe_hosts, ingest_workers), format)
    raise typer.Exit(0 if is_clean else 1)


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
    """Write a synthetic content folder with realistic articles and links."""
    from gqlnews.cli.commands import run_sample

    run_sample(folder, articles, seed)
