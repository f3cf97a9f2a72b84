"""Typer commands and their error handling: an expected error is one line on standard error and exit code 2.

Only a bug prints a traceback. Each command imports its dependencies when it runs, so that `gqlnews --help` is
fast.
"""

import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, NoReturn, cast

import typer

from gqlnews import __version__
from gqlnews.cli.options import with_options
from gqlnews.config.settings import EffectiveSettings
from gqlnews.config.values import PostgresUrl
from gqlnews.errors import CommandError, SettingsError

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
@with_options
def serve(settings: EffectiveSettings) -> None:
    """Ingest the changed files of FOLDER, serve the content, and ingest every further change."""
    from gqlnews.cli.content_options import build_target, ignored_options
    from gqlnews.cli.serve import ServeOptions, run_serve
    from gqlnews.config.settings import ConnectionSettings
    from gqlnews.config.sources import check_postgres_driver, server_settings

    has_url = isinstance(settings["database"], PostgresUrl)
    if settings["folder"] is None and not has_url:
        raise SettingsError("FOLDER is missing: pass it, or set GQLNEWS_FOLDER")
    target = None if settings["folder"] is None else build_target(settings)
    ignored = ignored_options(settings) if target is None else ()
    options = settings.group(
        ServeOptions,
        warnings=(*settings.warnings, *ignored),
        connections=settings.group(ConnectionSettings),
    )
    if target is None or has_url:
        check_postgres_driver()
        from gqlnews.cli.serve_postgres import run_serve_postgres

        run_serve_postgres(target, options, server_settings(settings))
        return
    run_serve(target, options, server_settings(settings, target.database))


@app.command()
@with_options
def ingest(settings: EffectiveSettings) -> None:
    """Ingest the changed files of FOLDER, then exit; with --watch, ingest every further change."""
    from gqlnews.cli.commands import run_ingest
    from gqlnews.cli.content_options import build_target

    watch, until_eof = settings["watch"], settings["until_eof"]
    if isinstance(url := settings["database"], PostgresUrl):
        from gqlnews.config.sources import check_postgres_driver

        check_postgres_driver()
        from gqlnews.cli.local_store import PublishOptions
        from gqlnews.cli.publish import run_publish

        target = build_target(settings, allow_missing=watch and until_eof)
        run_publish(target, url, settings.group(PublishOptions))
        return
    target = build_target(settings, allow_missing=watch and until_eof)
    if not watch:
        run_ingest(target, rebuild=settings["rebuild"])
        return
    from gqlnews.cli.watch import run_watch

    run_watch(
        target,
        rebuild=settings["rebuild"],
        force_polling=settings["force_polling"],
        until_eof=until_eof,
        log_format=settings["log_format"],
    )


@app.command()
@with_options
def check(settings: EffectiveSettings) -> None:
    """Print the problems of the files in FOLDER; exit with 1 if there is an error.

    With --operations, print those of a front end's GraphQL documents instead.
    """
    if settings["operations"] is not None:
        from gqlnews.cli.check_operations import run_check_operations

        raise typer.Exit(0 if run_check_operations(settings) else 1)
    if settings["folder"] is None:
        raise SettingsError("FOLDER is missing: pass it, or set GQLNEWS_FOLDER")
    from gqlnews.cli.commands import run_check
    from gqlnews.cli.content_options import build_target

    is_clean = run_check(build_target(settings), settings["format"], verbose=settings["verbose"])
    raise typer.Exit(0 if is_clean else 1)


@app.command()
@with_options
def changes(settings: EffectiveSettings) -> None:
    """Print the changes of a database's articles as JSON lines; with --follow, also every further one."""
    from gqlnews.cli.changes import ChangesOptions, run_changes

    if isinstance(settings["database"], PostgresUrl):
        from gqlnews.config.sources import check_postgres_driver

        check_postgres_driver()
    run_changes(settings.group(ChangesOptions))


@app.command()
@with_options
def config(settings: EffectiveSettings) -> None:
    """Print the settings that `serve` would have with these options, and where each comes from."""
    from gqlnews.cli.show_config import format_config

    table, warnings = format_config(settings)
    for warning in (*settings.warnings, *warnings):
        typer.echo(f"gqlnews: warning: {warning}", err=True)
    typer.echo(table)


@app.command()
@with_options
def init(settings: EffectiveSettings) -> None:
    """Write a configuration file gqlnews.toml for FOLDER, by looking at its sites and articles."""
    from gqlnews.cli.init_config import run_init

    run_init(settings["folder"], force=settings["force"])


@app.command()
@with_options
def schema(settings: EffectiveSettings) -> None:
    """Print the GraphQL schema (SDL), with the custom fields of --config."""
    from gqlnews.cli.read_fields import read_fields
    from gqlnews.schema.query import sdl

    typer.echo(sdl(read_fields(settings["content_config"])).rstrip("\n"))


@app.command()
@with_options
def sample(settings: EffectiveSettings) -> None:
    """Write a synthetic content folder with realistic articles and links."""
    from gqlnews.cli.commands import run_sample

    run_sample(settings["folder"], settings["articles"], settings["seed"])
