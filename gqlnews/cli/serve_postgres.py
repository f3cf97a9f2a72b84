"""`gqlnews serve` with the URL of a PostgreSQL database: serve what an ingester publishes there.

With FOLDER, a child process `gqlnews ingest FOLDER --watch` takes part in the election of the ingester. The
URL is in its environment, as it may contain a password.
"""

import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from gqlnews.cli.banner import Banner
from gqlnews.cli.content_options import IngestTarget, content_arguments
from gqlnews.cli.ready_file import ready_members
from gqlnews.cli.serve import ServeOptions, open_listener, print_banner, run_servers
from gqlnews.cli.supervisor import SupervisedProcess
from gqlnews.cli.watch import start_child
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
    url = settings.postgres
    assert url is not None, "the database is a PostgreSQL database"
    with ExitStack() as stack:
        listener, write_ready = stack.enter_context(open_listener(options))
        if options.reader is None:
            settings = replace(settings, reader=is_loopback(listener))
        stored = _try_to_read(url, must_exist=target is None)
        if target is not None and options.watch:
            ingester = SupervisedProcess("ingester", partial(_start_ingester, target, url, options))
            stack.callback(ingester.stop)
        elif target is not None:
            _ingest_once(target, url, options, has_content=stored is not None)
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
            found = len(problems)
            banner = Banner(settings, folder, address, articles, found, None, summary.schedule, is_watched)
            print_banner(banner, options.log_format)

        run_servers(listener, options, settings, on_ready)


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


def _ingest_once(target: IngestTarget, url: PostgresUrl, options: ServeOptions, *, has_content: bool) -> None:
    """Ingest and publish. Raises CommandError if that fails, and nothing was published before."""
    done = subprocess.run(  # noqa: S603 - our own program, run by our own interpreter
        [sys.executable, "-m", "gqlnews", *_command(target, options)],
        env=_environment(url),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode and not has_content:
        raise CommandError("the folder could not be ingested: see the message above")
    if done.returncode:
        logs.log.warning("the folder could not be ingested: the server serves what was published before")


def _start_ingester(
    target: IngestTarget, url: PostgresUrl, options: ServeOptions
) -> "subprocess.Popen[bytes]":
    watch = ["--watch", "--until-eof", *(["--force-polling"] if options.force_polling else [])]
    return start_child([*_command(target, options), *watch], _environment(url))


def _command(target: IngestTarget, options: ServeOptions) -> list[str]:
    return ["ingest", str(target.folder), *content_arguments(target, options.log_format)]


def _environment(url: PostgresUrl) -> dict[str, str]:
    return {**environment_without_settings(), VARIABLE: url.url}
