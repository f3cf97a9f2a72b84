"""What an article and an entry of related coverage have in common."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gqlnews.plan.declare import Items, Match, One
from gqlnews.schema.fields import column, declared, first
from gqlnews.schema.image import Image
from gqlnews.schema.scalars import URL, DateTime

if TYPE_CHECKING:
    from gqlnews.schema.provider import Provider


@strawberry.interface(
    description=(
        "What can be shown as a card: a stored article, or a piece of related coverage that another article "
        "lists. A client writes one fragment on `Coverage` and uses it for both."
    )
)
class Coverage:
    title: str = column("title", description="The headline.")
    excerpt: str | None = column("excerpt", description="A sentence or two of it.")
    url: URL = column("url", description="The page to open: `webUrl`, else `originalUrl`.")
    web_url: URL | None = column("web_url", description="The page for browsers.")
    original_url: URL | None = column("original_url", description="Where it was published first.")
    amp_web_url: URL | None = column("amp_web_url", description="The AMP page.")
    cdn_amp_web_url: URL | None = column("cdn_amp_web_url", description="The AMP page on a cache.")
    published_date_time: DateTime | None = column("published_date_time", description="When it was published.")
    type: str = column("type", description="`article`, `video`, …: the front matter's own word.")
    quality: int | None = column("quality", description="How good its editors' system holds it to be.")
    provider: Annotated["Provider", strawberry.lazy("gqlnews.schema.provider")] | None = declared(
        One(Match("domain", parent="provider_domain")), description="Who published it."
    )
    provider_name: str | None = column(
        "provider_name",
        description=(
            "The provider's name as this file, or this entry, gives it: a domain such as `msn.com` carries "
            "many."
        ),
    )
    images: list[Image] = declared(
        Items("images"), first(), description="In file order; the first one leads."
    )
