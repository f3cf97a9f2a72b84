"""What generated requests ask for: words that the content has, and words that it has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .markers import Registry
from .records import Article
from .world import World, make_world

UNKNOWN = ("", "nowhere", "https://nowhere.example/", "QXJ0aWNsZTo=", '☃ "\\\n\u2028😀')
MOST = 60  # of each kind, spread over the whole content


@dataclass(frozen=True)
class Values:
    """`known`: values by `Type.field.argument`. `sizes`: the longest list by `Type.field`.

    `cursors`: texts by the place that they hold for.
    """

    known: Mapping[str, Sequence[str]]
    sizes: Mapping[str, int]
    cursors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def foreign_cursors(self, place: str) -> list[str]:
        """Cursors that hold elsewhere, and text that is none."""
        elsewhere = [texts[0] for other, texts in self.cursors.items() if other != place and texts]
        return ["", "no cursor", "bm8gY3Vyc29y", "é\0", *elsewhere]


def values_of(content: Sequence[Article], registry: Registry | None = None) -> Values:
    """Values over a folder's articles, those that the public does not see among them."""
    whole = make_world(content, "open")
    uses = Counter(url for one in content for url in one.urls)
    shared = [url for url, count in uses.items() if count > 1]  # half of what is asked for
    listed = [entry.url for one in content for entry in one.related]
    known = {
        "Query.article.slug": spread(whole.by_slug),
        "Query.articleByUrl.url": (spread(shared) * MOST)[:MOST] + spread([*uses, *listed]),
        "Query.provider.domain": spread(whole.providers),
        "Query.topic.slug": spread(whole.topics),
        "Query.node.id": spread(sorted(whole.by_id)),
        "Query.nodes.ids": spread(sorted(whole.by_id)),
    }
    cursors: dict[str, list[str]] = {}
    for text in registry.texts() if registry else ():
        marker = registry.marker(text) if registry else None
        assert marker is not None
        cursors.setdefault(marker.place, []).append(text)
    return Values(known, sizes_of(whole), {place: spread(texts) for place, texts in cursors.items()})


def spread(values: Iterable[str]) -> list[str]:
    """At most MOST of them, evenly spread."""
    each = list(dict.fromkeys(values))
    return [each[number * len(each) // MOST] for number in range(MOST)] if len(each) > MOST else each


def sizes_of(world: World) -> dict[str, int]:
    """The longest of each list, and of each connection."""
    of_providers = world.providers.values()
    of_topics = world.topics.values()
    return {
        "Query.topics": len(world.topics),
        "Query.articles": len(world.articles),
        "Query.providers": len(world.providers),
        "Article.related": max((len(one.related) for one in world.articles), default=0),
        "Article.topics": max((len(one.topics) for one in world.articles), default=0),
        "Article.images": max((len(one.images) for one in world.articles), default=0),
        "Related.images": max((len(e.images) for one in world.articles for e in one.related), default=0),
        "Provider.images": max((len(one.images) for one in of_providers), default=0),
        "Provider.articles": max((len(one.articles) for one in of_providers), default=0),
        "Topic.articles": max((len(one.articles) for one in of_topics), default=0),
    }
