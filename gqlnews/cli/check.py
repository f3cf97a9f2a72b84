"""`gqlnews check`: print the problems of the files, and change nothing."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.formatters import PRINTERS
from gqlnews.cli.ingest import ingest_folder
from gqlnews.cli.options import CheckFormat
from gqlnews.cli.signals import exit_on_signal
from gqlnews.content.models import Problem, Severity
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.problems import read_problems


def run_check(source: IngestTarget, format: CheckFormat) -> bool:
    """Print every problem, and the totals on standard error; return whether there are no errors."""
    with exit_on_signal("nothing was checked"):
        problems = _find(source)
    typer.echo(PRINTERS[format](source.folder, problems), nl=False)
    found = Counter(problem.severity for problem in problems)
    errors, warnings = found[Severity.ERROR], found[Severity.WARNING]
    typer.echo(f"{_count(errors, 'error')}, {_count(warnings, 'warning')} in {source.folder}", err=True)
    return errors == 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _find(source: IngestTarget) -> list[Problem]:
    """Ingest the folder into a temporary database and return its problems."""
    with TemporaryDirectory(prefix="gqlnews-check-") as place:
        fresh = source.with_database(Path(place) / "check.db")
        ingest_folder(fresh)
        with closing(open_writer(fresh.database)) as db:
            return read_problems(db)
