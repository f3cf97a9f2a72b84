"""Connections: the elements after `where` and `collapse`, in order, and one page of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from .context import Info, place_of, world
from .durations import read_duration
from .filters import Given, Test, article_test, given, provider_test
from .instants import read_instant
from .orders import Key
from .pages import Page, page
from .places import article_order, order_at
from .records import Article
from .trending import by_heat, is_open
from .world import Provider, World, in_order

Keyed: TypeAlias = tuple[Key, Article]
T = TypeVar("T")

CLOSE = 1e-13  # relative, of scores: the effect of the order of summation


def articles(info: Info, elements: Sequence[Article], args: Mapping[str, Any]) -> Page:
    """Return a page of articles, by `where`, `orderBy` and `collapse`."""
    seen = world(info)
    order = article_order(place_of(info), args)
    test = passing(info, args.get("where"))
    if elements is seen.articles:
        ordered: Iterable[Keyed] = seen.in_order(order)
        if test is not None:
            ordered = (pair for pair in ordered if test(pair[1]))
    else:
        ordered = in_order([one for one in elements if test is None or test(one)], order)
    return page_of(info, collapsed(ordered, args.get("collapse"), seen), args)


def passing(info: Info, where: Given | None) -> Test | None:
    """Return the filter's test, or None if it is empty."""
    return article_test(where, info.context.scene) if given(where) else None


def page_of(info: Info, keyed: Iterable[tuple[Key, Any]], args: Mapping[str, Any]) -> Page:
    place = place_of(info)
    return page(place, order_at(place, args), list(keyed), args, info.context.registry)


def collapsed(ordered: Iterable[Keyed], collapse: str | None, seen: World) -> Iterator[Keyed]:
    """Yield the first element of each group."""
    groups: set[str] = set()
    for key, article in ordered:
        group = group_of(article, collapse, seen)
        if group not in groups:
            groups.add(group)
            yield key, article


def group_of(article: Article, collapse: str | None, seen: World) -> str:
    if collapse == "URL":
        return article.url
    story = seen.story_of.get(article.slug) if collapse == "STORY" else None
    return article.slug if story is None else story.slug


def providers(info: Info, args: Mapping[str, Any]) -> Page:
    test = provider_test(args.get("where"))
    return page_of(
        info,
        [((one.domain,), one) for one in world(info).providers.values() if has_name(info, test, one)],
        args,
    )


def has_name(info: Info, test: Any, provider: Provider) -> bool:
    """Whether the provider matches. If only entries name it, the contract does not fix its first name."""
    own = any(one.provider is not None for one in provider.articles)
    verdicts = {test(provider.domain, name) for name in (provider.names[:1] if own else provider.names)}
    if len(verdicts) > 1:
        info.context.undetermined.append(f"the name of {provider.domain}")
    return True in verdicts


def trending(info: Info, args: Mapping[str, Any]) -> Page:
    """Return articles by decaying heat, none of them later than `asOf`."""
    seen = world(info)
    latest = info.context.now if args.get("asOf") is None else read_instant(args["asOf"]).nanoseconds
    test = passing(info, args.get("where"))
    found = [
        one for one in seen.articles if one.published.nanoseconds <= latest and (test is None or test(one))
    ]
    ordered = by_heat(found, read_duration(args["halfLife"]))
    page = page_of(info, collapsed(ordered, args.get("collapse"), seen), args)
    shown = around(page, ordered) if args.get("collapse") is None else ordered
    if any(is_open(one, other) for one, other in pairwise(shown)):
        info.context.undetermined.append("articles that are as hot as floating point can tell")
    return page


def around(page: Page, ordered: Sequence[T]) -> Sequence[T]:
    """Return the elements of the page, and the ones next to it."""
    return ordered[max(0, page.start - 1) : page.start + len(page.edges) + 1]


@dataclass(frozen=True)
class Hit:
    """An article that a search found. `score` is multiplied by 10^12."""

    article: Article
    score: int
    query: str


def search(info: Info, args: Mapping[str, Any]) -> Page:
    """Return matching articles, best first."""
    test = passing(info, args.get("where"))
    query = args["query"]
    hits = [
        ((-score, *one.order_key), Hit(one, score, query))
        for one, score in world(info).text.hits(query)
        if test is None or test(one)
    ]
    hits.sort(key=lambda pair: pair[0])
    page = page_of(info, hits, args)
    scores = [hit.score for _, hit in around(page, hits)]
    if any(0 < one - other <= max(2, one * CLOSE) for one, other in pairwise(scores)):
        info.context.undetermined.append("articles that match as well as floating point can tell")
    return page


def stories(info: Info, args: Mapping[str, Any]) -> Page:
    """Return stories with at least `minSize` articles."""
    least = max(2, args["minSize"])
    by_size = args["orderBy"] == "SIZE"
    chosen = [one for one in world(info).stories if len(one.articles) >= least]
    keyed = [(one.size_key if by_size else one.latest_key, one) for one in chosen]
    return page_of(info, sorted(keyed, key=lambda pair: pair[0]), args)
