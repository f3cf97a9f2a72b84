"""Report that the store is not being updated: a small file beside the database, which servers look for.

Whatever ingests writes it when an ingest fails, and deletes it when one succeeds. The servers continue to
serve the content of the last ingest.
"""

import os
from contextlib import suppress
from pathlib import Path


def failure_path(database: Path) -> Path:
    """Path of the report: `news.db-ingest-failed` for `news.db`."""
    return database.with_name(f"{database.name}-ingest-failed")


def report_failure(database: Path, reason: str) -> None:
    """Report that the ingest fails. On a full disk, the file is empty."""
    with suppress(OSError):  # the caller logs the reason too
        failure_path(database).write_text(f"{reason}\n", "utf-8", errors="backslashreplace")


def clear_failure(database: Path) -> None:
    """Delete the report, because an ingest has succeeded."""
    with suppress(OSError):
        failure_path(database).unlink(missing_ok=True)


def is_ingest_failing(database: Path) -> bool:
    """Return whether an ingest has failed, and none has succeeded since."""
    return os.path.exists(failure_path(database))  # False too if that is unknown
