"""Problems found in the content files."""

from enum import Enum

import strawberry

from gqlnews.schema import fields  # not its names: `column` is a field of Problem


@strawberry.enum(description="Severity of a problem.")
class Severity(Enum):
    ERROR = strawberry.enum_value(
        "ERROR",
        description=(
            "The file is not served. If an earlier version was ingested, that version stays available."
        ),
    )
    WARNING = strawberry.enum_value(
        "WARNING",
        description="The file is served, but something in it looks wrong, or was repaired or left out.",
    )


@strawberry.type(description="A problem in a content file, with its position.")
class Problem:
    path: str = fields.column("path", description="Path of the file, relative to the content folder.")
    line: int | None = fields.column(
        "line", description="Line number, starting at 1; null if the problem concerns the whole file."
    )
    column: int | None = fields.column("column_", description="Column in characters, starting at 1.")
    severity: Severity = fields.column(
        "severity", description="Whether the problem prevents the file from being served."
    )
    code: str = fields.column(
        "code",
        description="Stable, documented problem code, e.g. `missing-key`, `bad-date`, `duplicate-url`.",
    )
    message: str = fields.column("message", description="Description of the problem, and how to fix it.")
