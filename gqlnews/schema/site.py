"""The site: version, counts and problems of the served content."""

from enum import Enum
from functools import partial

import strawberry

from gqlnews.query.arguments import read_slice
from gqlnews.query.fields import Many
from gqlnews.schema import fields  # as a module, because Problem has a field called `column`
from gqlnews.schema.fields import argument, column, field
from gqlnews.schema.node import URL, DateTime


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


DEFAULT_PROBLEMS = 100


@strawberry.type(description="Version, counts and problems of the served content.")
class Site:
    id: strawberry.ID = column(
        "node_id", description="Opaque ID, for client caches. `node` does not resolve it."
    )
    title: str | None = column("title", description="Title of the site, as its configuration says.")
    url: URL | None = column("url", description="Base URL of the site, as its configuration says.")
    language: str | None = column(
        "language", description="Language of the site in lower-case BCP 47, as its configuration says."
    )
    version: str = column(
        "version",
        description=(
            "Version of the content, which changes if and only if something that this caller may see "
            "changes. Used in `since` and for caching."
        ),
    )
    article_count: int = column("article_count", description="Number of articles that the caller may see.")
    provider_count: int = column("provider_count", description="Number of providers that the caller may see.")
    topic_count: int = column("topic_count", description="Number of topics that the caller may see.")
    first_published: DateTime | None = column(
        "first_published", description="Publication date of the oldest article."
    )
    last_published: DateTime | None = column(
        "last_published", description="Publication date of the newest article."
    )
    ingested_at: DateTime | None = column(
        "ingested_at", description="When the last change was ingested, rounded down to milliseconds."
    )
    problems: list[Problem] = field(
        Many(arguments=partial(read_slice, default=DEFAULT_PROBLEMS)),
        argument("first", int | None, DEFAULT_PROBLEMS, "Maximum number of problems to return."),
        description="Problems in the content files. Editors only: empty for other callers.",
    )
