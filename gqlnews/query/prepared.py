"""Prepared operation: bind the values of a request; compile one statement per shape and cache it."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace

from graphql import GraphQLError, VariableValues, get_argument_values, is_non_null_type
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.errors import RequestError
from gqlnews.query.arguments import ResolvedArguments
from gqlnews.query.complexity import ComplexityCounter, Place, places_of
from gqlnews.query.cost import CostEstimator
from gqlnews.query.fields import (
    Audience,
    ChangeFeedField,
    Column,
    ConnectionField,
    Differences,
    Literal,
    StatsFacet,
)
from gqlnews.query.planner import pruned
from gqlnews.query.scan import NOTHING_SCANNED, Passes, ScanWork
from gqlnews.query.sql import REFUSED, Rendered, render_passing_keys, render_root
from gqlnews.query.sql.changes import EVENTS, KEYS
from gqlnews.query.sql.rows import AnySelect, bound_name
from gqlnews.query.tree import (
    CostLimitError,
    DeferredFragment,
    FieldPlan,
    OperationPlan,
    RequestRefusedError,
    RootPlan,
)
from gqlnews.time_budget import check_time_budget

# Compile a rendered statement to SQL text and its positional parameters.
#
# Each CTE is compiled on its own and the texts are joined here, so the depth that SQLAlchemy's compiler sees
# is that of one CTE, however deep the request is.


PLACE_BYTES = 200

_DIALECT = SQLiteDialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A positional `?` placeholder: the name of a request value, or a constant set by SQLAlchemy."""

    name: str
    constant: object


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text, its `?` placeholders in order, and the errors that it can return instead of a result."""

    sql: str
    places: tuple[Placeholder, ...]
    refusals: tuple[RequestRefusedError, ...] = ()

    @property
    def size(self) -> int:
        """Approximate memory use in bytes."""
        return len(self.sql) + PLACE_BYTES * (1 + len(self.places))

    def bind(self, values: Mapping[str, object]) -> tuple[object, ...]:
        return tuple(values.get(place.name, place.constant) for place in self.places)


def compile_statement(rendered: Rendered) -> Statement:
    """Compile to `WITH RECURSIVE p1 AS MATERIALIZED (…), k2 AS MATERIALIZED (…) SELECT …`."""
    parts = [(name, *_compiled(query)) for name, query in rendered.expressions.items()]
    sql, places = _compiled(rendered.query)
    if parts:
        expressions = ",\n".join(f"{name} AS MATERIALIZED ({text})" for name, text, _ in parts)
        sql = f"WITH RECURSIVE {expressions}\n{sql}"
    bound = (*(place for _, _, some in parts for place in some), *places)
    return Statement(sql, bound, rendered.refusals)


def _compiled(query: AnySelect) -> tuple[str, tuple[Placeholder, ...]]:
    compiled = query.compile(dialect=_DIALECT)
    # SQLAlchemy adds parameters of its own, such as an OFFSET of 0; only those already have a value.
    return str(compiled), tuple(
        Placeholder(name, compiled.params[name]) for name in compiled.positiontup or ()
    )


WITHOUT_ARGUMENTS = Column | Literal | ConnectionField | ChangeFeedField | StatsFacet | Differences
Render = Callable[[RootPlan, Audience, Mapping[int, Hashable]], Rendered]
SqlCall = tuple[str, tuple[object, ...]]
"""SQL text and its parameters."""

WHOLE = -1  # the complete response, not an incremental part
MAX_SHAPES = 64  # cached statements per operation; the oldest is evicted
COMPILE_SECONDS = 50e-6  # to render and compile one test of a filter in one subquery


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A bound statement, ready to run.

    `nullable`: its field may be null. `cacheable`: no bound value depends on the current time.
    """

    statement: SqlCall
    nullable: bool
    cacheable: bool
    refusals: tuple[RequestRefusedError, ...] = ()

    @property
    def sql(self) -> str:
        return self.statement[0]

    def refusal(self, answer: bytes | None) -> RequestRefusedError | None:
        """Return the error that the statement reports instead of a result, or None."""
        if answer is None or not answer.startswith(REFUSED.encode()):
            return None
        return self.refusals[int(answer[len(REFUSED) :])]


