"""The context of resolvers, and what they record during a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo

from .filters import Scene
from .markers import Registry
from .records import Article
from .refusal import Refusal
from .world import World

Info: TypeAlias = "GraphQLResolveInfo[Context]"
Resolver: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Context:
    """The context of a request.

    - `derived`: fields that need a renderer or the file's bytes.
    - `now`: nanoseconds since 1970.
    - `similar`: the articles that a program considers similar to one, or a marker.
    - `refusals`: errors that only execution finds.
    - `undetermined`: why the contract leaves the response open.
    """

    world: World
    registry: Registry
    derived: Callable[[Article], Mapping[str, Any]]
    now: int
    similar: Callable[[Article, int], Any]
    refusals: list[Refusal] = field(default_factory=list)
    undetermined: list[str] = field(default_factory=list)

    @property
    def scene(self) -> Scene:
        return Scene(self.world, self.now)


def world(info: Info) -> World:
    context: Context = info.context
    return context.world


def list_name(info: Info) -> str:
    return f"{info.parent_type.name}.{info.field_name}"


def record_error(info: Info, code: str) -> None:
    """Reject the request because of this field, after it has run."""
    path = tuple(str(key) for key in info.path.as_list() if not isinstance(key, int))
    info.context.refusals.append(Refusal(code, path))
