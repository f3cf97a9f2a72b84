"""Related coverage, the interface that it shares with articles, images and headings."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.query.fields import Difference, Differences, JoinKey, JsonArray, Kind, One
from gqlnews.schema.fields import ARTICLE, column, field, first
from gqlnews.schema.node import URL, DateTime

if TYPE_CHECKING:
    from gqlnews.schema.article import Article
    from gqlnews.schema.provider import Provider


# Images, stored as JSON in the row of their owner.


@strawberry.type(description="An image.")
class Image:
    url: URL = column(
        "url",
        description=(
            "The URL of the image. It is a path below `/media/` of this server if the image lies in the "
            "content folder and the site has no base URL."
        ),
    )
    width: int | None = column(
        "width", description="Width in pixels, as the article's file says, or else the file of the image."
    )
    height: int | None = column(
        "height", description="Height in pixels, as the article's file says, or else the file of the image."
    )
    title: str | None = column("title", description="Title of the image.")
    alt: str | None = column("alt", description="Text for readers who do not see the image.")
    caption: str | None = column("caption", description="Text to show with the image.")
    attribution: str | None = column(
        "attribution", description="Credit line: the source or owner of the image."
    )
    is_cached: bool = column(
        "isCached", Kind.BOOLEAN, description="Whether the CMS holds a copy of the image."
    )
    mime_type: str | None = column(
        "mimeType",
        description="Type of an image that lies in the content folder, such as `image/png`; null for others.",
    )


@strawberry.interface(
    description=(
        "Content that can be shown as a card: an article, or an entry of related coverage listed by another "
        "article. A single fragment on `Coverage` serves both."
    )
)
class Coverage:
    title: str = column("title", description="The headline.")
    excerpt: str | None = column("excerpt", description="Short summary, a sentence or two.")
    url: URL = column("url", description="URL to open: `webUrl` if there is one, otherwise `originalUrl`.")
    web_url: URL | None = column("web_url", description="URL of the web page.")
    original_url: URL | None = column("original_url", description="URL where it was first published.")
    amp_web_url: URL | None = column("amp_web_url", description="URL of the AMP page.")
    cdn_amp_web_url: URL | None = column(
        "cdn_amp_web_url", description="URL of the AMP page on an AMP cache."
    )
    published_date_time: DateTime | None = column("published_date_time", description="When it was published.")
    type: str = column(
        "type", description="Content type as given in the front matter, e.g. `video`. Defaults to `article`."
    )
    quality: int | None = column(
        "quality",
        description=(
            "Quality score assigned by the CMS; higher is better. A 32-bit integer without further bounds: "
            "usually 0 or more, and not limited to 100. Null if the file has none."
        ),
    )
    provider: Annotated["Provider", strawberry.lazy("gqlnews.schema.provider")] | None = field(
        One(JoinKey("domain", parent="provider_domain")), description="The publisher."
    )
    provider_name: str | None = column(
        "provider_name",
        description=(
            "Name of the provider as given in this file or entry. A domain such as `msn.com` can carry many "
            "names."
        ),
    )
    images: list[Image] = field(
        JsonArray("images"), first(), description="Images in file order; the first is the main image."
    )
    image: Image | None = field(
        JsonArray("images", single=True), description="The first of `images`; null if there are none."
    )
    article: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] | None = field(
        One(JoinKey("id", parent="target_id")),
        description=(
            "The stored article: of an Article itself, of an entry of related coverage the one with its URL, "
            "if the caller may see it."
        ),
    )


# Related coverage.

DRIFT = Differences(
    ARTICLE,
    JoinKey("id", parent="target_id"),
    (
        Difference("title", "title", "title"),
        Difference("excerpt", "excerpt", "excerpt"),
        Difference("publishedDateTime", "published_at", "published_date_time"),
        Difference("quality", "quality", "quality"),
    ),
    columns=("field", "listed", "stored"),
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
    id: strawberry.ID = column(
        "node_id",
        description=(
            "Opaque ID, unique and stable: made of the listing article, the URL, and its occurrence among "
            "equal URLs there. `node` does not resolve it."
        ),
    )
    position: int = column("position", description="Position in the list, starting at 0.")
    article: Annotated["Article", strawberry.lazy("gqlnews.schema.article")] | None = field(
        One(JoinKey("id", parent="target_id")),
        description=(
            "The stored article with this URL; null if there is none that the caller may see. Queries can "
            "nest as deep as the limits allow."
        ),
    )
    drift: list[Drift] = field(
        DRIFT,
        description=(
            "Differences between the summary and `article` in title, excerpt, publishedDateTime and quality. "
            "Empty if `article` is null."
        ),
    )


# Headings, stored as JSON in the article's row.


@strawberry.type(description="A heading of an article's body.")
class Heading:
    level: int = column("level", description="Heading level, 1 to 6.")
    text: str = column("text", description="The heading's text, without markup.")
    anchor: str = column("anchor", description="The heading's `id` attribute in `html`.")
