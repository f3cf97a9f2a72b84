"""Connections: the elements after `where` and `collapse`, in order, and one page of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from .context import Info, list_name, world
from .durations import read_duration
from .filters import Given, Test, article_test, given, provider_test, value_test
from .instants import read_instant
from .orders import Key, name_order, named_key
from .pages import Page, page
from .places import article_order, order_at
from .records import Article
from .trending import by_heat, is_open
from .world import Provider, Topic, World, in_order

Keyed: TypeAlias = tuple[Key, Article]
T = TypeVar("T")

CLOSE = 1e-13  # relative, of scores: the effect of the order of summation


def articles(info: Info, elements: Sequence[Article], args: Mapping[str, Any]) -> Page:
    """Return a page of articles, by `where`, `orderBy` and `collapse`."""
    visible = world(info)
    order = article_order(list_name(info), args)
    test = filter_test(info, args.get("where"))
    if elements is visible.articles:
        ordered: Iterable[Keyed] = visible.in_order(order)
        if test is not None:
            ordered = (pair for pair in ordered if test(pair[1]))
    else:
        ordered = in_order([one for one in elements if test is None or test(one)], order)
    return build_page(info, collapsed(ordered, args.get("collapse"), visible), args)


def filter_test(info: Info, where: Given | None) -> Test | None:
    """Return the filter's test, or None if it is empty."""
    return article_test(where, info.context.scene) if given(where) else None


def build_page(info: Info, keyed: Iterable[tuple[Key, Any]], args: Mapping[str, Any]) -> Page:
    list_name_ = list_name(info)
    return page(list_name_, order_at(list_name_, args), list(keyed), args, info.context.registry)


def collapsed(ordered: Iterable[Keyed], collapse: str | None, visible: World) -> Iterator[Keyed]:
    """Yield the first element of each group."""
    groups: set[str] = set()
    for key, article in ordered:
        group = group_of(article, collapse, visible)
        if group not in groups:
            groups.add(group)
            yield key, article


def group_of(article: Article, collapse: str | None, visible: World) -> str:
    if collapse == "URL":
        return article.url
    story = visible.story_of.get(article.slug) if collapse == "STORY" else None
    return article.slug if story is None else story.slug


def providers(info: Info, args: Mapping[str, Any]) -> Page:
    test, order = provider_test(args.get("where")), order_at(list_name(info), args)
    keyed = [
        (named_key(order, one.domain, one.domain, len(one.articles)), one)
        for one in world(info).providers.values()
        if has_name(info, test, one)
    ]
    return build_page(info, sorted(keyed, key=lambda pair: pair[0]), args)


def authors(info: Info, args: Mapping[str, Any]) -> Page:
    """Return authors whose name matches `name`."""
    test, order = value_test(args.get("name")), order_at(list_name(info), args)
    keyed = [
        (named_key(order, one.name, one.slug, len(one.articles)), one)
        for one in world(info).authors.values()
        if test(one.name)
    ]
    return build_page(info, sorted(keyed, key=lambda pair: pair[0]), args)


def topics(info: Info, args: Mapping[str, Any]) -> list[Topic]:
    """Return the first topics in order; no page."""
    order = name_order(args.get("orderBy"), "SLUG")
    found = sorted(
        world(info).topics.values(), key=lambda one: named_key(order, one.slug, one.slug, len(one.articles))
    )
    return found[: args.get("first")]


def has_name(info: Info, test: Any, provider: Provider) -> bool:
    """Whether the provider matches. If only entries name it, the contract does not fix its first name."""
    own = any(one.provider is not None for one in provider.articles)
    verdicts = {test(provider.domain, name) for name in (provider.names[:1] if own else provider.names)}
    if len(verdicts) > 1:
        info.context.undetermined.append(f"the name of {provider.domain}")
    return True in verdicts


def trending(info: Info, args: Mapping[str, Any]) -> Page:
    """Return articles by decaying heat, none of them later than `asOf`."""
    visible = world(info)
    latest = info.context.now if args.get("asOf") is None else read_instant(args["asOf"]).nanoseconds
    test = filter_test(info, args.get("where"))
    found = [
        one for one in visible.articles if one.published.nanoseconds <= latest and (test is None or test(one))
    ]
    ordered = by_heat(found, read_duration(args["halfLife"]))
    page = build_page(info, collapsed(ordered, args.get("collapse"), visible), args)
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
    test = filter_test(info, args.get("where"))
    query = args["query"]
    hits = [
        ((-score, *one.order_key), Hit(one, score, query))
        for one, score in world(info).text.hits(query)
        if test is None or test(one)
    ]
    hits.sort(key=lambda pair: pair[0])
    page = build_page(info, hits, args)
    scores = [hit.score for _, hit in around(page, hits)]
    if any(0 < one - other <= max(2, one * CLOSE) for one, other in pairwise(scores)):
        info.context.undetermined.append("articles that match as well as floating point can tell")
    return page


def stories(info: Info, args: Mapping[str, Any]) -> Page:
    """Return stories with at least `minSize` articles."""
    min_size = max(2, args["minSize"])
    by_size = args["orderBy"] == "SIZE"
    chosen = [one for one in world(info).stories if len(one.articles) >= min_size]
    keyed = [(one.size_key if by_size else one.latest_key, one) for one in chosen]
    return build_page(info, sorted(keyed, key=lambda pair: pair[0]), args)
