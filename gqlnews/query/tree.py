"""The plan tree of an operation: plain frozen data that the renderer reads.

A document has one plan for each operation and each combination of values of its `@skip` and `@include`
variables.

The structure follows pg_graphql: a field becomes a `FieldPlan`, its selection set an `ObjectPlan`, and so on
recursively.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson
from graphql import FieldNode, GraphQLError, GraphQLField

from gqlnews.errors import Code, RequestError
from gqlnews.query.entities import Entity
from gqlnews.query.fields import Declaration, Literal, TermsFacet


class LocatedRequestError(RequestError):
    """A request error that is located at a field: its node in the document and its path in the response.

    Like every request error, it rejects the whole request.
    """

    def __init__(self, code: Code, message: str, node: FieldNode, path: tuple[str, ...]) -> None:
        super().__init__(code, message)
        self.node, self.path = node, path


@dataclass(frozen=True, slots=True)
class DeferredFragment:
    """A deferred fragment: its path in the response, without list indices, and its label.

    `parent` is the number of the deferred fragment that encloses it, 0 if there is none.
    """

    path: tuple[str, ...]
    label: str | None
    parent: int


@dataclass(frozen=True, slots=True)
class StreamDirective:
    """The `@stream` directive of a list: the number of items in the initial payload, and its label."""

    initial_count: int
    label: str | None


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """The selected fields of one concrete type, in response order."""

    type_name: str
    entity: Entity | None
    fields: tuple["FieldPlan", ...]

    def below(self, declaration: Declaration) -> list["FieldPlan"]:
        """Return the fields that are selected below the fields with this declaration."""
        return [
            below for field in self.fields if field.declaration is declaration for below in field.children
        ]


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One response field.

    `number` identifies the field below its root field; the names of its bound values start with it. `objects`
    are the plans of its selection by concrete type. `fragment` is the number of the deferred fragment that
    delivers the field, 0 for the initial payload.
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
        """The plan of the selection, for a field with exactly one concrete type."""
        (plan,) = self.objects.values()
        return plan

    @property
    def children(self) -> Iterator["FieldPlan"]:
        """The fields of the selection, of all concrete types."""
        return (field for selection in self.objects.values() for field in selection.fields)


def is_restricted(plan: FieldPlan) -> bool:
    """Return whether the field counts values that only editors may see."""
    return isinstance(plan.declaration, TermsFacet) and plan.declaration.editor_only


def restricted_error(plan: FieldPlan, name: str, verb: str) -> LocatedRequestError:
    message = f"Only editors may {verb} by `{name}`: send an editor's token, or leave it out."
    return LocatedRequestError(Code.FORBIDDEN, message, plan.node, plan.path)


def walk_fields(plan: FieldPlan) -> Iterator[FieldPlan]:
    """Yield a field and all fields below it."""
    yield plan
    for child in plan.children:
        yield from walk_fields(child)


@dataclass(frozen=True, slots=True)
class RootPlan:
    """A root field and all fields with arguments in its subtree (including itself), outermost first."""

    field: FieldPlan
    argument_fields: tuple[FieldPlan, ...]


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """The plans of an operation's root fields by response key, in response order.

    `failures` are the errors of root fields whose selection cannot be collected. `complete`: every root field
    has a plan. `fragments` are the deferred fragments, numbered from 1. `uses_stream`: a list has `@stream`.
    """

    roots: Mapping[str, RootPlan]
    failures: Mapping[str, GraphQLError]
    complete: bool
    fragments: tuple[DeferredFragment, ...] = ()
    uses_stream: bool = False

    def first_restricted(self) -> FieldPlan | None:
        """Return the first field that counts values which only editors may see."""
        fields = (field for root in self.roots.values() for field in walk_fields(root.field))
        return next((field for field in fields if is_restricted(field)), None)

    def constants(self) -> dict[str, bytes]:
        """Return the JSON of the root fields that have no statement, `__typename`."""
        declarations = ((key, root.field.declaration) for key, root in self.roots.items())
        return {key: orjson.dumps(one.text) for key, one in declarations if isinstance(one, Literal)}
