"""`gqlnews serve` with the URL of a PostgreSQL database: serve what an ingester publishes there.

With FOLDER, a child process `gqlnews ingest FOLDER --watch` takes part in the election of the ingester. The
URL is in its environment, as it may contain a password.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from socket import socket

from gqlnews.cli.banner import Banner
from gqlnews.cli.content_options import IngestTarget, content_arguments
from gqlnews.cli.ready_file import WriteReady, ready_members
from gqlnews.cli.run_server import run_server
from gqlnews.cli.serve import ServeOptions, open_listener, print_banner, run_workers
from gqlnews.cli.supervisor import SupervisedProcess
from gqlnews.config.settings import ServerSettings
from gqlnews.config.sources import environment_without_settings
from gqlnews.config.values import PostgresUrl
from gqlnews.content.models import ContentProblem, ProblemSeverity
from gqlnews.database.postgresql.read_summary import StoreSummary, read_summary
from gqlnews.errors import CommandError, UnknownDatabaseError
from gqlnews.server.observability import logs
from gqlnews.server.uvicorn.run import base_url, is_loopback

CONTENT_INTERVAL = 0.2
"""Seconds between two checks whether the ingester has published content."""

VARIABLE = "GQLNEWS_DB"


def run_serve_postgres(target: IngestTarget | None, options: ServeOptions, settings: ServerSettings) -> None:
    """Serve until a signal; with `target`, also ingest. Raises CommandError if the server cannot start."""
    with open_listener(options) as (listener, write_ready):
        _serve(listener, target, options, settings, write_ready)


def _serve(
    listener: socket,
    target: IngestTarget | None,
    options: ServeOptions,
    settings: ServerSettings,
    write_ready: WriteReady,
) -> None:
    url = settings.postgres
    assert url is not None, "the database is a PostgreSQL database"
    if options.reader is None:
        settings = replace(settings, reader=is_loopback(listener))
    stored = _try_to_read(url, must_exist=target is None)
    with _ingester(target, url, options, has_content=stored is not None):
        summary = stored or _wait_for_content(url)
        folder = None if target is None else target.folder
        address = base_url(listener)
        problems = [
            ContentProblem(path, line, column, ProblemSeverity(severity), code, message)
            for path, line, column, severity, code, message in summary.problems
        ]

        def on_ready(articles: int) -> None:
            write_ready(ready_members(address, folder, articles, settings, problems))
            is_watched = summary.statistics.has_ingester or (target is not None and options.watch)
            banner = Banner(
                settings,
                folder,
                address,
                articles,
                None,
                None,
                summary.schedule,
                is_watched,
                len(problems),
            )
            print_banner(banner, options.log_format)

        if options.workers == 1:
            run_server(listener, settings, on_ready, options.connections)
        else:
            run_workers(listener, options, settings, on_ready)


def _try_to_read(url: PostgresUrl, *, must_exist: bool) -> StoreSummary | None:
    """Return what is published; None if nothing is yet. Raises DatabaseError if it cannot be read."""
    try:
        return read_summary(url)
    except UnknownDatabaseError:
        if must_exist:
            raise
        return None


def _wait_for_content(url: PostgresUrl) -> StoreSummary:
    while (summary := _try_to_read(url, must_exist=False)) is None:
        time.sleep(CONTENT_INTERVAL)
    return summary


@contextmanager
def _ingester(
    target: IngestTarget | None, url: PostgresUrl, options: ServeOptions, *, has_content: bool
) -> Iterator[None]:
    """Ingest the folder during the block; without `watch`, once before it."""
    if target is None:
        yield
        return
    if not options.watch:
        _ingest_once(target, url, options, has_content=has_content)
        yield
        return
    ingester = SupervisedProcess("ingester", partial(_start_ingester, target, url, options))
    try:
        yield
    finally:
        ingester.stop()


def _ingest_once(target: IngestTarget, url: PostgresUrl, options: ServeOptions, *, has_content: bool) -> None:
    """Ingest and publish. Raises CommandError if that fails, and nothing was published before."""
    done = subprocess.run(  # noqa: S603 - our own program, run by our own interpreter
        _command(target, options), env=_environment(url), stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode and not has_content:
        raise CommandError("the folder could not be ingested: see the message above")
    if done.returncode:
        logs.log.warning("the folder could not be ingested: the server serves what was published before")


def _start_ingester(
    target: IngestTarget, url: PostgresUrl, options: ServeOptions
) -> "subprocess.Popen[bytes]":
    watch = ["--watch", "--until-eof", *(["--force-polling"] if options.force_polling else [])]
    return subprocess.Popen(  # noqa: S603 - our own program, run by our own interpreter
        [*_command(target, options), *watch],
        env=_environment(url),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,  # so that Ctrl-C reaches only the server, which then stops this process
    )


def _command(target: IngestTarget, options: ServeOptions) -> list[str]:
    arguments = content_arguments(target, options.log_format)
    return [sys.executable, "-m", "gqlnews", "ingest", str(target.folder), *arguments]


def _environment(url: PostgresUrl) -> dict[str, str]:
    return {**environment_without_settings(), VARIABLE: url.url}
