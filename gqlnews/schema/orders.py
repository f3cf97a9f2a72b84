"""Orders: what `orderBy` and `collapse` take, and the columns behind."""

from enum import Enum

import strawberry

from gqlnews.plan.declare import Alike, OrderTerm
from gqlnews.plan.lists import BELOW
from gqlnews.schema.entities import STORY_OF_ARTICLE


@strawberry.enum(description="Where those without a value stand.")
class NullsOrder(Enum):
    FIRST = strawberry.enum_value("FIRST", description="Before all others, in either direction.")
    LAST = strawberry.enum_value("LAST", description="After all others, in either direction.")


@strawberry.enum(description="What articles can be ordered by.")
class ArticleOrderField(Enum):
    PUBLISHED_DATE_TIME = strawberry.enum_value("PUBLISHED_DATE_TIME", description="When it was published.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="When its file changed.")
    QUALITY = strawberry.enum_value("QUALITY", description="Its quality.")
    HEAT = strawberry.enum_value("HEAT", description="Its heat.")
    TITLE = strawberry.enum_value("TITLE", description="Its headline, by code point.")


@strawberry.enum(description="Which way an order goes.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Least first.")
    DESC = strawberry.enum_value("DESC", description="Greatest first.")


@strawberry.input(
    description=(
        "The first key decides, the next breaks its ties, and `slug` ascending the last ones, so the order "
        "is total."
    )
)
class ArticleOrder:
    field: ArticleOrderField = strawberry.field(description="The key.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="Which way it goes."
    )
    nulls: NullsOrder = strawberry.field(
        default=NullsOrder.LAST, description="Where those without a value stand."
    )


@strawberry.enum(description="Of several articles alike, keep the one that the order puts first.")
class Collapse(Enum):
    URL = strawberry.enum_value("URL", description="Those whose `url` is the same.")
    STORY = strawberry.enum_value("STORY", description="Those of one story.")


@strawberry.enum(description="How stories are ordered.")
class StoryOrder(Enum):
    LATEST = strawberry.enum_value("LATEST", description="Newest `lastPublished` first.")
    SIZE = strawberry.enum_value("SIZE", description="Most articles first.")


ARTICLE_ORDERS = {
    "PUBLISHED_DATE_TIME": OrderTerm("published_at"),
    "UPDATED_AT": OrderTerm("updated_key"),
    "QUALITY": OrderTerm("quality", missing=BELOW, number=True),
    "HEAT": OrderTerm("heat", missing=BELOW, number=True),
    "TITLE": OrderTerm("title"),
}
ARTICLES_ALIKE = {"URL": Alike(column="url"), "STORY": Alike(through=STORY_OF_ARTICLE)}
