"""The commands that run once: `gqlnews ingest`, `check` and `sample`."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.formatters import FORMATTERS, format_collapsed, format_count, printable, progress
from gqlnews.cli.supervisor import exit_on_signal, make_interruptible
from gqlnews.config.values import CheckFormat
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
from gqlnews.database.sqlite.ingest_failure import clear_failure
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
from gqlnews.ingest.site_summary import FolderSummary, summarize_folder
from gqlnews.sample import write_sample

# `gqlnews ingest`: ingest what changed, and print the counts.

TRANSIENT_ERRORS = (ExhaustedError, ContentFolderError, LockedDatabaseError, ParserProcessError, StorageError)
"""Errors after which `gqlnews serve` and `gqlnews ingest --watch` retry."""

ROLLED_BACK = "this run was rolled back, the database is unchanged"


def run_ingest(target: IngestTarget, *, rebuild: bool = False) -> None:
    """Ingest what changed, or rebuild the store, and print the counts on one line. Raises CommandError."""
    with exit_on_signal(ROLLED_BACK):
        report = rebuild_store(target) if rebuild else ingest_folder(target)
        for line in read_summary(target).lines():
            typer.echo(line)
        if report.next_due is not None:
            typer.echo(f"next due {report.next_due}Z: an article appears or expires")
        typer.echo(format_report(report))


def ingest_folder(target: IngestTarget, busy_timeout: float = BUSY_TIMEOUT) -> IngestReport:
    """Ingest what changed. Raises CommandError; damage is also reported to the other processes.

    `busy_timeout` is in seconds. While SQLite waits for a lock, the process does not react to signals.
    """
    identity = get_identity(target.database)
    try:
        with (
            hold_swap_lock(target.database),
            closing(open_writer(target.database, busy_timeout=busy_timeout)) as db,
        ):
            make_interruptible(db)
            with translate_errors(target.database):
                check_pages(db, target.database)
            record_identity(target.database)
            report = ingest_with_progress(target, db)
            delete_report(target.database)
            clear_failure(target.database)
            return report
    except DamagedDatabaseError as error:
        write_report(target.database, identity, error)
        raise


def rebuild_store(target: IngestTarget) -> IngestReport:
    """Rebuild the store from all files, and replace the old one.

    Raises CommandError, also if the existing file is not a gqlnews database.
    """
    with suppress(DamagedDatabaseError):
        if target.database.exists():
            connect_to_read(target.database).close()
    report = rebuild(target.database, partial(ingest_with_progress, target))
    assert report is not None, "an unconditional rebuild always returns a report"
    record_identity(target.database)
    clear_failure(target.database)
    return report


def ingest_with_progress(target: IngestTarget, db: sqlite3.Connection) -> IngestReport:
    """Ingest the folder, with a progress bar on a terminal."""
    make_interruptible(db)
    with progress("Reading articles") if target.shows_progress else nullcontext() as on_progress:
        return ingest(db, target.folder, target.options, processes=target.processes, progress=on_progress)


def read_summary(target: IngestTarget) -> FolderSummary:
    """Return what the last ingest found. Raises CommandError."""
    with translate_errors(target.database), closing(connect_to_read(target.database)) as db:
        db.text_factory = str  # for the server, it is bytes
        return summarize_folder(db, target.folder)


def format_report(report: IngestReport) -> str:
    """Format the report: `3 added, 1 changed, 0 removed, 8 unchanged, 2 problems; 0.41 s`."""
    return (
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {report.problems} problems; {report.seconds:.2f} s"
    )


# `gqlnews check`: print the problems of the files without changing the store.


def run_check(target: IngestTarget, format: CheckFormat, *, verbose: bool = False) -> bool:
    """Print the problems, and the totals on standard error; return True if no problem is an error.

    As text, equal problems are one line unless `verbose`, which also names the files that are passed over.
    """
    with exit_on_signal("nothing was checked"):
        problems, summary = _collect_problems(target)
    if format is CheckFormat.TEXT and not verbose:
        typer.echo(format_collapsed(target.folder, problems), nl=False)
    else:
        typer.echo(FORMATTERS[format](target.folder, problems), nl=False)
    for line in (
        *summary.lines(),
        *_passed_over(target.folder, summary, verbose=verbose),
        *_totals(problems),
    ):
        typer.echo(line, err=True)
    counts = Counter(problem.severity for problem in problems)
    errors, warnings = counts[ProblemSeverity.ERROR], counts[ProblemSeverity.WARNING]
    typer.echo(
        f"{format_count(errors, 'error')}, {format_count(warnings, 'warning')} in {target.folder}", err=True
    )
    return errors == 0


def _passed_over(folder: Path, summary: FolderSummary, *, verbose: bool) -> list[str]:
    paths = [path for site in summary.sites for path in site.passed_over] if verbose else []
    return [f"passed over: {printable(str(folder / path))}" for path in paths]


def _totals(problems: Sequence[ContentProblem]) -> list[str]:
    """Return a line for each code, the most frequent first, if there are several problems."""
    counts = Counter(problem.code for problem in problems)
    return [f"{number:7,} {code}" for code, number in counts.most_common()] if len(problems) > 1 else []


def _collect_problems(target: IngestTarget) -> tuple[list[ContentProblem], FolderSummary]:
    """Ingest the folder into a temporary database and return its problems, and what was found."""
    with TemporaryDirectory(prefix="gqlnews-check-") as folder:
        temporary = target.with_database(Path(folder) / "check.db")
        ingest_folder(temporary)
        with closing(open_writer(temporary.database)) as db:
            return read_problems(db), summarize_folder(db, target.folder)


# `gqlnews sample`: write a synthetic content folder.


def run_sample(folder: Path, articles: int, seed: int) -> None:
    """Write the folder, and print the counts on one line. Raises CommandError."""
    consequence = f"the sample in {folder} is incomplete"
    with exit_on_signal(consequence), progress("Writing articles") as on_progress:
        report = write_sample(folder, articles, seed, on_progress)
    typer.echo(
        f"{report.articles} articles in {folder}, {report.published} of them published; "
        f"{report.related} related entries, {report.size / 1e6:.1f} MB"
    )
