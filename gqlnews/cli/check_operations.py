"""`gqlnews check --operations`: check a front end's GraphQL documents against the schema and the limits."""

from pathlib import Path

import typer

from gqlnews.cli.formatters import FORMATTERS, format_count, printable
from gqlnews.cli.read_fields import read_fields
from gqlnews.cli.supervisor import exit_on_signal
from gqlnews.config.settings import EffectiveSettings, Limits
from gqlnews.content.models import ContentProblem, ProblemSeverity
from gqlnews.errors import SettingsError
from gqlnews.operations.check import OperationsReport, check_folder
from gqlnews.operations.findings import Finding
from gqlnews.schema.query import build_schema


def run_check_operations(settings: EffectiveSettings) -> bool:
    """Print the findings, and the counts on standard error; return True if there is no finding.

    The schema has the fields of `--config` or else of the content folder's configuration; the articles are
    not read. Raises CommandError, also if the folder contains no document.
    """
    folder: Path = settings["operations"]
    with exit_on_signal("nothing was checked"):
        schema = build_schema(read_fields(settings["content_config"], settings["folder"]))
        report = check_folder(folder, schema, settings.group(Limits))
    if not (report.operations or report.fragments or report.findings):
        raise SettingsError(
            f"--operations {folder} contains no GraphQL documents: pass the folder that contains the front "
            "end's sources"
        )
    problems = [_to_problem(finding) for finding in report.findings]
    typer.echo(FORMATTERS[settings["format"]](folder, problems), nl=False)
    for path in report.passed_over if settings["verbose"] else ():
        typer.echo(f"passed over: {printable(str(folder / path))}", err=True)
    typer.echo(_summary(report, folder), err=True)
    return not report.findings


def _to_problem(finding: Finding) -> ContentProblem:
    """Convert a finding for the formatters, which omit the unknown part of a place."""
    path, line, column = finding.place.path, finding.place.line or None, finding.place.column or None
    return ContentProblem(path, line, column, ProblemSeverity.ERROR, finding.code, finding.message)


def _summary(report: OperationsReport, folder: Path) -> str:
    """Return `12 operations, 30 fragments in 25 files of web/src: 2 errors`."""
    operations = format_count(report.operations, "operation")
    fragments = format_count(report.fragments, "fragment")
    files, errors = format_count(report.files, "file"), format_count(len(report.findings), "error")
    return f"{operations}, {fragments} in {files} of {folder}: {errors}"
