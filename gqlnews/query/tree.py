"""The plan tree of an operation: plain frozen data, built once per document and read by the renderer.

The structure follows pg_graphql: a field becomes a `FieldPlan`, its selection set an `ObjectPlan`, and so on
recursively.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import FieldNode, GraphQLError, GraphQLField

from gqlnews.errors import RequestError
from gqlnews.query.fields import Declaration, Entity
from gqlnews.query.scan import Passes


class RequestRefusedError(RequestError):
    """An error that fails the whole request, with the field that it is located at."""

    def __init__(self, error: RequestError, node: FieldNode, path: tuple[str, ...]) -> None:
        super().__init__(error.code, str(error))
        self.node, self.path = node, path


class CostLimitError(RequestRefusedError):
    """The request exceeds the cost limit. `passes`: the scans it would have run, by root field."""

    def __init__(self, error: RequestError, node: FieldNode, path: tuple[str, ...], cost: int) -> None:
        super().__init__(error, node, path)
        self.cost = cost
        self.passes: Mapping[str, Passes] = {}


@dataclass(frozen=True, slots=True)
class DeferredFragment:
    """A deferred fragment: its path in the response, and the number of the fragment that encloses it."""

    path: tuple[str, ...]
    label: str | None
    parent: int


@dataclass(frozen=True, slots=True)
class StreamDirective:
    """The `@stream` directive of a list: how many items are in the initial response."""

    initial_count: int
    label: str | None


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """The selected fields of one concrete type, in response order."""

    type_name: str
    entity: Entity | None
    fields: tuple["FieldPlan", ...]


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One response field. `number` prefixes its bound values; `objects` is keyed by concrete type.

    `fragment`: the number of the deferred fragment that delivers it; 0 is the initial response.
    """

    key: str
    number: int
    declaration: Declaration
    definition: GraphQLField
    node: FieldNode
    path: tuple[str, ...]
    objects: Mapping[str, ObjectPlan] = field(default_factory=dict)
    fragment: int = 0
    stream: StreamDirective | None = None

    @property
    def selection(self) -> ObjectPlan:
        """The selection of a field whose type is a single object type."""
        (plan,) = self.objects.values()
        return plan


@dataclass(frozen=True, slots=True)
class RootPlan:
    """A root field and all fields with arguments in its subtree (including itself), outermost first."""

    field: FieldPlan
    argument_fields: tuple[FieldPlan, ...]


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """The plans of an operation's root fields by response key, in response order.

    `failures` are the errors of root fields whose selection cannot be collected. `complete`: every root field
    has a plan. `fragments` are the deferred fragments, numbered from 1; `streams`: a list uses `@stream`.
    """

    plans: Mapping[str, RootPlan]
    failures: Mapping[str, GraphQLError]
    complete: bool
    fragments: tuple[DeferredFragment, ...] = ()
    streams: bool = False
