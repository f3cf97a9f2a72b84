"""Images, kept as JSON beside the row that has them."""

import strawberry

from gqlnews.plan.declare import Kind
from gqlnews.schema.fields import column
from gqlnews.schema.scalars import URL


@strawberry.type(description="A picture, by its URL.")
class Image:
    url: URL = column("url", description="Where it is.")
    width: int | None = column("width", description="In pixels.")
    height: int | None = column("height", description="In pixels.")
    title: str | None = column("title", description="What it shows.")
    attribution: str | None = column("attribution", description="Whose it is.")
    is_cached: bool = column(
        "isCached", Kind.BOOLEAN, description="Whether the editors' system holds a copy."
    )
