"""A planned operation: bind the values of a request, and compile what its shape asks for, once each."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace

from graphql import GraphQLError, VariableValues, get_argument_values, is_non_null_type

from gqlnews.errors import RequestError
from gqlnews.limits import UNLIMITED, Limits
from gqlnews.plan.arguments import Inputs
from gqlnews.plan.audience import Audience
from gqlnews.plan.compile import Statement, compile_statement
from gqlnews.plan.costs import Costs
from gqlnews.plan.declare import Column, Differences, Literal, LogPart, Part, Statistics
from gqlnews.plan.nodes import FieldPlan, Parcel, RefusedError, RootPlan, RootPlans, TooCostlyError
from gqlnews.plan.parcels import pruned
from gqlnews.plan.render import REFUSED, Rendered, render_passing_keys, render_root
from gqlnews.plan.render.context import bound_name
from gqlnews.plan.render.events import EVENTS, KEYS
from gqlnews.plan.scan import NOTHING_SCANNED, Passes, ScanWork
from gqlnews.plan.weights import Place, Weights, places_of
from gqlnews.time_budget import check_time_budget

WITHOUT_ARGUMENTS = Column | Literal | Part | LogPart | Statistics | Differences
Render = Callable[[RootPlan, Audience, Mapping[int, Hashable]], Rendered]
Ran = tuple[str, tuple[object, ...]]
"""SQL text, and what it binds."""

WHOLE = -1  # no part
MOST_SHAPES = 64  # of one operation; past it the oldest is forgotten
COMPILE_SECONDS = 50e-6  # to render and compile one test of a filter, at one place where its list is read


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, ready to run.

    `nullable`: its field may be null. `timeless`: nothing that it binds is of the clock.
    """

    statement: Ran
    nullable: bool
    timeless: bool
    refusals: tuple[RefusedError, ...] = ()

    @property
    def sql(self) -> str:
        return self.statement[0]

    def refusal(self, answer: bytes | None) -> RefusedError | None:
        """Why the statement has refused the request, where its answer says so."""
        if answer is None or not answer.startswith(REFUSED.encode()):
            return None
        return self.refusals[int(answer[len(REFUSED) :])]


@dataclass(frozen=True, slots=True)
class BoundOperation:
    """The statements of a request by response key, and the errors of the root fields that have none.

    `complete`: they are all that the operation asks for. `timeless`: nothing that the request binds is of the
    clock. `cost`: how many objects the answer can hold. `scan`: what each root field reads of the store
    (scan.py).
    """

    queries: Mapping[str, Query]
    failures: Mapping[str, GraphQLError]
    complete: bool
    timeless: bool
    cost: int = 0
    scan: ScanWork = NOTHING_SCANNED


NOTHING_BOUND = BoundOperation({}, {}, complete=False, timeless=False)


@dataclass(frozen=True, slots=True)
class BoundSubscription:
    """What the events of a subscription are made with. `inputs` is what the arguments were read to."""

    key: str
    _telling: Statement
    _passing: Statement
    inputs: Inputs
    field: FieldPlan
    cost: int
    _values: Mapping[str, object]

    def tell(self, events: str) -> "Ran":
        """Of events, JSON as plan/render/events.py has it, what is told of each: lines of JSON."""
        return self._given(self._telling, EVENTS, events)

    def passing(self, keys: str) -> "Ran":
        """Of a JSON array of keys, those of rows that pass: a JSON array."""
        return self._given(self._passing, KEYS, keys)

    @property
    def identity(self) -> Hashable:
        """Equal where the same events are told in the same words."""
        return self.key, self.tell(""), self.passing("")

    def _given(self, statement: Statement, name: str, value: str) -> "Ran":
        values = {**self._values, bound_name(self.field.number, name): value}
        return statement.sql, statement.bind(values)


@dataclass(frozen=True, slots=True)
class BoundPart:
    """What comes at once: of each root field that has some of it the plan, and the statement."""

    plans: Mapping[str, FieldPlan]
    queries: Mapping[str, Query]


@dataclass(frozen=True, slots=True)
class BoundParts:
    """An answer in parts: the first, and one for each parcel."""

    parcels: tuple[Parcel, ...]
    parts: tuple[BoundPart, ...]


