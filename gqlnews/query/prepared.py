"""Prepare an operation: bind the values of a request, and compile and cache one statement per shape."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace

from graphql import GraphQLError, VariableValues, get_argument_values, is_non_null_type
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.errors import RequestError
from gqlnews.query.arguments import ResolvedArguments
from gqlnews.query.complexity import ComplexityCounter, ComplexityNode, complexity_tree
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
from gqlnews.query.planner import restrict_to
from gqlnews.query.scan import NO_SCAN_WORK, Scans, ScanWork
from gqlnews.query.sql import ERROR_PREFIX, Rendered, render_key_filter, render_root
from gqlnews.query.sql.changes import EVENTS, KEYS
from gqlnews.query.sql.rows import AnySelect, bound_name
from gqlnews.query.tree import (
    CostLimitError,
    DeferredFragment,
    FieldPlan,
    LocatedRequestError,
    OperationPlan,
    RootPlan,
)
from gqlnews.time_budget import check_time_budget

# Compile a rendered statement to SQL text and its positional parameters.
#
# Each CTE is compiled on its own and the texts are joined here, so SQLAlchemy's compiler recurses only as
# deep as one CTE, however deep the request is.

PLACEHOLDER_BYTES = 200  # approximate memory use

_DIALECT = SQLiteDialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A positional `?` placeholder: the name of a bound value, or a constant that SQLAlchemy added."""

    name: str
    constant: object


