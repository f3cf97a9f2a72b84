"""Check the documents of files that a test writes."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from gqlnews.config.settings import DEFAULT_LIMITS, Limits
from gqlnews.operations.check import OperationsReport, check_folder
from gqlnews.schema.query import NewsSchema, build_schema


@cache
def schema() -> NewsSchema:
    return build_schema()


def check_files(
    folder: Path, files: Mapping[str, str | bytes], limits: Limits = DEFAULT_LIMITS
) -> OperationsReport:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return check_folder(folder, schema(), limits)


def found(report: OperationsReport) -> list[str]:
    """Return the findings as `path:line:column code`."""
    return [f"{finding.place} {finding.code}" for finding in report.findings]


def messages(report: OperationsReport) -> list[str]:
    return [finding.message for finding in report.findings]


def gql(document: str) -> str:
    """Return a script with one document."""
    return f"export const query = gql`{document}`;\n"
