"""The site: version, counts and problems of the served content."""

import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments, read_slice
from gqlnews.query.fields import Many
from gqlnews.schema.fields import argument, column, declared
from gqlnews.schema.problem import Problem
from gqlnews.schema.scalars import DateTime

MAX_PROBLEMS = 100


def problem_arguments(arguments: Arguments) -> ResolvedArguments:
    return read_slice(arguments, default=MAX_PROBLEMS)


@strawberry.type(description="Version, counts and problems of the served content.")
class Site:
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
    ingested_at: DateTime | None = column("ingested_at", description="When the last change was ingested.")
    problems: list[Problem] = declared(
        Many(arguments=problem_arguments),
        argument("first", int | None, MAX_PROBLEMS, "Maximum number of problems to return."),
        description="Problems in the content files. Editors only: empty for other callers.",
    )
