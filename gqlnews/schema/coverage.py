"""Interface with the fields that articles and entries of related coverage share."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.query.fields import JoinKey, JsonArray, One
from gqlnews.schema.fields import column, declared, first
from gqlnews.schema.image import Image
from gqlnews.schema.scalars import URL, DateTime

if TYPE_CHECKING:
    from gqlnews.schema.provider import Provider


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
        "quality", description="Quality score assigned by the CMS; higher is better."
    )
    provider: Annotated["Provider", strawberry.lazy("gqlnews.schema.provider")] | None = declared(
        One(JoinKey("domain", parent="provider_domain")), description="The publisher."
    )
    provider_name: str | None = column(
        "provider_name",
        description=(
            "Name of the provider as given in this file or entry. A domain such as `msn.com` can carry many "
            "names."
        ),
    )
    images: list[Image] = declared(
        JsonArray("images"), first(), description="Images in file order; the first is the main image."
    )
