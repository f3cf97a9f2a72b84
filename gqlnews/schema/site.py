"""The site: what is being served, and what is wrong with its files."""

import strawberry

from gqlnews.plan.arguments import Arguments, Inputs, read_slice
from gqlnews.plan.declare import Many
from gqlnews.schema.fields import argument, column, declared
from gqlnews.schema.problem import Problem
from gqlnews.schema.scalars import DateTime

MOST_PROBLEMS = 100


def problem_arguments(arguments: Arguments) -> Inputs:
    return read_slice(arguments, default=MOST_PROBLEMS)


@strawberry.type(description="What is being served, and how healthy the content is.")
class Site:
    version: str = column(
        "version",
        description=(
            "Changes when, and only when, something that this caller may see does: what `ETag`s, caches and "
            "`since` speak of."
        ),
    )
    article_count: int = column("article_count", description="Articles that the caller may see.")
    provider_count: int = column("provider_count", description="Providers that exist for the caller.")
    topic_count: int = column("topic_count", description="Topics that exist for the caller.")
    first_published: DateTime | None = column("first_published", description="When the oldest was published.")
    last_published: DateTime | None = column("last_published", description="When the newest was published.")
    ingested_at: DateTime | None = column("ingested_at", description="When the store last took a change in.")
    problems: list[Problem] = declared(
        Many(arguments=problem_arguments),
        argument("first", int | None, MOST_PROBLEMS, "How many at most."),
        description="What is wrong with the content files, for an editor; empty for everyone else.",
    )
