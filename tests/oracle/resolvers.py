"""Plain resolvers of root fields, and the table of all resolvers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from . import lists
from .changes import changes, latest
from .content_resolvers import CONTENT
from .context import Info, Resolver, world
from .list_resolvers import LISTS
from .markers import Opaque
from .records import Article
from .world import Node, World, encoded


def problems(_source: World, info: Info, **_args: Any) -> Any:
    return Opaque("Site.problems") if world(info).audience == "editor" else []


def by_url(_source: None, info: Info, url: str) -> Article | None:
    """Resolve `articleByUrl`: a root-relative path is one of the site, if its URL is known."""
    base_url, found = world(info).declared.base_url, world(info).by_url.get(url)
    if found is None and base_url and url.startswith("/") and not url.startswith("//"):
        return world(info).by_url.get(urljoin(base_url, url))
    return found


def node(info: Info, id_: str) -> Node | None:
    """Return the node with this id, if the schema has its type."""
    found = world(info).node(id_)
    return found if type(found).__name__ in info.schema.type_map else None


SITE: dict[str, Resolver] = {
    "id": lambda *_: encoded("Site", ""),
    "title": lambda world, _: world.declared.title,
    "url": lambda world, _: world.declared.base_url,
    "language": lambda world, _: world.declared.language,
    "version": lambda world, _: latest(world),
    "articleCount": lambda world, _: len(world.articles),
    "providerCount": lambda world, _: len(world.providers),
    "topicCount": lambda world, _: len(world.topics),
    "firstPublished": lambda world, _: world.articles[-1].published.text if world.articles else None,
    "lastPublished": lambda world, _: world.articles[0].published.text if world.articles else None,
    "ingestedAt": lambda *_: Opaque("Site.ingestedAt"),
    "problems": problems,
}

QUERY: dict[str, Resolver] = {
    "article": lambda _, info, slug: world(info).by_slug.get(slug),
    "articleByUrl": by_url,
    "articles": lambda _, info, **args: lists.articles(info, world(info).articles, args),
    "trending": lambda _, info, **args: lists.trending(info, args),
    "search": lambda _, info, **args: lists.search(info, args),
    "changes": lambda _, info, **args: changes(world(info), args, info.context.registry),
    "stories": lambda _, info, **args: lists.stories(info, args),
    "provider": lambda _, info, domain: world(info).providers.get(domain),
    "providers": lambda _, info, **args: lists.providers(info, args),
    "topic": lambda _, info, slug: world(info).topics.get(slug),
    "topics": lambda _, info, **args: lists.topics(info, args),
    "author": lambda _, info, slug: world(info).authors.get(slug),
    "authors": lambda _, info, **args: lists.authors(info, args),
    "section": lambda _, info, path: world(info).sections.get(path),
    "sections": lambda _, info: list(world(info).sections.values()),
    "node": lambda _, info, id: node(info, id),
    "nodes": lambda _, info, ids: [node(info, one) for one in ids],
    "site": lambda _, info: world(info),
}

RESOLVERS: dict[str, dict[str, Resolver]] = (
    CONTENT
    | LISTS
    | {
        "Site": SITE,
        "Query": QUERY,
        "ChangeSet": {
            "nodes": lambda found, _: found.nodes,
            "version": lambda found, _: found.version,
            "hasMore": lambda found, _: found.has_more,
        },
        "ArticleChange": {
            "kind": lambda change, _: change.kind,
            "slug": lambda change, _: change.article.slug,
            "article": lambda change, _: change.article,
            "version": lambda change, _: change.version,
        },
    }
)

# Types that occur only below an Opaque value, so that no resolver is needed.
BELOW_OPAQUE = frozenset({"Heading", "Problem"})
