"""Relay `PageInfo`."""

import strawberry

from gqlnews.query.fields import ConnectionField
from gqlnews.schema.fields import declared


@strawberry.type(description="Information about a page of a connection.")
class PageInfo:
    has_next_page: bool = declared(
        ConnectionField.HAS_NEXT_PAGE,
        description="Whether there are items after this page. Exact for both paging directions.",
    )
    has_previous_page: bool = declared(
        ConnectionField.HAS_PREVIOUS_PAGE,
        description="Whether there are items before this page. Exact for both paging directions.",
    )
    start_cursor: str | None = declared(
        ConnectionField.START_CURSOR, description="The cursor of the first edge; null if the page is empty."
    )
    end_cursor: str | None = declared(
        ConnectionField.END_CURSOR, description="The cursor of the last edge; null if the page is empty."
    )