@dataclass(slots=True)
class PlannedOperation:
    """The root plans of one operation, and the statements compiled from them so far."""

    roots: RootPlans
    limits: Limits = UNLIMITED
    statements: dict[tuple[Hashable, ...], Statement] = field(default_factory=dict)
    size: int = 0  # bytes that the statements take, about
    _costs: Costs = field(init=False)
    _places: Mapping[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        places = ((key, places_of(root)) for key, root in self.roots.plans.items())
        self._places = {key: place for key, place in places if place is not None}
        self._costs = Costs(tuple(self.roots.plans.values()), self.limits)

    def bind(self, variables: VariableValues, audience: Audience) -> BoundOperation:
        """Refuses, with a `RefusedError`, what any argument of the operation refuses."""
        queries, failures = {}, dict(self.roots.failures)
        bounds, cost, passes = self._bounds(variables)
        for key, bound in bounds.items():
            if bound.failure is None:
                queries[key] = self._query(key, bound, audience, self.roots.plans[key])
            else:
                failures[key] = bound.failure
        timeless = all(bound.timeless for bound in bounds.values())
        complete = self.roots.complete and not failures
        return BoundOperation(
            queries, failures, complete, timeless=timeless, cost=cost, scan=ScanWork(passes)
        )

    def watch(self, variables: VariableValues, audience: Audience) -> BoundSubscription:
        """Of a subscription: what its events are made with.

        Refuses as `bind` does; raises the GraphQLError of its one field.
        """
        bounds, cost, _ = self._bounds(variables)
        for failure in (*self.roots.failures.values(), *(bound.failure for bound in bounds.values())):
            if failure is not None:
                raise failure
        ((key, bound),) = bounds.items()
        root = self.roots.plans[key]
        plan = root.field
        inputs = bound.inputs[plan.number]
        return BoundSubscription(
            key,
            self._statement(key, bound, audience, render_root, root),
            self._statement(key, bound, audience, render_passing_keys, root),
            inputs,
            plan,
            cost,
            bound.values(),
        )

    def renew(self, bound: BoundSubscription, variables: VariableValues) -> BoundSubscription:
        """The same statements with the values of now: only what reads the clock differs."""
        fresh = _bind(self.roots.plans[bound.key], variables)
        return replace(bound, inputs=fresh.inputs[bound.field.number], _values=fresh.values())

    def bind_parts(self, variables: VariableValues, audience: Audience) -> "BoundParts | None":
        """The statements of an answer in parts; None where it is to come whole. Refuses as `bind` does."""
        roots = self.roots
        if roots.failures or not roots.complete or not (roots.parcels or roots.streams):
            return None
        bounds, _, _ = self._bounds(variables)
        if any(bound.failure for bound in bounds.values()):
            return None
        parts = tuple(self._part(number, bounds, audience) for number in range(1 + len(self.roots.parcels)))
        return BoundParts(self.roots.parcels, parts)

    def _part(self, number: int, bounds: "Mapping[str, _Bound]", audience: Audience) -> "BoundPart":
        plans, queries = {}, {}
        for key, bound in bounds.items():
            plan = pruned(self.roots.plans[key], number)
            if plan is not None:
                plans[key] = plan.field
                queries[key] = self._query(key, bound, audience, plan, number)
        return BoundPart(plans, queries)

    def _bounds(self, variables: VariableValues) -> "tuple[dict[str, _Bound], int, dict[str, Passes]]":
        """The arguments of each root field, what they let the answer cost, and what they have read."""
        plans = self.roots.plans
        bounds = {key: _bind(root, variables) for key, root in plans.items()}
        weights = Weights()
        passes: dict[str, Passes] = {}
        for key, place in self._places.items():
            before, bound = weights.tests, bounds[key]
            if some := weights.add(place, bound.inputs):
                passes[key] = some
            bound.tests = weights.tests - before
        return bounds, self._cost(bounds, passes), passes

    def _cost(self, bounds: "Mapping[str, _Bound]", passes: Mapping[str, Passes]) -> int:
        try:
            return self._costs.of([bound.inputs for bound in bounds.values()])
        except TooCostlyError as error:
            error.passes = passes
            raise

    def _statement(
        self, key: str, bound: "_Bound", audience: Audience, render: Render, plan: RootPlan, part: int = WHOLE
    ) -> Statement:
        """Compiled, or as it was; `plan` is that of the root field, or of a part of it."""
        shapes = {number: inputs.shape for number, inputs in bound.inputs.items()}
        kept = (key, audience, render, part, *shapes.values())
        statement = self.statements.get(kept)
        if statement is None:
            check_time_budget(COMPILE_SECONDS * bound.tests)
            statement = compile_statement(render(plan, audience, shapes))
            self._add(kept, statement)
        return statement

    def _add(self, key: tuple[Hashable, ...], statement: Statement) -> None:
        while len(self.statements) >= MOST_SHAPES:
            self.size -= self.statements.pop(next(iter(self.statements))).size
        self.statements[key] = statement
        self.size += statement.size

    def merge(self, other: "PlannedOperation") -> None:
        """Take over what another plan of the same operation has compiled."""
        for key, statement in other.statements.items():
            if key not in self.statements:
                self._add(key, statement)

    def _query(
        self, key: str, bound: "_Bound", audience: Audience, plan: RootPlan, part: int = WHOLE
    ) -> Query:
        statement = self._statement(key, bound, audience, render_root, plan, part)
        nullable = not is_non_null_type(self.roots.plans[key].field.definition.type)
        ran = (statement.sql, statement.bind(bound.values()))
        return Query(ran, nullable, bound.timeless, statement.refusals)


@dataclass(slots=True)
class _Bound:
    """The arguments of a root field's subtree; `failure`: a variable is null where a value must be.

    `tests` of its filters, each as often as it is compiled.
    """

    inputs: dict[int, Inputs] = field(default_factory=dict)
    failure: GraphQLError | None = None
    tests: int = 0

    @property
    def timeless(self) -> bool:
        return not any(inputs.clock for inputs in self.inputs.values())

    def values(self) -> dict[str, object]:
        """What the statement binds, by name."""
        return {
            bound_name(number, name): value
            for number, inputs in self.inputs.items()
            for name, value in inputs.values.items()
        }


def _bind(root: RootPlan, variables: VariableValues) -> _Bound:
    bound = _Bound()
    for plan in root.inputs:
        try:
            arguments = get_argument_values(plan.definition, plan.node, variables)
        except GraphQLError as error:  # and go on: what is refused elsewhere refuses the request all the same
            bound.failure = bound.failure or GraphQLError(error.message, error.nodes, path=list(plan.path))
            continue
        declaration = plan.declaration
        assert not isinstance(declaration, WITHOUT_ARGUMENTS), f"{plan.key} takes no arguments"
        try:
            bound.inputs[plan.number] = declaration.arguments(arguments)
        except RequestError as error:
            raise RefusedError(error, plan.node, plan.path) from error
    return bound
