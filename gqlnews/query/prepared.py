"""Prepare an operation: bind the values of a request, and compile and cache one statement per shape."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from graphql import GraphQLError, VariableValues, get_argument_values, is_non_null_type

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.errors import RequestError
from gqlnews.query.arguments import ResolvedArguments
from gqlnews.query.complexity import ComplexityCounter, complexity_tree, count_fields
from gqlnews.query.cost import CostEstimator
from gqlnews.query.entities import Audience
from gqlnews.query.fields import ChangeFeedField, Column, ConnectionField, Differences, Literal, StatsFacet
from gqlnews.query.planner import restrict_to
from gqlnews.query.scan import NO_SCAN_WORK, Scans, ScanWork
from gqlnews.query.sql import ERROR_PREFIX, Rendered, render_change_filter, render_root
from gqlnews.query.sql.changes import BEFORE_KEYS, EVENTS, KEYS
from gqlnews.query.sql.compile import Statement, compile_statement
from gqlnews.query.sql.dialect import Dialect
from gqlnews.query.sql.rows import bound_name
from gqlnews.query.sql.sqlite import SQLITE
from gqlnews.query.tree import (
    DeferredFragment,
    FieldPlan,
    LocatedRequestError,
    OperationPlan,
    RootPlan,
    restricted_error,
)
from gqlnews.time_budget import check_time_budget

# Bind the values of a request.

WITHOUT_ARGUMENTS = Column | Literal | ConnectionField | ChangeFeedField | StatsFacet | Differences
Render = Callable[[RootPlan, Audience, Mapping[int, Hashable], Dialect], Rendered]
SqlCall = tuple[str, tuple[object, ...]]
"""SQL text and its parameters."""

OPERATION_BYTES, FIELD_BYTES = 2_500, 350  # size of a plan: fixed, and per field
COMPILE_SECONDS = 50e-6  # to render and compile one comparison of a filter in one subquery


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """The bound statement of a root field. `nullable`: the field may be null."""

    statement: SqlCall
    nullable: bool
    errors: tuple[LocatedRequestError, ...] = ()

    @property
    def sql(self) -> str:
        return self.statement[0]

    def reported_error(self, result: bytes | None) -> LocatedRequestError | None:
        """Return the error that the statement reports instead of a result, or None."""
        if result is None or not result.startswith(ERROR_PREFIX.encode()):
            return None
        return self.errors[int(result[len(ERROR_PREFIX) :])]


@dataclass(frozen=True, slots=True)
class BoundOperation:
    """The root fields of a request by response key: their statements, or their errors.

    `keys` are in response order. `constants` is the JSON of `__typename`, which has no statement. `complete`:
    queries and constants cover the whole operation. `statements` are the distinct ones; those in
    `uncacheable` depend on the current time. `cost`: the maximum number of objects in the response.
    `scan_work`: the scans of the root fields, from which the scan work is computed (scan.py). `since` is the
    version that the client has seen, if it passes one: its epoch and number.
    """

    queries: Mapping[str, BoundQuery]
    failures: Mapping[str, GraphQLError]
    complete: bool
    keys: Collection[str] = ()
    constants: Mapping[str, bytes] = field(default_factory=dict)
    statements: Sequence[SqlCall] = ()
    uncacheable: frozenset[SqlCall] = frozenset()
    cost: int = 0
    scan_work: ScanWork = NO_SCAN_WORK
    since: tuple[str, int] | None = None

    @property
    def cacheable(self) -> bool:
        """Whether no bound value depends on the current time."""
        return not self.uncacheable


EMPTY_OPERATION = BoundOperation({}, {}, complete=False)


@dataclass(frozen=True, slots=True)
class BoundSubscription:
    """The bound statements of a subscription.

    `arguments` are the arguments of its root field; `since` is the version that the client has seen, if any.
    """

    key: str
    _render_statement: Statement
    _filter_statement: Statement
    arguments: ResolvedArguments
    field: FieldPlan
    cost: int
    since: tuple[str, int] | None
    _values: Mapping[str, object]

    def render_events(self, events: str) -> SqlCall:
        """Return the statement that renders each event (JSON, see query/sql/changes.py) as a line of JSON."""
        return self._bind_values(self._render_statement, {EVENTS: events})

    def filter_changes(self, before_keys: str, keys: str) -> SqlCall:
        """Return the statement that selects which of these keys (JSON arrays) pass the filter."""
        return self._bind_values(self._filter_statement, {BEFORE_KEYS: before_keys, KEYS: keys})

    @property
    def identity(self) -> Hashable:
        """Return a key, equal for subscriptions that deliver the same events with the same selection."""
        return self.key, self.render_events(""), self.filter_changes("", "")

    def _bind_values(self, statement: Statement, values: Mapping[str, str]) -> SqlCall:
        named = {bound_name(self.field.number, name): value for name, value in values.items()}
        return statement.sql, statement.bind({**self._values, **named})


@dataclass(frozen=True, slots=True)
class BoundIncrement:
    """One increment of the response: the plan of each root field that contributes to it, and its statement.

    `constants` is the JSON of `__typename`, which has no statement. The first increment has the fields that
    are not deferred, each further one those of a deferred fragment.
    """

    plans: Mapping[str, FieldPlan]
    queries: Mapping[str, BoundQuery]
    constants: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class BoundIncrements:
    """An incremental response: the initial increment, and one increment per deferred fragment."""

    fragments: tuple[DeferredFragment, ...]
    increments: tuple[BoundIncrement, ...]


class PreparedOperation:
    """The plan of one operation, and the statements compiled from it. Thread-safe.

    `size` is the estimated size in bytes; it grows with the statements.
    """

    def __init__(self, plan: OperationPlan, limits: Limits = UNLIMITED, dialect: Dialect = SQLITE) -> None:
        self.plan, self.dialect = plan, dialect
        self.statements: dict[tuple[Hashable, ...], Statement] = {}
        self.size = OPERATION_BYTES + _plan_size(plan.roots)
        self._increments: list[Mapping[str, RootPlan]] = []
        self._restricted, self._constants = plan.first_restricted(), plan.constants()
        self._lock = Lock()
        nodes = ((key, complexity_tree(root)) for key, root in plan.roots.items())
        self._complexity = {key: node for key, node in nodes if node is not None}
        self._estimator = CostEstimator(tuple(plan.roots.values()), limits)

    def bind(self, variables: VariableValues, audience: Audience) -> BoundOperation:
        """Bind the request's values.

        Raises LocatedRequestError if an argument is invalid or a limit is exceeded, and TimeBudgetExceeded.
        """
        queries, failures, uncacheable = {}, dict(self.plan.failures), set()
        bounds, cost, scans = self._bind_roots(variables, audience)
        for key, bound in bounds.items():
            if bound.failure is not None:
                failures[key] = bound.failure
            elif key not in self._constants:
                query = queries[key] = self._bind_query(self.plan.roots[key], bound, audience)
                if bound.uses_clock:
                    uncacheable.add(query.statement)
        return BoundOperation(
            queries,
            failures,
            self.plan.complete and not failures,
            self.plan.roots.keys(),
            self._constants,
            tuple(dict.fromkeys(query.statement for query in queries.values())),
            frozenset(uncacheable),
            cost,
            ScanWork(scans),
            max(filter(None, (bound.since for bound in bounds.values())), default=None),
        )

    def estimate_cost(self, variables: VariableValues, audience: Audience) -> int:
        """Return the cost. Raises the errors of `bind`, and the GraphQLError of an argument or root field."""
        return self._bind_valid_roots(variables, audience)[1]

    def bind_subscription(self, variables: VariableValues, audience: Audience) -> BoundSubscription:
        """Bind a subscription to the statements that filter and render its events.

        Raises the same errors as `bind`, and the GraphQLError of its one root field.
        """
        bounds, cost = self._bind_valid_roots(variables, audience)
        ((key, bound),) = bounds.items()
        root = self.plan.roots[key]
        return BoundSubscription(
            key,
            self._get_statement(root, bound, audience, render_root),
            self._get_statement(root, bound, audience, render_change_filter),
            bound.arguments[root.field.number],
            root.field,
            cost,
            bound.since,
            bound.values(),
        )

    def rebind(self, bound: BoundSubscription, variables: VariableValues) -> BoundSubscription:
        """Rebind a subscription so that values relative to the current time are up to date."""
        rebound = _bind(self.plan.roots[bound.key], variables, Audience.EDITOR)  # it was checked before
        return replace(bound, arguments=rebound.arguments[bound.field.number], _values=rebound.values())

    def bind_increments(self, variables: VariableValues, audience: Audience) -> BoundIncrements | None:
        """Bind an incremental response; None if it must be a single response. Raises the same as `bind`."""
        plan = self.plan
        if plan.failures or not plan.complete or not (plan.fragments or plan.uses_stream):
            return None
        bounds, _, _ = self._bind_roots(variables, audience)
        if any(bound.failure for bound in bounds.values()):
            return None
        increments = [
            BoundIncrement(
                {key: root.field for key, root in roots.items()},
                {
                    key: self._bind_query(root, bounds[key], audience)
                    for key, root in roots.items()
                    if key not in self._constants
                },
                {key: self._constants[key] for key in roots if key in self._constants},
            )
            for roots in self._increment_plans()
        ]
        return BoundIncrements(plan.fragments, tuple(increments))

    def _increment_plans(self) -> Sequence[Mapping[str, RootPlan]]:
        """Return the root fields that contribute to each increment, restricted to it."""
        with self._lock:
            if not self._increments:
                for number in range(1 + len(self.plan.fragments)):
                    restricted = ((key, restrict_to(root, number)) for key, root in self.plan.roots.items())
                    roots = {key: root for key, root in restricted if root is not None}
                    self._increments.append(roots)
                    self.size += _plan_size(roots)
        return self._increments

    def _bind_roots(
        self, variables: VariableValues, audience: Audience
    ) -> "tuple[dict[str, _BoundRoot], int, dict[str, Scans]]":
        """Return the resolved arguments of each root field, the query cost, and the scans by response key."""
        if self._restricted is not None and audience is not Audience.EDITOR:
            raise restricted_error(self._restricted, self._restricted.node.name.value, "count")
        plans = self.plan.roots
        bounds = {key: _bind(root, variables, audience) for key, root in plans.items()}
        complexity = ComplexityCounter()
        scans: dict[str, Scans] = {}
        for key, node in self._complexity.items():
            before, bound = complexity.comparisons, bounds[key]
            if root_scans := complexity.add(node, bound.arguments):
                scans[key] = root_scans
            bound.comparisons = complexity.comparisons - before
        cost = self._estimator.estimate([bound.arguments for bound in bounds.values()], scans)
        return bounds, cost, scans

    def _bind_valid_roots(
        self, variables: VariableValues, audience: Audience
    ) -> "tuple[dict[str, _BoundRoot], int]":
        """Return the resolved arguments of each root field, and the cost. Also raises their failures."""
        bounds, cost, _ = self._bind_roots(variables, audience)
        for failure in (*self.plan.failures.values(), *(bound.failure for bound in bounds.values())):
            if failure is not None:
                raise failure
        return bounds, cost

    def _get_statement(
        self, root: RootPlan, bound: "_BoundRoot", audience: Audience, render: Render
    ) -> Statement:
        """Return the cached statement, or compile it. `root` is one of the operation's plans, not a copy."""
        shapes = {number: arguments.shape for number, arguments in bound.arguments.items()}
        cache_key = (id(root), audience, render, *shapes.values())
        statement = self.statements.get(cache_key)
        if statement is None:
            check_time_budget(COMPILE_SECONDS * bound.comparisons)
            statement = compile_statement(render(root, audience, shapes, self.dialect), self.dialect)
            with self._lock:
                self.statements[cache_key] = statement
                self.size += statement.size
        return statement

    def _bind_query(self, root: RootPlan, bound: "_BoundRoot", audience: Audience) -> BoundQuery:
        statement = self._get_statement(root, bound, audience, render_root)
        call = (statement.sql, statement.bind(bound.values()))
        return BoundQuery(call, not is_non_null_type(root.field.definition.type), statement.errors)


