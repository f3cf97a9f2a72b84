"""What resolvers work on, and what they find out about a request while it runs."""

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
    """`derived` gives what needs a renderer or the file's bytes, by field; `now` is nanoseconds since 1970.
    `similar` gives the articles that a program holds to be like one, or a marker.

    `refusals`: what only execution finds to refuse. `undetermined`: why the text leaves the answer open.
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


def place_of(info: Info) -> str:
    return f"{info.parent_type.name}.{info.field_name}"


def refuse(info: Info, code: str) -> None:
    """Refuses the request for this field, once it has run."""
    path = tuple(str(key) for key in info.path.as_list() if not isinstance(key, int))
    info.context.refusals.append(Refusal(code, path))
