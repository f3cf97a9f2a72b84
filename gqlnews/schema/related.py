"""Related coverage, as listed by an article's editor."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.query.fields import Difference, Differences, JoinKey, One
from gqlnews.schema.coverage import Coverage
from gqlnews.schema.fields import column, declared
from gqlnews.schema.tables import ARTICLE

if TYPE_CHECKING:
    from gqlnews.schema.article import Article


DRIFT = Differences(
    ARTICLE,
    JoinKey("id", parent="target_id"),
    (
        Difference("title", "title", "title"),
        Difference("excerpt", "excerpt", "excerpt"),
        Difference("publishedDateTime", "published_at", "published_date_time"),
        Difference("quality", "quality", "quality"),
    ),
)


@strawberry.type(description="A difference between a summary in `related` and the article that it links to.")
class Drift:
    field: str = column("field", description="Name of the field in this schema, e.g. `title`.")
    listed: str | None = column("listed", description="Value in the summary.")
    stored: str | None = column("stored", description="Value in the article.")


@strawberry.type(
    description=(
        "An entry of an article's related coverage: a summary from the time when its editor listed it."
    ),
)
class Related(Coverage):
    position: int = column("position", description="Position in the list, starting at 0.")
    article: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] | None = declared(
        One(JoinKey("id", parent="target_id")),
        description=(
            "The stored article with this URL; null if there is none that the caller may see. Queries can "
            "nest as deep as the limits allow."
        ),
    )
    drift: list[Drift] = declared(
        DRIFT,
        description=(
            "Differences between the summary and `article` in title, excerpt, publishedDateTime and quality. "
            "Empty if `article` is null."
        ),
    )
