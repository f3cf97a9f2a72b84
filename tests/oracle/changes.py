"""`changes` of a store that took its content in at one go: each article is one change, by slug."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .faults import UNDETERMINED
from .markers import Registry, Version
from .records import Article
from .world import World

USUAL = 100
MOST = 100


@dataclass(frozen=True)
class Change:
    article: Article
    version: Version
    kind: str = "ADDED"


@dataclass(frozen=True)
class ChangeSet:
    nodes: tuple[Change, ...]
    version: Version
    has_more: bool


def latest(world: World) -> Version:
    """Where a caller stands who has seen everything: his `site.version`."""
    return Version(world.audience, len(world.articles), len(world.articles))


def changes(world: World, args: Mapping[str, Any], registry: Registry) -> ChangeSet:
    """The changes after `since`. The arguments were found good."""
    since, first = args.get("since"), args.get("first")
    start = 0 if since is None else registry.version_place(world.audience, since)
    assert start is not None
    total = len(world.articles)
    stop = min(total, start + (USUAL if first is None else first))
    slugs = sorted(world.by_slug)[start:stop]
    nodes = tuple(
        Change(world.by_slug[slug], Version(world.audience, place, total))
        for place, slug in enumerate(slugs, start + 1)
    )
    return ChangeSet(nodes, Version(world.audience, stop, total), stop < total)


def changes_error(args: Mapping[str, Any], audience: str, registry: Registry) -> str | None:
    """The code for which the arguments are refused. One of another caller's may be good."""
    first, since = args.get("first"), args.get("since")
    if first is not None and not 0 <= first <= MOST:
        return "BAD_PAGE"
    if since is None or registry.version_place(audience, since) is not None:
        return None
    return UNDETERMINED if since in registry.versions() else "BAD_VERSION"