def _plan_size(roots: Mapping[str, RootPlan]) -> int:
    return FIELD_BYTES * sum(count_fields(root.field) for root in roots.values())


@dataclass(slots=True)
class _BoundRoot:
    """The resolved arguments of a root field and the fields below it, by field number.

    `failure`: the GraphQLError of an argument value, such as null for a non-null argument. `comparisons`: the
    number of comparisons in filters, each counted as often as it is compiled.
    """

    arguments: dict[int, ResolvedArguments] = field(default_factory=dict)
    failure: GraphQLError | None = None
    comparisons: int = 0

    @property
    def uses_clock(self) -> bool:
        return any(arguments.uses_clock for arguments in self.arguments.values())

    @property
    def since(self) -> tuple[str, int] | None:
        """The version that the client has seen, from the arguments of a change feed."""
        for arguments in self.arguments.values():
            epoch, since = arguments.values.get("epoch"), arguments.values.get("since")
            if isinstance(epoch, str) and isinstance(since, int):
                started = arguments.values.get("started")
                return epoch, max(since, started) if isinstance(started, int) else since
        return None

    def values(self) -> dict[str, object]:
        """Return the bound values by parameter name."""
        return {
            bound_name(number, name): value
            for number, arguments in self.arguments.items()
            for name, value in arguments.values.items()
        }


def _bind(root: RootPlan, variables: VariableValues, audience: Audience) -> _BoundRoot:
    bound = _BoundRoot()
    for plan in root.argument_fields:
        try:
            arguments = get_argument_values(plan.definition, plan.node, variables)
        except GraphQLError as error:  # a LocatedRequestError of a later field takes precedence
            bound.failure = bound.failure or GraphQLError(error.message, error.nodes, path=list(plan.path))
            continue
        declaration = plan.declaration
        assert not isinstance(declaration, WITHOUT_ARGUMENTS), f"{plan.key} has no arguments"
        try:
            resolved = bound.arguments[plan.number] = declaration.arguments(arguments)
        except RequestError as error:
            raise LocatedRequestError(error.code, str(error), plan.node, plan.path) from error
        if resolved.restricted is not None and audience is not Audience.EDITOR:
            raise restricted_error(plan, resolved.restricted, "filter or sort")
    return bound
