"""Plain resolvers over a World, one a field, under graphql-core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo

from .markers import Cursor, LooseTail, OneOf, Opaque, Registry
from .pages import Key, Page, page
from .records import Article, Card, Entry, Image, OwnProvider
from .world import Provider, Topic, World, node_id, topic_slug

Info: TypeAlias = "GraphQLResolveInfo[Context]"
Resolver: TypeAlias = Callable[..., Any]

WORDS_A_MINUTE = 240


@dataclass(frozen=True)
class Context:
    """What resolvers work on. `derived` gives what needs a renderer or the file's bytes, by field."""

    world: World
    registry: Registry
    derived: Callable[[Article], Mapping[str, Any]]


def cut(elements: Sequence[Any], first: int | None, offset: int | None = None) -> Sequence[Any]:
    """A plain list's part."""
    rest = elements[offset or 0 :]
    return rest if first is None else rest[:first]


def images(source: Any, _info: Info, first: int | None = None) -> Sequence[Image]:
    return cut(source.images, first)


def related(
    source: Article, _info: Info, first: int | None = None, offset: int | None = None
) -> Sequence[Entry]:
    return cut(source.related, first, offset)


def provider_of(source: Card, info: Info) -> Provider | None:
    return None if source.provider is None else world(info).providers[source.provider.domain]


def topics_of(source: Article, info: Info) -> list[Topic]:
    slugs = dict.fromkeys(topic_slug(name) for name in source.topics)
    return [world(info).topics[slug] for slug in slugs]


def article_key(article: Article) -> Key:
    return article.order_key


def provider_key(provider: Provider) -> Key:
    return (provider.domain,)


def connection(
    info: Info, elements: Sequence[Any], key: Callable[[Any], Key], args: Mapping[str, Any]
) -> Page:
    place = f"{info.parent_type.name}.{info.field_name}"
    return page(place, elements, key, args, info.context.registry)


def world(info: Info) -> World:
    context: Context = info.context
    return context.world


def derived(name: str) -> Resolver:
    """A field that the oracle is given, or leaves open."""

    def resolve(source: Article, info: Info) -> Any:
        return info.context.derived(source).get(name, Opaque(f"Article.{name}"))

    return resolve


def for_editor(name: str) -> Resolver:
    def resolve(source: Article, info: Info) -> Any:
        return getattr(source, name) if world(info).audience == "editor" else None

    return resolve


