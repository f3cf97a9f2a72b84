"""Facets: counts and statistics of the matching articles."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.query.arguments import Arguments, ResolvedArguments, read_slice
from gqlnews.query.entities import JoinTable
from gqlnews.query.fields import HistogramFacet, JoinKey, One, StatsFacet, TermsFacet
from gqlnews.schema.fields import PUBLISHED, argument, column, field
from gqlnews.schema.node import DateTime

if TYPE_CHECKING:
    from gqlnews.schema.author import Author
    from gqlnews.schema.provider import Provider, Topic
    from gqlnews.schema.section import Section

DEFAULT_TERMS = 10
TOPICS_OF_ARTICLE = JoinTable(
    "article_topic", source_key="article_id", target_key="topic", visibility=PUBLISHED
)
AUTHORS_OF_ARTICLE = JoinTable(
    "article_author", source_key="article_id", target_key="author", visibility=PUBLISHED
)


def terms_arguments(arguments: Arguments) -> ResolvedArguments:
    return ResolvedArguments(values={"limit": read_slice(arguments, default=DEFAULT_TERMS).values["end"]})


def interval_arguments(arguments: Arguments) -> ResolvedArguments:
    return ResolvedArguments(shape=arguments["by"].name)


@strawberry.enum(description="Calendar intervals, in UTC.")
class Interval(Enum):
    DAY = strawberry.enum_value("DAY", description="Days, starting at 00:00.")
    WEEK = strawberry.enum_value("WEEK", description="Weeks, starting on Monday at 00:00.")
    MONTH = strawberry.enum_value("MONTH", description="Months, starting on the first day at 00:00.")
    YEAR = strawberry.enum_value("YEAR", description="Years, starting on January 1 at 00:00.")


@strawberry.type(description="A topic and the number of articles about it.")
class TopicCount:
    topic: Annotated["Topic", strawberry.lazy("gqlnews.schema.provider")] = field(
        One(JoinKey("slug", parent="key")), description="The topic."
    )
    count: int = column("count", description="Number of articles about the topic.")


@strawberry.type(description="A provider and the number of its articles.")
class ProviderCount:
    provider: Annotated["Provider", strawberry.lazy("gqlnews.schema.provider")] = field(
        One(JoinKey("domain", parent="key")), description="The provider."
    )
    count: int = column("count", description="Number of articles by the provider.")


@strawberry.type(description="An author and the number of their articles.")
class AuthorCount:
    author: Annotated["Author", strawberry.lazy("gqlnews.schema.author")] = field(
        One(JoinKey("slug", parent="key")), description="The author."
    )
    count: int = column("count", description="Number of articles by the author.")


@strawberry.type(description="A section and the number of articles in it.")
class SectionCount:
    section: Annotated["Section", strawberry.lazy("gqlnews.schema.section")] = field(
        One(JoinKey("path", parent="key")), description="The section."
    )
    count: int = column("count", description="Number of articles in the section, without those below it.")


@strawberry.type(description="A value and the number of articles that have it.")
class ValueCount:
    value: str = column("key", description="The value.")
    count: int = column("count", description="Number of articles with the value.")


@strawberry.type(description="A calendar interval and the number of articles published in it.")
class IntervalCount:
    start: DateTime = column("start", description="Start of the interval, inclusive.")
    count: int = column("count", description="Number of articles published in the interval.")


@strawberry.type(
    description="Statistics over the articles that have a value; all fields are null if none has."
)
class IntStats:
    min: int | None = column("min", description="Lowest value.")
    max: int | None = column("max", description="Highest value.")
    average: float | None = column("average", description="Arithmetic mean.")


FIRST_TERMS = argument("first", int | None, DEFAULT_TERMS, "Maximum number of entries to return.")


@strawberry.type(description="Counts and statistics of all articles in a list, not only of the current page.")
class ArticleFacets:
    topics: list[TopicCount] = field(
        TermsFacet("topic", values_through=TOPICS_OF_ARTICLE, arguments=terms_arguments),
        FIRST_TERMS,
        description="Article counts by topic, highest first.",
    )
    providers: list[ProviderCount] = field(
        TermsFacet("provider_domain", arguments=terms_arguments),
        FIRST_TERMS,
        description="Article counts by provider, highest first. Articles without a provider are not counted.",
    )
    types: list[ValueCount] = field(TermsFacet("type"), description="Article counts by type, highest first.")
    categories: list[ValueCount] = field(
        TermsFacet("category"),
        description="Article counts by category, highest first. Articles without a category are not counted.",
    )
    languages: list[ValueCount] = field(
        TermsFacet("language"),
        description="Article counts by language, highest first. Articles without a language are not counted.",
    )
    authors: list[AuthorCount] = field(
        TermsFacet("author", values_through=AUTHORS_OF_ARTICLE, arguments=terms_arguments),
        FIRST_TERMS,
        description="Article counts by author, highest first.",
    )
    sections: list[SectionCount] = field(
        TermsFacet("section", arguments=terms_arguments),
        FIRST_TERMS,
        description="Article counts by section, highest first. Articles without a section are not counted.",
    )
    published: list[IntervalCount] = field(
        HistogramFacet("published_at", arguments=interval_arguments),
        argument("by", Interval, Interval.MONTH, "Length of the intervals."),
        description=(
            "Article counts by publication date, oldest first. Empty intervals in between have a count of 0."
        ),
    )
    quality: IntStats = field(StatsFacet("quality"), description="Statistics of `quality`.")
    heat: IntStats = field(StatsFacet("heat"), description="Statistics of `heat`.")
