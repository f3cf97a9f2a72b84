"""GraphQL types, each built from one row. DataLoaders resolve their links."""

import sqlite3
from typing import Self

import orjson
import strawberry
from strawberry import Info, Private

from benchmarks.throughput.ordinary.loaders import Loaders


@strawberry.type
class Provider:
    domain: str
    name: str


@strawberry.type
class Image:
    url: str
    width: int | None
    height: int | None


@strawberry.type
class Coverage:
    """Fields common to articles and related coverage."""

    title: str
    excerpt: str | None
    url: str
    published_date_time: str | None
    type: str
    quality: int | None
    provider_domain: Private[str | None]
    images_json: Private[str]

    @strawberry.field
    async def provider(self, info: Info[Loaders, None]) -> Provider | None:
        if self.provider_domain is None:
            return None
        row = await info.context.providers.load(self.provider_domain)
        return None if row is None else Provider(domain=row["domain"], name=row["name"])

    @strawberry.field
    def images(self, first: int | None = None) -> list[Image]:
        return [
            Image(url=image["url"], width=image["width"], height=image["height"])
            for image in orjson.loads(self.images_json)[:first]
        ]


@strawberry.type
class Article(Coverage):
    """A stored article."""

    key: Private[int]
    slug: str
    category: str | None
    heat: int | None
    published: bool
    word_count: int
    related_count: int

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        return cls(
            key=row["id"],
            slug=row["slug"],
            title=row["title"],
            excerpt=row["excerpt"],
            url=row["url"],
            published_date_time=row["published_date_time"],
            type=row["type"],
            category=row["category"],
            quality=row["quality"],
            heat=row["heat"],
            published=bool(row["published"]),
            word_count=row["word_count"],
            related_count=row["related_count"],
            provider_domain=row["provider_domain"],
            images_json=row["images"],
        )

    @strawberry.field
    async def related(self, info: Info[Loaders, None], first: int | None = None) -> list["Related"]:
        return [Related.of(row) for row in await info.context.related.load((self.key, first))]


@strawberry.type
class Related(Coverage):
    """An entry of related coverage."""

    target: Private[int | None]

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        return cls(
            title=row["title"],
            excerpt=row["excerpt"],
            url=row["url"],
            published_date_time=row["published_date_time"],
            type=row["type"],
            quality=row["quality"],
            provider_domain=row["provider_domain"],
            images_json=row["images"],
            target=row["target_id"],
        )

    @strawberry.field
    async def article(self, info: Info[Loaders, None]) -> Article | None:
        if self.target is None:
            return None
        row = await info.context.articles.load(self.target)
        return None if row is None else Article.of(row)


@strawberry.type
class Articles:
    """A page of articles."""

    nodes: list[Article]
