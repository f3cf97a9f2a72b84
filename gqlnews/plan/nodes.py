"""The plan of an operation: plain frozen data, made once a document and read by the renderer.

The words are pg_graphql's: a root field becomes a `FieldPlan`, its selection an `ObjectPlan`, and so on down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import FieldNode, GraphQLError, GraphQLField

from gqlnews.errors import RequestError
from gqlnews.plan.declare import Declaration, Entity
from gqlnews.plan.scan import Passes


class RefusedError(RequestError):
    """What refuses the whole request, with the field that it stands at."""

    def __init__(self, error: RequestError, node: FieldNode, path: tuple[str, ...]) -> None:
        super().__init__(error.code, str(error))
        self.node, self.path = node, path


class TooCostlyError(RefusedError):
    """The request would cost more than it may. `passes`: what it would have read, by root field."""

    def __init__(self, error: RequestError, node: FieldNode, path: tuple[str, ...], cost: int) -> None:
        super().__init__(error, node, path)
        self.cost = cost
        self.passes: Mapping[str, Passes] = {}


@dataclass(frozen=True, slots=True)
class Parcel:
    """A deferred fragment: where it stands, by response keys, and the parcel that has to come before it."""

    path: tuple[str, ...]
    label: str | None
    parent: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A list of which only the first items come at once."""

    initial: int
    label: str | None


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """The fields to give of each object of one type, in the order of the answer."""

    type_name: str
    entity: Entity | None
    fields: tuple["FieldPlan", ...]


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field of the answer. `number` names its bound values; `objects` is keyed by concrete type.

    `parcel`: which part of the answer it comes in, where that comes in parts; 0 is the first.
    """

    key: str
    number: int
    declaration: Declaration
    definition: GraphQLField
    node: FieldNode
    path: tuple[str, ...]
    objects: Mapping[str, ObjectPlan] = field(default_factory=dict)
    parcel: int = 0
    stream: Stream | None = None

    @property
    def selection(self) -> ObjectPlan:
        """The selection of a field whose type is one object type."""
        (plan,) = self.objects.values()
        return plan


@dataclass(frozen=True, slots=True)
class RootPlan:
    """A root field, and all fields of its subtree that have arguments, itself included, outermost first."""

    field: FieldPlan
    inputs: tuple[FieldPlan, ...]


@dataclass(frozen=True, slots=True)
class RootPlans:
    """The plans of an operation's root fields by response key, in the order of the answer.

    `failures` are the errors of those whose selection cannot be told. `complete`: every root field has its
    plan. `parcels` are the deferred fragments, of which the first is number 1; `streams`: a list is streamed.
    """

    plans: Mapping[str, RootPlan]
    failures: Mapping[str, GraphQLError]
    complete: bool
    parcels: tuple[Parcel, ...] = ()
    streams: bool = False
