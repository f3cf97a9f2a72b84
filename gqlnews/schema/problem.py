"""Problems: what is wrong with the content files."""

from enum import Enum

import strawberry

from gqlnews.schema import fields  # not its names: `column` is a field of Problem


@strawberry.enum(description="How bad a problem is.")
class Severity(Enum):
    ERROR = strawberry.enum_value(
        "ERROR", description="The file is not served; the version of it served before stays."
    )
    WARNING = strawberry.enum_value(
        "WARNING",
        description="The file is served; something in it looks wrong, or was repaired or left out.",
    )


@strawberry.type(description="What is wrong with one file, and where.")
class Problem:
    path: str = fields.column("path", description="The file, below the content folder.")
    line: int | None = fields.column("line", description="1-based; null where it is the whole file.")
    column: int | None = fields.column("column_", description="1-based, in characters.")
    severity: Severity = fields.column("severity", description="Whether the file is served all the same.")
    code: str = fields.column(
        "code", description="A stable, documented word, e.g. `missing-key`, `bad-date`, `duplicate-url`."
    )
    message: str = fields.column("message", description="What is wrong, and what to do about it.")
