"""Inputs for `orderBy` and `collapse`, and the columns that they refer to."""

from enum import Enum

import strawberry

from gqlnews.query.connection_args import BELOW
from gqlnews.query.fields import CollapseBy, OrderTerm
from gqlnews.schema.tables import STORY_OF_ARTICLE


@strawberry.enum(description="Where items without a value are sorted.")
class NullsOrder(Enum):
    FIRST = strawberry.enum_value("FIRST", description="Before all others, regardless of direction.")
    LAST = strawberry.enum_value("LAST", description="After all others, regardless of direction.")


@strawberry.enum(description="Fields by which articles can be sorted.")
class ArticleOrderField(Enum):
    PUBLISHED_DATE_TIME = strawberry.enum_value("PUBLISHED_DATE_TIME", description="By publication date.")
    UPDATED_AT = strawberry.enum_value(
        "UPDATED_AT", description="By the modification time of the file, `updatedAt`."
    )
    QUALITY = strawberry.enum_value("QUALITY", description="By quality.")
    HEAT = strawberry.enum_value("HEAT", description="By heat.")
    TITLE = strawberry.enum_value("TITLE", description="By title, compared by code point.")


@strawberry.enum(description="Sort direction.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Ascending, lowest first.")
    DESC = strawberry.enum_value("DESC", description="Descending, highest first.")


@strawberry.input(
    description=(
        "A sort key for articles. In a list of keys, each breaks the ties of those before it. Remaining ties "
        "are broken by `slug`, ascending, so the order is total."
    )
)
class ArticleOrder:
    field: ArticleOrderField = strawberry.field(description="The field to sort by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="The sort direction."
    )
    nulls: NullsOrder = strawberry.field(
        default=NullsOrder.LAST, description="Where articles without a value are sorted."
    )


@strawberry.enum(
    description="How duplicates are recognized. Only the first of them in the sort order is returned."
)
class Collapse(Enum):
    URL = strawberry.enum_value("URL", description="Articles with the same `url` are duplicates.")
    STORY = strawberry.enum_value("STORY", description="Articles of the same story are duplicates.")


@strawberry.enum(description="Sort orders for stories.")
class StoryOrder(Enum):
    LATEST = strawberry.enum_value("LATEST", description="By `lastPublished`, newest first.")
    SIZE = strawberry.enum_value("SIZE", description="By number of articles, largest first.")


ARTICLE_ORDERS = {
    "PUBLISHED_DATE_TIME": OrderTerm("published_at"),
    "UPDATED_AT": OrderTerm("updated_key"),
    "QUALITY": OrderTerm("quality", missing=BELOW, number=True),
    "HEAT": OrderTerm("heat", missing=BELOW, number=True),
    "TITLE": OrderTerm("title"),
}
ARTICLES_ALIKE = {"URL": CollapseBy(column="url"), "STORY": CollapseBy(through=STORY_OF_ARTICLE)}
