"""Related coverage: what an editor listed beside an article."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.plan.declare import Match, One
from gqlnews.schema.coverage import Coverage
from gqlnews.schema.fields import column, declared

if TYPE_CHECKING:
    from gqlnews.schema.article import Article


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
