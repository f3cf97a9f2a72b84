"""The commands that end by themselves: `gqlnews ingest`, `check` and `sample`."""

import sqlite3
from collections import Counter
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.formatters import PRINTERS, progress
from gqlnews.cli.options import CheckFormat
from gqlnews.cli.supervisor import exit_on_signal, make_interruptible
from gqlnews.content.models import ContentProblem, ProblemSeverity
from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.damage import (
    check_pages,
    clear_report,
    identity_of,
    record_ours,
    report,
    translate_errors,
)
from gqlnews.database.sqlite.rebuild import in_use, rebuild
from gqlnews.database.sqlite.writer import WAIT_SECONDS, open_writer
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


MAY_PASS = (ExhaustedError, ContentFolderError, LockedDatabaseError, ParserProcessError, StorageError)
"""Transient errors. A server and `ingest --watch` retry after these."""

ROLLED_BACK = "this run was rolled back, the database is unchanged"


def run_ingest(source: IngestTarget, *, rebuild: bool = False) -> None:
    """Ingest what changed, or rebuild the store, and print a line of counts. Raises StartupError."""
    with exit_on_signal(ROLLED_BACK):
        typer.echo(format_report(rebuild_store(source) if rebuild else ingest_folder(source)))


def ingest_folder(source: IngestTarget, wait: float = WAIT_SECONDS) -> IngestReport:
    """Ingest what changed. Raises StartupError; damage is also reported to the other processes.

    `wait` is the busy timeout in seconds, during which SQLite ignores signals.
    """
    identity = identity_of(source.database)
    try:
        with in_use(source.database), closing(open_writer(source.database, wait=wait)) as db:
            make_interruptible(db)
            with translate_errors(source.database):
                check_pages(db, source.database)
            record_ours(source.database)
            done = fill(source, db)
            clear_report(source.database)
            return done
    except DamagedDatabaseError as error:
        report(source.database, identity, error)
        raise


def rebuild_store(source: IngestTarget) -> IngestReport:
    """Rebuild the store from all files and swap it in. Raises StartupError, also if the file is not ours."""
    with suppress(DamagedDatabaseError):
        if source.database.exists():
            connect_to_read(source.database).close()
    made = rebuild(source.database, partial(fill, source))
    assert made is not None, "whatever is there is replaced"
    record_ours(source.database)
    return made


def fill(source: IngestTarget, db: sqlite3.Connection) -> IngestReport:
    """Ingest the folder, with a progress bar on a terminal."""
    make_interruptible(db)
    with progress("Reading articles") as on_progress:
        return ingest(db, source.folder, source.options, processes=source.processes, progress=on_progress)


def format_report(report: IngestReport) -> str:
    """Format the report: `3 added, 1 changed, 0 removed, 8 unchanged, 2 problems; 0.41 s`."""
    return (
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {report.problems} problems; {report.seconds:.2f} s"
    )


# `gqlnews check`: print the problems of the files, and change nothing.


def run_check(source: IngestTarget, format: CheckFormat) -> bool:
    """Print every problem, and the totals on standard error; return whether there are no errors."""
    with exit_on_signal("nothing was checked"):
        problems = _find(source)
    typer.echo(PRINTERS[format](source.folder, problems), nl=False)
    found = Counter(problem.severity for problem in problems)
    errors, warnings = found[ProblemSeverity.ERROR], found[ProblemSeverity.WARNING]
    typer.echo(f"{_count(errors, 'error')}, {_count(warnings, 'warning')} in {source.folder}", err=True)
    return errors == 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _find(source: IngestTarget) -> list[ContentProblem]:
    """Ingest the folder into a temporary database and return its problems."""
    with TemporaryDirectory(prefix="gqlnews-check-") as place:
        fresh = source.with_database(Path(place) / "check.db")
        ingest_folder(fresh)
        with closing(open_writer(fresh.database)) as db:
            return read_problems(db)


# `gqlnews sample`: write a synthetic content folder.


def run_sample(folder: Path, articles: int, seed: int) -> None:
    """Write the folder, and print a line of counts. Raises StartupError."""
    with exit_on_signal(f"{folder} holds a part of the sample"), progress("Writing articles") as report:
        written = write_sample(folder, articles, seed, report)
    typer.echo(
        f"{written.articles} articles in {folder}, {written.published} of them published; "
        f"{written.related} related entries, {written.size / 1e6:.1f} MB"
    )
