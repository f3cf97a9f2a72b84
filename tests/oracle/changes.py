"""`changes` of a store that ingested all content at once: each article is one change, ordered by slug."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .faults import UNDETERMINED
from .markers import Registry, Version
from .records import Article
from .world import World

DEFAULT_SIZE = 100
MAX_SIZE = 100


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
    """Return the `site.version` of a caller that has seen everything."""
    return Version(world.audience, len(world.articles), len(world.articles))


def changes(world: World, args: Mapping[str, Any], registry: Registry) -> ChangeSet:
    """Return the changes after `since`. The arguments are already validated."""
    since, first = args.get("since"), args.get("first")
    start = 0 if since is None else registry.version_position(world.audience, since)
    assert start is not None
    total = len(world.articles)
    stop = min(total, start + (DEFAULT_SIZE if first is None else first))
    slugs = sorted(world.by_slug)[start:stop]
    nodes = tuple(
        Change(world.by_slug[slug], Version(world.audience, position, total))
        for position, slug in enumerate(slugs, start + 1)
    )
    return ChangeSet(nodes, Version(world.audience, stop, total), stop < total)


def changes_error(args: Mapping[str, Any], audience: str, registry: Registry) -> str | None:
    """Return the error code of the arguments, or None. Another audience's version may be valid."""
    first, since = args.get("first"), args.get("since")
    if first is not None and not 0 <= first <= MAX_SIZE:
        return "BAD_PAGE"
    if since is None or registry.version_position(audience, since) is not None:
        return None
    return UNDETERMINED if since in registry.versions() else "BAD_VERSION"