@dataclass(frozen=True, slots=True)
class BoundOperation:
    """The statements of a request by response key, and the errors of root fields without a statement.

    `complete`: the statements cover the whole operation. `cacheable`: no bound value depends on the current
    time. `cost`: the maximum number of objects in the response. `scan`: the estimated scan work of the root
    fields (scan.py).
    """

    queries: Mapping[str, BoundQuery]
    failures: Mapping[str, GraphQLError]
    complete: bool
    cacheable: bool
    cost: int = 0
    scan: ScanWork = NOTHING_SCANNED


EMPTY_OPERATION = BoundOperation({}, {}, complete=False, cacheable=False)


@dataclass(frozen=True, slots=True)
class BoundSubscription:
    """The bound statements of a subscription. `inputs` are the resolved arguments of its field."""

    key: str
    _telling: Statement
    _passing: Statement
    inputs: ResolvedArguments
    field: FieldPlan
    cost: int
    _values: Mapping[str, object]

    def tell(self, events: str) -> "SqlCall":
        """Statement that renders events (JSON, see query/sql/changes.py) to one line of JSON each."""
        return self._given(self._telling, EVENTS, events)

    def passing(self, keys: str) -> "SqlCall":
        """Statement that reduces a JSON array of keys to those of rows that pass the filter."""
        return self._given(self._passing, KEYS, keys)

    @property
    def identity(self) -> Hashable:
        """Grouping key: equal for subscriptions that deliver the same events in the same form."""
        return self.key, self.tell(""), self.passing("")

    def _given(self, statement: Statement, name: str, value: str) -> "SqlCall":
        values = {**self._values, bound_name(self.field.number, name): value}
        return statement.sql, statement.bind(values)


@dataclass(frozen=True, slots=True)
class BoundIncrement:
    """One incremental payload: plan and statement of each root field that contributes to it."""

    plans: Mapping[str, FieldPlan]
    queries: Mapping[str, BoundQuery]


@dataclass(frozen=True, slots=True)
class BoundIncrements:
    """An incremental response: the initial part, and one part per deferred fragment."""

    parcels: tuple[DeferredFragment, ...]
    parts: tuple[BoundIncrement, ...]


