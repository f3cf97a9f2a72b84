"""Plain resolvers of root fields, and the table of all resolvers."""

from __future__ import annotations

from typing import Any

from . import lists
from .changes import changes, latest
from .content_resolvers import CONTENT
from .context import Info, Resolver, world
from .list_resolvers import LISTS
from .markers import Opaque
from .world import World


def problems(_source: World, info: Info, **_args: Any) -> Any:
    return Opaque("Site.problems") if world(info).audience == "editor" else []


SITE: dict[str, Resolver] = {
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
    "articleByUrl": lambda _, info, url: world(info).by_url.get(url),
    "articles": lambda _, info, **args: lists.articles(info, world(info).articles, args),
    "trending": lambda _, info, **args: lists.trending(info, args),
    "search": lambda _, info, **args: lists.search(info, args),
    "changes": lambda _, info, **args: changes(world(info), args, info.context.registry),
    "stories": lambda _, info, **args: lists.stories(info, args),
    "provider": lambda _, info, domain: world(info).providers.get(domain),
    "providers": lambda _, info, **args: lists.providers(info, args),
    "topic": lambda _, info, slug: world(info).topics.get(slug),
    "topics": lambda _, info: list(world(info).topics.values()),
    "node": lambda _, info, id: world(info).node(id),
    "nodes": lambda _, info, ids: [world(info).node(one) for one in ids],
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
