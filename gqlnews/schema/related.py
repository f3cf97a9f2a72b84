"""Related coverage: what an editor listed beside an article."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.plan.declare import Difference, Differences, Match, One
from gqlnews.schema.coverage import Coverage
from gqlnews.schema.entities import ARTICLE
from gqlnews.schema.fields import column, declared

if TYPE_CHECKING:
    from gqlnews.schema.article import Article


DRIFT = Differences(
    ARTICLE,
    Match("id", parent="target_id"),
    (
        Difference("title", "title", "title"),
        Difference("excerpt", "excerpt", "excerpt"),
        Difference("publishedDateTime", "published_at", "published_date_time"),
        Difference("quality", "quality", "quality"),
    ),
)


@strawberry.type(description="Where a summary no longer says what the article behind it says.")
class Drift:
    field: str = column("field", description="The field's name in this schema.")
    listed: str | None = column("listed", description="What the summary says.")
    stored: str | None = column("stored", description="What the article says.")


@strawberry.type(
    description="One entry of an article's related coverage: the summary as it was when its editor listed it."
)
class Related(Coverage):
    position: int = column("position", description="0-based place in the list.")
    article: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] | None = declared(
        One(Match("id", parent="target_id")),
        description=(
            "The stored article behind `url`, where there is one that the caller may see: from here a query "
            "goes on, as deep as the limits let it."
        ),
    )
    drift: list[Drift] = declared(
        DRIFT,
        description=(
            "Where the summary no longer says what `article` says: title, excerpt, publishedDateTime, "
            "quality. Empty where `article` is null."
        ),
    )
