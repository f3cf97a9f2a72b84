"""Read the problems in the store, for the command line."""

import sqlite3

from gqlnews.content.models import Problem, Severity


def read_problems(db: sqlite3.Connection) -> list[Problem]:
    """Return every problem by path, line (none first), column and code."""
    rows = db.execute(
        "SELECT path, line, column_, severity, code, message FROM problem"
        " ORDER BY path, line, column_, code, message"
    )
    return [
        Problem(path, line, column, Severity(severity), code, message)
        for path, line, column, severity, code, message in rows
    ]
