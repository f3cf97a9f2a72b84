"""Small in-memory worlds, for tests of the oracle with responses worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema

from .acting import resolve_markers
from .engine import Oracle, oracle_schema
from .fields import numbered
from .instants import read_instant
from .names import topic_slug
from .records import Article, AuthorData, Entry, OwnAuthor, OwnProvider
from .world import Audience, World, make_world

SDL = Path(__file__).parents[2] / "schema.graphql"
NOW = read_instant("2020-01-10T00:00:00Z").nanoseconds


@cache
def contract() -> GraphQLSchema:
    return oracle_schema(SDL.read_text(encoding="utf-8"))


def entry(position: int, url: str, **said: Any) -> Entry:
    shared = card(url, **{"title": f"To {url}", **said})
    return Entry(position=position, listing="", occurrence=0, **shared)


def author(name: str, slug: str | None = None, **data: Any) -> OwnAuthor:
    """An author of a byline, with `data` if the byline is a mapping."""
    known = AuthorData(**{"name": name, "url": None, "image": None, "bio": None, **data}) if data else None
    return OwnAuthor(slug or topic_slug(name), name, known)


def article(slug: str, *links: str, **said: Any) -> Article:
    """An article at the URL `/slug` of 1 January 2020 that lists the articles with the slugs in `links`."""
    values: dict[str, Any] = {
        "title": slug,
        "language": None,
        "modified": None,
        "category": None,
        "heat": None,
        "is_published": True,
        "topics": (),
        "authors": (),
        "translation_key": None,
        "related": tuple(entry(place, f"/{link}") for place, link in enumerate(links)),
        "featured_content": None,
        "body": None,
        "secured": None,
        "extra": {},
        "published": "2020-01-01",
        **said,
    }
    values["authors"] = tuple(author(one) if isinstance(one, str) else one for one in values["authors"])
    values["related"] = numbered(replace(one, listing=slug) for one in values["related"])
    values["modified"] = read_instant(values["modified"]) if values["modified"] else None
    return Article(
        slug=slug, updated=read_instant(values.pop("updated", "2020-01-01")), **card(f"/{slug}", **values)
    )


def card(
    url: str, *, provider: str | None = None, published: str | None = None, **said: Any
) -> dict[str, Any]:
    """Return the arguments of a card. A provider's name is its domain."""
    return {
        "excerpt": None,
        "web_url": url,
        "original_url": None,
        "amp_web_url": None,
        "cdn_amp_web_url": None,
        "type": "article",
        "quality": None,
        "provider": OwnProvider(provider, provider, ()) if provider else None,
        "images": (),
        "published": read_instant(published) if published else None,
        **said,
    }


def ask(articles: list[Article], query: str, audience: Audience = "public", **variables: Any) -> Any:
    """Query these articles on 10 January 2020; return the data or the error code."""
    answer = Oracle(contract(), clock=lambda: NOW).execute(world(articles, audience), query, variables)
    if "data" not in answer:
        return answer["errors"][0]["extensions"]["code"]
    assert "errors" not in answer, answer
    return resolve_markers(answer["data"])


def world(articles: list[Article], audience: Audience = "public") -> World:
    return make_world(articles, audience)


def slugs(articles: list[Article], field: str) -> str:
    """Return the slugs in a list of `Query`, joined by spaces, e.g. `articles(where: {})`."""
    found = ask(articles, f"{{ list: {field} {{ nodes {{ slug }} }} }}")
    return found if isinstance(found, str) else " ".join(one["slug"] for one in found["list"]["nodes"])
