"""The commands that run once: `gqlnews ingest`, `check` and `sample`."""

import sqlite3
from collections import Counter
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.formatters import FORMATTERS, progress
from gqlnews.cli.options import CheckFormat
from gqlnews.cli.supervisor import exit_on_signal, make_interruptible
from gqlnews.content.models import ContentProblem, ProblemSeverity
from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.damage import (
    check_pages,
    delete_report,
    get_identity,
    record_identity,
    translate_errors,
    write_report,
)
from gqlnews.database.sqlite.rebuild import hold_swap_lock, rebuild
from gqlnews.database.sqlite.writer import BUSY_TIMEOUT, open_writer
from gqlnews.errors import (
    ContentFolderError,
    DamagedDatabaseError,
    ExhaustedError,
    LockedDatabaseError,
    ParserProcessError,
    StorageError,
)
from gqlnews.ingest.links import read_problems
from gqlnews.ingest.pipeline import IngestReport, ingest
from gqlnews.sample import write_sample

# `gqlnews ingest`: ingest what changed, and print the counts.

TRANSIENT_ERRORS = (ExhaustedError, ContentFolderError, LockedDatabaseError, ParserProcessError, StorageError)
"""Transient errors. A server and `ingest --watch` retry after these."""

ROLLED_BACK = "this run was rolled back, the database is unchanged"


def run_ingest(target: IngestTarget, *, rebuild: bool = False) -> None:
    """Ingest what changed, or rebuild the store, and print a line of counts. Raises StartupError."""
    with exit_on_signal(ROLLED_BACK):
        typer.echo(format_report(rebuild_store(target) if rebuild else ingest_folder(target)))


def ingest_folder(target: IngestTarget, wait: float = BUSY_TIMEOUT) -> IngestReport:
    """Ingest what changed. Raises StartupError; damage is also reported to the other processes.

    `wait` is the busy timeout in seconds, during which SQLite ignores signals.
    """
    identity = get_identity(target.database)
    try:
        with hold_swap_lock(target.database), closing(open_writer(target.database, busy_timeout=wait)) as db:
            make_interruptible(db)
            with translate_errors(target.database):
                check_pages(db, target.database)
            record_identity(target.database)
            done = ingest_with_progress(target, db)
            delete_report(target.database)
            return done
    except DamagedDatabaseError as error:
        write_report(target.database, identity, error)
        raise


def rebuild_store(target: IngestTarget) -> IngestReport:
    """Rebuild the store from all files and swap it in. Raises StartupError, also if the file is not ours."""
    with suppress(DamagedDatabaseError):
        if target.database.exists():
            connect_to_read(target.database).close()
    report = rebuild(target.database, partial(ingest_with_progress, target))
    assert report is not None, "an unconditional rebuild always returns a report"
    record_identity(target.database)
    return report


def ingest_with_progress(target: IngestTarget, db: sqlite3.Connection) -> IngestReport:
    """Ingest the folder, with a progress bar on a terminal."""
    make_interruptible(db)
    with progress("Reading articles") as on_progress:
        return ingest(db, target.folder, target.options, processes=target.processes, progress=on_progress)


def format_report(write_report: IngestReport) -> str:
    """Format the report: `3 added, 1 changed, 0 removed, 8 unchanged, 2 problems; 0.41 s`."""
    return (
        f"{write_report.added} added, {write_report.changed} changed, {write_report.removed} removed, "
        f"{write_report.unchanged} unchanged, {write_report.problems} problems; {write_report.seconds:.2f} s"
    )


# `gqlnews check`: print the problems of the files, and change nothing.


def run_check(target: IngestTarget, format: CheckFormat) -> bool:
    """Print every problem, and the totals on standard error; return whether there are no errors."""
    with exit_on_signal("nothing was checked"):
        problems = _collect_problems(target)
    typer.echo(FORMATTERS[format](target.folder, problems), nl=False)
    counts = Counter(problem.severity for problem in problems)
    errors, warnings = counts[ProblemSeverity.ERROR], counts[ProblemSeverity.WARNING]
    typer.echo(f"{_count(errors, 'error')}, {_count(warnings, 'warning')} in {target.folder}", err=True)
    return errors == 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _collect_problems(target: IngestTarget) -> list[ContentProblem]:
    """Ingest the folder into a temporary database and return its problems."""
    with TemporaryDirectory(prefix="gqlnews-check-") as folder:
        temporary = target.with_database(Path(folder) / "check.db")
        ingest_folder(temporary)
        with closing(open_writer(temporary.database)) as db:
            return read_problems(db)


# `gqlnews sample`: write a synthetic content folder.


def run_sample(folder: Path, articles: int, seed: int) -> None:
    """Write the folder, and print a line of counts. Raises StartupError."""
    with exit_on_signal(f"{folder} holds a part of the sample"), progress("Writing articles") as on_progress:
        written = write_sample(folder, articles, seed, on_progress)
    typer.echo(
        f"{written.articles} articles in {folder}, {written.published} of them published; "
        f"{written.related} related entries, {written.size / 1e6:.1f} MB"
    )
