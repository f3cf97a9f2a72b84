"""Images, stored as JSON in the row that they belong to."""

import strawberry

from gqlnews.query.fields import Kind
from gqlnews.schema.fields import column
from gqlnews.schema.scalars import URL


@strawberry.type(description="An image.")
class Image:
    url: URL = column("url", description="The URL of the image.")
    width: int | None = column("width", description="Width in pixels.")
    height: int | None = column("height", description="Height in pixels.")
    title: str | None = column("title", description="Title of the image.")
    attribution: str | None = column(
        "attribution", description="Credit line: the source or owner of the image."
    )
    is_cached: bool = column(
        "isCached", Kind.BOOLEAN, description="Whether the CMS holds a copy of the image."
    )
