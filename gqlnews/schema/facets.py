"""Facets: how what matches splits up."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.types.arguments import StrawberryArgument

from gqlnews.plan.arguments import Arguments, Inputs, read_slice
from gqlnews.plan.declare import Groups, Intervals, Junction, Match, One, Seen, Statistics
from gqlnews.schema.fields import argument, column, declared
from gqlnews.schema.scalars import DateTime

if TYPE_CHECKING:
    from gqlnews.schema.provider import Provider
    from gqlnews.schema.topic import Topic

MOST_GROUPS = 10  # unless `first` says otherwise
TOPICS_OF_ARTICLE = Junction("article_topic", near="article_id", far="topic", seen=Seen.PUBLISHED)


def group_arguments(arguments: Arguments) -> Inputs:
    return Inputs(values={"limit": read_slice(arguments, default=MOST_GROUPS).values["end"]})


def interval_arguments(arguments: Arguments) -> Inputs:
    return Inputs(shape=arguments["by"].name)


@strawberry.enum(description="Intervals of the calendar, in UTC.")
class Interval(Enum):
    DAY = strawberry.enum_value("DAY", description="From 00:00.")
    WEEK = strawberry.enum_value("WEEK", description="From Monday 00:00.")
    MONTH = strawberry.enum_value("MONTH", description="From the first day, 00:00.")
    YEAR = strawberry.enum_value("YEAR", description="From the first of January, 00:00.")


@strawberry.type(description="A topic, and how many have it.")
class TopicCount:
    topic: Annotated["Topic", strawberry.lazy("gqlnews.schema.topic")] = declared(
        One(Match("slug", parent="key")), description="The topic."
    )
    count: int = column("count", description="How many have it.")


@strawberry.type(description="A provider, and how many are by it.")
class ProviderCount:
    provider: Annotated["Provider", strawberry.lazy("gqlnews.schema.provider")] = declared(
        One(Match("domain", parent="key")), description="The provider."
    )
    count: int = column("count", description="How many are by it.")


@strawberry.type(description="A value, and how many have it.")
class ValueCount:
    value: str = column("key", description="The value.")
    count: int = column("count", description="How many have it.")


@strawberry.type(description="An interval, and how many fall into it.")
class IntervalCount:
    start: DateTime = column("start", description="The interval's first instant.")
    count: int = column("count", description="How many fall into it.")


@strawberry.type(description="Over those that have a value; all null where none has.")
class IntStats:
    min: int | None = column("min", description="The least.")
    max: int | None = column("max", description="The greatest.")
    average: float | None = column("average", description="The arithmetic mean.")


def most() -> StrawberryArgument:
    return argument("first", int | None, MOST_GROUPS, "How many at most, most first.")


@strawberry.type(description="How what matches splits up, whatever the page.")
class ArticleFacets:
    topics: list[TopicCount] = declared(
        Groups("topic", items=TOPICS_OF_ARTICLE, arguments=group_arguments),
        most(),
        description="By topic, most first.",
    )
    providers: list[ProviderCount] = declared(
        Groups("provider_domain", arguments=group_arguments), most(), description="By provider, most first."
    )
    types: list[ValueCount] = declared(Groups("type"), description="By type, most first.")
    categories: list[ValueCount] = declared(
        Groups("category"), description="By category, most first; those without one are in none."
    )
    published: list[IntervalCount] = declared(
        Intervals("published_at", arguments=interval_arguments),
        argument("by", Interval, Interval.MONTH, "How long the intervals are."),
        description="Oldest first; empty intervals in between are there, with 0.",
    )
    quality: IntStats = declared(Statistics("quality"), description="Quality.")
    heat: IntStats = declared(Statistics("heat"), description="Heat.")
