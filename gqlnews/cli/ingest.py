"""`gqlnews ingest`: take in what changed, and say what that was."""

from contextlib import closing

import typer

from gqlnews.cli.progress import progress
from gqlnews.cli.source import Source
from gqlnews.cli.stopping import heed_signals, stoppable
from gqlnews.errors import (
    ExhaustedError,
    FolderError,
    LockedDatabaseError,
    ParserProcessError,
    StorageError,
)
from gqlnews.store.database import open_writer
from gqlnews.store.ingest import IngestReport, ingest

MAY_PASS = (ExhaustedError, FolderError, LockedDatabaseError, ParserProcessError, StorageError)
"""Errors that may pass by themselves. A server and `ingest --watch` try again after these."""

UNDONE = "nothing of this run was kept, the database is as it was before"


def run_ingest(source: Source) -> None:
    """Take in what changed, and print a line of counts. Raises StartupError."""
    with stoppable(UNDONE):
        typer.echo(counts(take_in(source)))


def take_in(source: Source) -> IngestReport:
    """Take in what changed, with a progress bar on a terminal."""
    with closing(open_writer(source.database)) as db, progress("Reading articles") as report:
        heed_signals(db)
        return ingest(db, source.folder, source.options, processes=source.processes, progress=report)


def counts(report: IngestReport) -> str:
    """`3 added, 1 changed, 0 removed, 8 unchanged, 2 problems; 0.41 s`."""
    return (
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {report.problems} problems; {report.seconds:.2f} s"
    )