@dataclass(frozen=True, slots=True)
class Statement:
    """Compiled statement.

    `placeholders` are those of the text, in order, and `errors` the errors that it can return instead of a
    result.
    """

    sql: str
    placeholders: tuple[Placeholder, ...]
    errors: tuple[LocatedRequestError, ...] = ()

    @property
    def size(self) -> int:
        """Approximate memory use in bytes."""
        return len(self.sql) + PLACEHOLDER_BYTES * (1 + len(self.placeholders))

    def bind(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the parameters of the statement for these bound values."""
        return tuple(values.get(placeholder.name, placeholder.constant) for placeholder in self.placeholders)


def compile_statement(rendered: Rendered) -> Statement:
    """Compile to `WITH RECURSIVE p1 AS MATERIALIZED (…), k2 AS MATERIALIZED (…) SELECT …`."""
    parts = [(name, *_compile(query)) for name, query in rendered.ctes.items()]
    sql, placeholders = _compile(rendered.query)
    if parts:
        expressions = ",\n".join(f"{name} AS MATERIALIZED ({text})" for name, text, _ in parts)
        sql = f"WITH RECURSIVE {expressions}\n{sql}"
    all_placeholders = (*(placeholder for part in parts for placeholder in part[2]), *placeholders)
    return Statement(sql, all_placeholders, rendered.errors)


def _compile(query: AnySelect) -> tuple[str, tuple[Placeholder, ...]]:
    compiled = query.compile(dialect=_DIALECT)
    # SQLAlchemy adds parameters of its own, such as an OFFSET of 0. Only those have a value at this point.
    return str(compiled), tuple(
        Placeholder(name, compiled.params[name]) for name in compiled.positiontup or ()
    )


# Bind the values of a request.

WITHOUT_ARGUMENTS = Column | Literal | ConnectionField | ChangeFeedField | StatsFacet | Differences
Render = Callable[[RootPlan, Audience, Mapping[int, Hashable]], Rendered]
SqlCall = tuple[str, tuple[object, ...]]
"""SQL text and its parameters."""

FULL_RESPONSE = -1  # number of the single response, in place of the number of an increment
MAX_STATEMENTS = 64  # cached per prepared operation; the oldest is evicted
COMPILE_SECONDS = 50e-6  # to render and compile one comparison of a filter in one subquery


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """The bound statement of a root field.

    `nullable`: the field may be null. `cacheable`: no bound value depends on the current time.
    """

    statement: SqlCall
    nullable: bool
    cacheable: bool
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
    """The statements of a request by response key, and the errors of root fields without a statement.

    `complete`: the statements cover the whole operation. `cacheable`: no bound value depends on the current
    time. `cost`: the maximum number of objects in the response. `scan_work`: the scans of the root fields,
    from which the scan work is computed (scan.py).
    """

    queries: Mapping[str, BoundQuery]
    failures: Mapping[str, GraphQLError]
    complete: bool
    cacheable: bool
    cost: int = 0
    scan_work: ScanWork = NO_SCAN_WORK


EMPTY_OPERATION = BoundOperation({}, {}, complete=False, cacheable=False)


@dataclass(frozen=True, slots=True)
class BoundSubscription:
    """The bound statements of a subscription. `arguments` are the arguments of its root field."""

    key: str
    _render_statement: Statement
    _filter_statement: Statement
    arguments: ResolvedArguments
    field: FieldPlan
    cost: int
    _values: Mapping[str, object]

    def render_events(self, events: str) -> "SqlCall":
        """Return the statement that renders each event (JSON, see query/sql/changes.py) as a line of JSON."""
        return self._bind_value(self._render_statement, EVENTS, events)

    def filter_keys(self, keys: str) -> "SqlCall":
        """Return the statement that reduces a JSON array of keys to the keys of rows that pass the filter."""
        return self._bind_value(self._filter_statement, KEYS, keys)

    @property
    def identity(self) -> Hashable:
        """Return a key, equal for subscriptions that deliver the same events with the same selection."""
        return self.key, self.render_events(""), self.filter_keys("")

    def _bind_value(self, statement: Statement, name: str, value: str) -> "SqlCall":
        values = {**self._values, bound_name(self.field.number, name): value}
        return statement.sql, statement.bind(values)


@dataclass(frozen=True, slots=True)
class BoundIncrement:
    """One increment of the response: the plan and the statement of each root field that contributes to it.

    The first increment has the fields that are not deferred, each further one those of a deferred fragment.
    """

    plans: Mapping[str, FieldPlan]
    queries: Mapping[str, BoundQuery]


@dataclass(frozen=True, slots=True)
class BoundIncrements:
    """An incremental response: the initial increment, and one increment per deferred fragment."""

    fragments: tuple[DeferredFragment, ...]
    increments: tuple[BoundIncrement, ...]


@dataclass(slots=True)
class PreparedOperation:
    """The plan of one operation, and a cache of the statements compiled from it."""

    plan: OperationPlan
    limits: Limits = UNLIMITED
    statements: dict[tuple[Hashable, ...], Statement] = field(default_factory=dict)
    size: int = 0  # approximate bytes of the cached statements
    _estimator: CostEstimator = field(init=False)
    _complexity: Mapping[str, ComplexityNode] = field(init=False)

    def __post_init__(self) -> None:
        nodes = ((key, complexity_tree(root)) for key, root in self.plan.roots.items())
        self._complexity = {key: node for key, node in nodes if node is not None}
        self._estimator = CostEstimator(tuple(self.plan.roots.values()), self.limits)

    def bind(self, variables: VariableValues, audience: Audience) -> BoundOperation:
        """Bind the request's values.

        Raises LocatedRequestError if an argument is invalid or a limit is exceeded, and TimeBudgetExceeded.
        """
        queries, failures = {}, dict(self.plan.failures)
        bounds, cost, scans = self._bind_roots(variables)
        for key, bound in bounds.items():
            if bound.failure is None:
                queries[key] = self._bind_query(key, bound, audience, self.plan.roots[key])
            else:
                failures[key] = bound.failure
        cacheable = all(bound.cacheable for bound in bounds.values())
        complete = self.plan.complete and not failures
        return BoundOperation(
            queries, failures, complete, cacheable=cacheable, cost=cost, scan_work=ScanWork(scans)
        )

    def bind_subscription(self, variables: VariableValues, audience: Audience) -> BoundSubscription:
        """Bind a subscription to the statements that filter and render its events.

        Raises the same errors as `bind`, and the GraphQLError of its one root field.
        """
        bounds, cost, _ = self._bind_roots(variables)
        for failure in (*self.plan.failures.values(), *(bound.failure for bound in bounds.values())):
            if failure is not None:
                raise failure
        ((key, bound),) = bounds.items()
        root = self.plan.roots[key]
        plan = root.field
        arguments = bound.arguments[plan.number]
        return BoundSubscription(
            key,
            self._get_statement(key, bound, audience, render_root, root),
            self._get_statement(key, bound, audience, render_key_filter, root),
            arguments,
            plan,
            cost,
            bound.values(),
        )

    def rebind(self, bound: BoundSubscription, variables: VariableValues) -> BoundSubscription:
        """Rebind a subscription so that values relative to the current time are up to date."""
        rebound = _bind(self.plan.roots[bound.key], variables)
        return replace(bound, arguments=rebound.arguments[bound.field.number], _values=rebound.values())

    def bind_increments(self, variables: VariableValues, audience: Audience) -> "BoundIncrements | None":
        """Bind an incremental response; None if it must be a single response. Raises the same as `bind`."""
        plan = self.plan
        if plan.failures or not plan.complete or not (plan.fragments or plan.uses_stream):
            return None
        bounds, _, _ = self._bind_roots(variables)
        if any(bound.failure for bound in bounds.values()):
            return None
        increments = tuple(
            self._bind_increment(number, bounds, audience) for number in range(1 + len(plan.fragments))
        )
        return BoundIncrements(plan.fragments, increments)

    def _bind_increment(
        self, number: int, bounds: "Mapping[str, _BoundRoot]", audience: Audience
    ) -> "BoundIncrement":
        plans, queries = {}, {}
        for key, bound in bounds.items():
            plan = restrict_to(self.plan.roots[key], number)
            if plan is not None:
                plans[key] = plan.field
                queries[key] = self._bind_query(key, bound, audience, plan, number)
        return BoundIncrement(plans, queries)

    def _bind_roots(self, variables: VariableValues) -> "tuple[dict[str, _BoundRoot], int, dict[str, Scans]]":
        """Return the resolved arguments of each root field, the query cost, and the scans by response key."""
        plans = self.plan.roots
        bounds = {key: _bind(root, variables) for key, root in plans.items()}
        complexity = ComplexityCounter()
        scans: dict[str, Scans] = {}
        for key, node in self._complexity.items():
            before, bound = complexity.comparisons, bounds[key]
            if root_scans := complexity.add(node, bound.arguments):
                scans[key] = root_scans
            bound.comparisons = complexity.comparisons - before
        try:
            cost = self._estimator.estimate([bound.arguments for bound in bounds.values()])
        except CostLimitError as error:
            error.scans = scans
            raise
        return bounds, cost, scans

    def _get_statement(
        self,
        key: str,
        bound: "_BoundRoot",
        audience: Audience,
        render: Render,
        plan: RootPlan,
        increment: int = FULL_RESPONSE,
    ) -> Statement:
        """Return the cached statement, or compile it.

        `plan` is the plan of the root field, restricted to the increment with this number.
        """
        shapes = {number: arguments.shape for number, arguments in bound.arguments.items()}
        cache_key = (key, audience, render, increment, *shapes.values())
        statement = self.statements.get(cache_key)
        if statement is None:
            check_time_budget(COMPILE_SECONDS * bound.comparisons)
            statement = compile_statement(render(plan, audience, shapes))
            self._cache_statement(cache_key, statement)
        return statement

    def _cache_statement(self, key: tuple[Hashable, ...], statement: Statement) -> None:
        while len(self.statements) >= MAX_STATEMENTS:
            self.size -= self.statements.pop(next(iter(self.statements))).size
        self.statements[key] = statement
        self.size += statement.size

    def merge(self, other: "PreparedOperation") -> None:
        """Add the statements that another thread compiled for the same plan."""
        for key, statement in other.statements.items():
            if key not in self.statements:
                self._cache_statement(key, statement)

    def _bind_query(
        self,
        key: str,
        bound: "_BoundRoot",
        audience: Audience,
        plan: RootPlan,
        increment: int = FULL_RESPONSE,
    ) -> BoundQuery:
        statement = self._get_statement(key, bound, audience, render_root, plan, increment)
        nullable = not is_non_null_type(self.plan.roots[key].field.definition.type)
        call = (statement.sql, statement.bind(bound.values()))
        return BoundQuery(call, nullable, bound.cacheable, statement.errors)


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
    def cacheable(self) -> bool:
        return not any(arguments.uses_clock for arguments in self.arguments.values())

    def values(self) -> dict[str, object]:
        """Return the bound values by parameter name."""
        return {
            bound_name(number, name): value
            for number, arguments in self.arguments.items()
            for name, value in arguments.values.items()
        }


def _bind(root: RootPlan, variables: VariableValues) -> _BoundRoot:
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
            bound.arguments[plan.number] = declaration.arguments(arguments)
        except RequestError as error:
            raise LocatedRequestError(error.code, str(error), plan.node, plan.path) from error
    return bound
