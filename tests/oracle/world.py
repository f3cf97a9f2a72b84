"""What one audience may see, and what is derived from it: links, providers, topics, ids, order."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from .authors import Author, authors_of
from .fulltext import TextIndex
from .names import most_used, topic_slug
from .orders import Key, Order, key_of
from .own_fields import NOTHING_DECLARED, Declared
from .records import Article, Image
from .sections import Section, sections_of
from .stories import Story, stories_of

Audience: TypeAlias = Literal["public", "open", "editor"]
AUDIENCES: tuple[Audience, ...] = ("public", "open", "editor")


@dataclass(frozen=True)
class Provider:
    domain: str
    names: tuple[str, ...]
    images: tuple[Image, ...]
    articles: tuple[Article, ...]


@dataclass(frozen=True)
class Topic:
    slug: str
    name: str
    articles: tuple[Article, ...]


Node: TypeAlias = Article | Author | Provider | Section | Topic | Story


@dataclass(frozen=True)
class World:
    """All content in the order of responses; `articles` are sorted newest first."""

    audience: Audience
    articles: tuple[Article, ...]
    by_slug: Mapping[str, Article]
    by_url: Mapping[str, Article]
    providers: Mapping[str, Provider]
    topics: Mapping[str, Topic]
    authors: Mapping[str, Author]
    sections: Mapping[str, Section]
    by_id: Mapping[str, Node]
    declared: Declared = NOTHING_DECLARED
    _in_order: dict[Order, list[tuple[Key, Article]]] = field(default_factory=dict, compare=False)

    def in_order(self, order: Order) -> list[tuple[Key, Article]]:
        """Return all articles with their keys, sorted."""
        if order not in self._in_order:
            self._in_order[order] = in_order(self.articles, order)
        return self._in_order[order]

    @cached_property
    def text(self) -> TextIndex:
        return TextIndex(self.articles)

    @cached_property
    def stories(self) -> list[Story]:
        return stories_of(self.articles, self.by_url)

    @cached_property
    def story_of(self) -> dict[str, Story]:
        """Article slug → story."""
        return {article.slug: story for story in self.stories for article in story.articles}

    @cached_property
    def referenced_by(self) -> dict[str, list[Article]]:
        """Slug → the articles whose related coverage links to it."""
        found: dict[str, list[Article]] = defaultdict(list)
        for article in self.articles:
            targets = (self.by_url.get(entry.url) for entry in article.related)
            for slug in {target.slug for target in targets if target is not None}:
                found[slug].append(article)
        return dict(found)

    @cached_property
    def by_translation_key(self) -> dict[str, list[Article]]:
        found: dict[str, list[Article]] = defaultdict(list)
        for article in self.articles:
            if article.translation_key is not None:
                found[article.translation_key].append(article)
        return dict(found)

    def node(self, id_: str) -> Node | None:
        """Return the node with this id. The id of a story may contain the slug of any of its articles."""
        if id_ in self.by_id:
            return self.by_id[id_]
        return self.stories_by_id.get(id_)

    @cached_property
    def stories_by_id(self) -> dict[str, Story]:
        return {encoded("Story", slug): story for slug, story in self.story_of.items()}


def in_order(articles: Iterable[Article], order: Order) -> list[tuple[Key, Article]]:
    """Return the articles with their keys, ascending; keys are unique."""
    return sorted(((key_of(one, order), one) for one in articles), key=lambda pair: pair[0])


def make_world(
    content: Iterable[Article], audience: Audience, declared: Declared = NOTHING_DECLARED
) -> World:
    """Build the world of `audience` over the articles of a folder."""
    seen = [one for one in content if audience != "public" or one.is_published]
    articles = tuple(sorted(seen, key=lambda one: one.order_key))
    providers = providers_of(articles)
    topics = topics_of(articles)
    authors, sections = authors_of(articles), sections_of(articles)
    derived = (providers, topics, authors, sections)
    nodes: list[Node] = [*articles, *(node for each in derived for node in each.values())]
    return World(
        audience=audience,
        articles=articles,
        by_slug={one.slug: one for one in articles},
        by_url=url_index(articles),
        providers=providers,
        topics=topics,
        authors=authors,
        sections=sections,
        by_id={node_id(node): node for node in nodes},
        declared=declared,
    )


KEYS = {"Provider": "domain", "Section": "path"}  # of other nodes: the slug


def node_id(node: Node) -> str:
    """Return the global id: type and natural key, in Base64."""
    key = KEYS.get(type(node).__name__, "slug")
    return encoded(type(node).__name__, getattr(node, key))


def encoded(type_: str, key: str) -> str:
    return b64encode(f"{type_}:{key}".encode()).decode()


def url_index(articles: Iterable[Article]) -> dict[str, Article]:
    """URL → the article that owns it: published first, then the newest, then the first slug."""
    index: dict[str, Article] = {}
    for article in sorted(articles, key=lambda one: (not one.is_published, *one.order_key)):
        for url in article.urls:
            index.setdefault(url, article)
    return index


def providers_of(articles: tuple[Article, ...]) -> dict[str, Provider]:
    """Domain → provider: those of articles, and those that only related entries name."""
    own: dict[str, list[Article]] = defaultdict(list)
    listed: dict[str, Counter[str]] = defaultdict(Counter)
    for article in articles:
        if article.provider is not None:
            own[article.provider.domain].append(article)
        for entry in article.related:
            if entry.provider is not None:
                listed[entry.provider.domain][entry.provider.name] += 1
    return {
        domain: provider(domain, own.get(domain, []), listed.get(domain, Counter()))
        for domain in sorted(own.keys() | listed.keys())
    }


def provider(domain: str, articles: list[Article], listed: Counter[str]) -> Provider:
    """Build a provider from its articles (newest first) and the name counts of related entries."""
    given = [one.provider for one in articles if one.provider is not None]
    uses = Counter(one.name for one in given)
    newest_use = {one.name: place for place, one in reversed(list(enumerate(given)))}
    names = sorted(uses, key=lambda name: (-uses[name], newest_use[name]))
    only_listed = sorted(listed.keys() - uses.keys(), key=lambda name: (-listed[name], name))
    images = next((one.images for one in given if one.images), ())
    return Provider(domain, (*names, *only_listed), images, tuple(articles))


def topics_of(articles: tuple[Article, ...]) -> dict[str, Topic]:
    """Slug → topic."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    found: dict[str, list[Article]] = defaultdict(list)
    for article in articles:
        for name in set(article.topics):
            names[topic_slug(name)][name] += 1
        for slug in {topic_slug(name) for name in article.topics}:
            found[slug].append(article)
    return {slug: Topic(slug, most_used(names[slug]), tuple(found[slug])) for slug in sorted(found)}
