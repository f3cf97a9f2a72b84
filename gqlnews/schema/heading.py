"""Headings, stored as JSON in the article's row."""

import strawberry

from gqlnews.schema.fields import column


@strawberry.type(description="A heading of an article's body.")
class Heading:
    level: int = column("level", description="Heading level, 1 to 6.")
    text: str = column("text", description="The heading's text, without markup.")
    anchor: str = column("anchor", description="The heading's `id` attribute in `html`.")
