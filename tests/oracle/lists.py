"""Connections: what a list has after `where` and `collapse`, in its order, and the page of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .context import Info, place_of, world
from .filters import Given, Test, article_test, given, provider_test
from .orders import Key
from .pages import Page, page
from .places import article_order, order_at
from .records import Article
from .world import Provider, World, in_order

Keyed = tuple[Key, Article]


def articles(info: Info, elements: Sequence[Article], args: Mapping[str, Any]) -> Page:
    """A page of articles, by `where`, `orderBy` and `collapse`."""
    seen = world(info)
    order = article_order(place_of(info), args)
    kept = passing(info, args.get("where"))
    if elements is seen.articles:
        ordered: Iterable[Keyed] = seen.in_order(order)
        if kept is not None:
            ordered = (pair for pair in ordered if kept(pair[1]))
    else:
        ordered = in_order([one for one in elements if kept is None or kept(one)], order)
    return page_of(info, collapsed(ordered, args.get("collapse"), seen), args)


def passing(info: Info, where: Given | None) -> Test | None:
    """The filter's test; None where it asks for nothing."""
    return article_test(where, info.context.scene) if given(where) else None


def page_of(info: Info, keyed: Iterable[tuple[Key, Any]], args: Mapping[str, Any]) -> Page:
    place = place_of(info)
    return page(place, order_at(place, args), list(keyed), args, info.context.registry)


def collapsed(ordered: Iterable[Keyed], collapse: str | None, seen: World) -> Iterator[Keyed]:
    """The first of each group."""
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
    """Whether the provider passes. Of names that only entries give, the text does not say which is first."""
    own = any(one.provider is not None for one in provider.articles)
    verdicts = {test(provider.domain, name) for name in (provider.names[:1] if own else provider.names)}
    if len(verdicts) > 1:
        info.context.undetermined.append(f"the name of {provider.domain}")
    return True in verdicts