@dataclass(slots=True)
class PreparedOperation:
    """The root plans of one operation and a cache of the statements compiled from them."""

    roots: OperationPlan
    limits: Limits = UNLIMITED
    statements: dict[tuple[Hashable, ...], Statement] = field(default_factory=dict)
    size: int = 0  # approximate bytes of the cached statements
    _costs: CostEstimator = field(init=False)
    _places: Mapping[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        places = ((key, places_of(root)) for key, root in self.roots.plans.items())
        self._places = {key: place for key, place in places if place is not None}
        self._costs = CostEstimator(tuple(self.roots.plans.values()), self.limits)

    def bind(self, variables: VariableValues, audience: Audience) -> BoundOperation:
        """Bind the request's values.

        Raises RequestRefusedError if any argument is invalid or a limit is exceeded.
        """
        queries, failures = {}, dict(self.roots.failures)
        bounds, cost, passes = self._bounds(variables)
        for key, bound in bounds.items():
            if bound.failure is None:
                queries[key] = self._query(key, bound, audience, self.roots.plans[key])
            else:
                failures[key] = bound.failure
        cacheable = all(bound.cacheable for bound in bounds.values())
        complete = self.roots.complete and not failures
        return BoundOperation(
            queries, failures, complete, cacheable=cacheable, cost=cost, scan=ScanWork(passes)
        )

    def watch(self, variables: VariableValues, audience: Audience) -> BoundSubscription:
        """Bind a subscription to the statements that filter and render its events.

        Raises RequestRefusedError as `bind` does, and the GraphQLError of its one field.
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
        """Rebind a subscription so that values relative to the current time are up to date."""
        fresh = _bind(self.roots.plans[bound.key], variables)
        return replace(bound, inputs=fresh.inputs[bound.field.number], _values=fresh.values())

    def bind_increments(self, variables: VariableValues, audience: Audience) -> "BoundIncrements | None":
        """Bind an incremental response; None if it has to be delivered whole. Raises as `bind` does."""
        roots = self.roots
        if roots.failures or not roots.complete or not (roots.parcels or roots.streams):
            return None
        bounds, _, _ = self._bounds(variables)
        if any(bound.failure for bound in bounds.values()):
            return None
        parts = tuple(self._part(number, bounds, audience) for number in range(1 + len(self.roots.parcels)))
        return BoundIncrements(self.roots.parcels, parts)

    def _part(self, number: int, bounds: "Mapping[str, _Bound]", audience: Audience) -> "BoundIncrement":
        plans, queries = {}, {}
        for key, bound in bounds.items():
            plan = pruned(self.roots.plans[key], number)
            if plan is not None:
                plans[key] = plan.field
                queries[key] = self._query(key, bound, audience, plan, number)
        return BoundIncrement(plans, queries)

    def _bounds(self, variables: VariableValues) -> "tuple[dict[str, _Bound], int, dict[str, Passes]]":
        """Return the resolved arguments of each root field, the query cost, and the scans by root field."""
        plans = self.roots.plans
        bounds = {key: _bind(root, variables) for key, root in plans.items()}
        weights = ComplexityCounter()
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
        except CostLimitError as error:
            error.passes = passes
            raise

    def _statement(
        self, key: str, bound: "_Bound", audience: Audience, render: Render, plan: RootPlan, part: int = WHOLE
    ) -> Statement:
        """Return the cached statement, or compile it. `plan` is that of the root field or a part of it."""
        shapes = {number: inputs.shape for number, inputs in bound.inputs.items()}
        cache_key = (key, audience, render, part, *shapes.values())
        statement = self.statements.get(cache_key)
        if statement is None:
            check_time_budget(COMPILE_SECONDS * bound.tests)
            statement = compile_statement(render(plan, audience, shapes))
            self._add(cache_key, statement)
        return statement

    def _add(self, key: tuple[Hashable, ...], statement: Statement) -> None:
        while len(self.statements) >= MAX_SHAPES:
            self.size -= self.statements.pop(next(iter(self.statements))).size
        self.statements[key] = statement
        self.size += statement.size

    def merge(self, other: "PreparedOperation") -> None:
        """Add the statements compiled by another plan of the same operation."""
        for key, statement in other.statements.items():
            if key not in self.statements:
                self._add(key, statement)

    def _query(
        self, key: str, bound: "_Bound", audience: Audience, plan: RootPlan, part: int = WHOLE
    ) -> BoundQuery:
        statement = self._statement(key, bound, audience, render_root, plan, part)
        nullable = not is_non_null_type(self.roots.plans[key].field.definition.type)
        ran = (statement.sql, statement.bind(bound.values()))
        return BoundQuery(ran, nullable, bound.cacheable, statement.refusals)


@dataclass(slots=True)
class _Bound:
    """The resolved arguments of a root field's subtree.

    `failure`: the GraphQLError of an argument value, such as null for a non-null argument. `tests`: the
    number of filter tests, each counted as often as it is compiled.
    """

    inputs: dict[int, ResolvedArguments] = field(default_factory=dict)
    failure: GraphQLError | None = None
    tests: int = 0

    @property
    def cacheable(self) -> bool:
        return not any(inputs.clock for inputs in self.inputs.values())

    def values(self) -> dict[str, object]:
        """Return the bound values of the statement by name."""
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
        except GraphQLError as error:  # continue: a RequestRefusedError of a later argument takes precedence
            bound.failure = bound.failure or GraphQLError(error.message, error.nodes, path=list(plan.path))
            continue
        declaration = plan.declaration
        assert not isinstance(declaration, WITHOUT_ARGUMENTS), f"{plan.key} takes no arguments"
        try:
            bound.inputs[plan.number] = declaration.arguments(arguments)
        except RequestError as error:
            raise RequestRefusedError(error, plan.node, plan.path) from error
    return bound
