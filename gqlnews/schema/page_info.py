"""Relay's page information."""

import strawberry

from gqlnews.plan.declare import Part
from gqlnews.schema.fields import declared


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = declared(
        Part.HAS_NEXT_PAGE,
        description="Whether the list goes on past this page's last edge: exact, whichever way one walks.",
    )
    has_previous_page: bool = declared(
        Part.HAS_PREVIOUS_PAGE,
        description="Whether it goes on before this page's first edge: exact likewise.",
    )
    start_cursor: str | None = declared(
        Part.START_CURSOR, description="The first edge's; null on an empty page."
    )
    end_cursor: str | None = declared(Part.END_CURSOR, description="The last edge's; null on an empty page.")
