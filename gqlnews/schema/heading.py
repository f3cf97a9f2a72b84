"""Headings, kept as JSON beside the article."""

import strawberry

from gqlnews.schema.fields import column


@strawberry.type(description="A heading of an article's body.")
class Heading:
    level: int = column("level", description="1 to 6.")
    text: str = column("text", description="Its words, without markup.")
    anchor: str = column("anchor", description="The `id` that the heading has in `html`.")