def reading_minutes(source: Article, _info: Info) -> int | None:
    return None if source.body is None else max(1, -(-word_count(source.body) // WORDS_A_MINUTE))


def word_count(body: str | None) -> int:
    return len((body or "").split())


def provider_name(source: Provider, info: Info) -> str | OneOf:
    names = provider_names(source, info)
    return names.head[0] if names.head else OneOf(names.tail)


def provider_names(source: Provider, _info: Info) -> LooseTail:
    """The text settles the order of the names that files give their own provider, and of no others."""
    own = {one.provider.name for one in source.articles if one.provider is not None}
    given = [name for name in source.names if name in own]
    rest = [name for name in source.names if name not in own]
    if len(rest) == 1:
        return LooseTail((*given, *rest), frozenset())
    return LooseTail(tuple(given), frozenset(rest))


def own_name(source: OwnProvider | None) -> str | None:
    return None if source is None else source.name


def problems(_source: World, info: Info, **_args: Any) -> Any:
    return Opaque("Site.problems") if world(info).audience == "editor" else []


def edge_cursor(source: Page, place: int) -> Cursor | None:
    return source.edges[place].cursor if source.edges else None


def text_of(instant: Any) -> str | None:
    return None if instant is None else instant.text


COVERAGE: dict[str, Resolver] = {
    "title": lambda card, _: card.title,
    "excerpt": lambda card, _: card.excerpt,
    "url": lambda card, _: card.url,
    "webUrl": lambda card, _: card.web_url,
    "originalUrl": lambda card, _: card.original_url,
    "ampWebUrl": lambda card, _: card.amp_web_url,
    "cdnAmpWebUrl": lambda card, _: card.cdn_amp_web_url,
    "publishedDateTime": lambda card, _: text_of(card.published),
    "type": lambda card, _: card.type,
    "quality": lambda card, _: card.quality,
    "provider": provider_of,
    "providerName": lambda card, _: own_name(card.provider),
    "images": images,
}

NODE: dict[str, Resolver] = {"id": lambda node, _: node_id(node)}

RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Article": COVERAGE
    | NODE
    | {
        "slug": lambda article, _: article.slug,
        "category": lambda article, _: article.category,
        "heat": lambda article, _: article.heat,
        "published": lambda article, _: article.is_published,
        "topics": topics_of,
        "image": lambda article, _: next(iter(article.images), None),
        "related": related,
        "relatedCount": lambda article, _: len(article.related),
        "body": lambda article, _: article.body,
        "wordCount": lambda article, _: word_count(article.body),
        "readingMinutes": reading_minutes,
        "secured": for_editor("secured"),
        "extra": for_editor("extra"),
    }
    | {
        name: derived(name)
        for name in ("featuredContent", "html", "tableOfContents", "updatedAt", "revision")
    },
    "Related": COVERAGE
    | {
        "position": lambda entry, _: entry.position,
        "article": lambda entry, info: world(info).by_url.get(entry.url),
    },
    "Provider": NODE
    | {
        "domain": lambda provider, _: provider.domain,
        "name": provider_name,
        "names": provider_names,
        "images": images,
        "articles": lambda provider, info, **args: connection(info, provider.articles, article_key, args),
    },
    "Topic": NODE
    | {
        "slug": lambda topic, _: topic.slug,
        "name": lambda topic, _: topic.name,
        "articles": lambda topic, info, **args: connection(info, topic.articles, article_key, args),
    },
    "Image": {
        "url": lambda image, _: image.url,
        "width": lambda image, _: image.width,
        "height": lambda image, _: image.height,
        "title": lambda image, _: image.title,
        "attribution": lambda image, _: image.attribution,
        "isCached": lambda image, _: image.is_cached,
    },
    "PageInfo": {
        "hasNextPage": lambda page, _: page.has_next,
        "hasPreviousPage": lambda page, _: page.has_previous,
        "startCursor": lambda page, _: edge_cursor(page, 0),
        "endCursor": lambda page, _: edge_cursor(page, -1),
    },
    "Site": {
        "version": lambda *_: Opaque("Site.version"),
        "articleCount": lambda world, _: len(world.articles),
        "providerCount": lambda world, _: len(world.providers),
        "topicCount": lambda world, _: len(world.topics),
        "firstPublished": lambda world, _: world.articles[-1].published.text if world.articles else None,
        "lastPublished": lambda world, _: world.articles[0].published.text if world.articles else None,
        "ingestedAt": lambda *_: Opaque("Site.ingestedAt"),
        "problems": problems,
    },
    "Query": {
        "article": lambda _, info, slug: world(info).by_slug.get(slug),
        "articleByUrl": lambda _, info, url: world(info).by_url.get(url),
        "articles": lambda _, info, **args: connection(info, world(info).articles, article_key, args),
        "provider": lambda _, info, domain: world(info).providers.get(domain),
        "providers": lambda _, info, **args: connection(
            info, list(world(info).providers.values()), provider_key, args
        ),
        "topic": lambda _, info, slug: world(info).topics.get(slug),
        "topics": lambda _, info: list(world(info).topics.values()),
        "node": lambda _, info, id: world(info).by_id.get(id),
        "nodes": lambda _, info, ids: [world(info).by_id.get(one) for one in ids],
        "site": lambda _, info: world(info),
    },
}

for _node in ("Article", "Provider"):
    RESOLVERS[f"{_node}Connection"] = {
        "edges": lambda page, _: page.edges,
        "nodes": lambda page, _: page.nodes,
        "pageInfo": lambda page, _: page,
        "totalCount": lambda page, _: page.total,
    }
    RESOLVERS[f"{_node}Edge"] = {"cursor": lambda edge, _: edge.cursor, "node": lambda edge, _: edge.node}

# Objects whose fields stand below an Opaque value only, so that nothing resolves them.
BELOW_OPAQUE = frozenset({"Heading", "Problem"})
