"""GraphQL engine: execute a request and return the response as JSON bytes.

1. Get the document from the document cache, or parse and validate it.
2. Select the operation, coerce its variables, and check the static size limits.
3. Plan the operation and bind the request's values. An invalid argument or a cost over the limit rejects the
   request.
4. Run all its statements in one dispatch to the store, except for root fields in the field cache. If they
   cover the whole operation, their JSON is the response. Otherwise (introspection, errors) Strawberry
   executes the operation, and the root resolvers share the dispatch.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from sys import getsizeof
from typing import Any

import orjson
import strawberry
from graphql import Executor, GraphQLError, OperationType
from strawberry.types import ExecutionResult

from gqlnews.config.limits import UNLIMITED, Limits
from gqlnews.database.sqlite.callers import expect
from gqlnews.database.sqlite.query_limits import timeout_error
from gqlnews.engine.document_cache import DocumentCache, ParsedDocument, strip_incremental, with_code
from gqlnews.engine.error_bounds import MAX_ERRORS, encode_errors
from gqlnews.engine.execution import QueryExecution, Read
from gqlnews.engine.extensions import Spent, add_cost_extension
from gqlnews.engine.field_cache import FieldCache
from gqlnews.engine.validation import MAX_SUGGESTIONS
from gqlnews.engine.variable_limits import TOO_MANY, exceeds_limit
from gqlnews.errors import Code, RequestError, shorten
from gqlnews.query.audience import Audience
from gqlnews.query.prepared import EMPTY_OPERATION, BoundIncrements, BoundOperation, BoundSubscription
from gqlnews.query.scan import OBJECT_SECONDS, SECONDS, Sizes, too_much, work_of_all
from gqlnews.query.tree import CostLimitError, RequestRefusedError
from gqlnews.schema.build import build_schema, collect_declarations, is_internal_error
from gqlnews.time_budget import TimeBudgetExceeded

MAX_NAME = 101  # characters of an operation's name, one more than metrics use
PREPARED_BYTES = 2_000  # of a prepared request, without its texts
FAILED = "The server failed here; what happened is in its log."
INTROSPECTION_FIELD = re.compile("__schema|__type(?!name)")

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function off the event loop."""


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """GraphQL response: `body` is its JSON. Not `ok`: the request was rejected and there is no `data`.

    `is_clean`: there are no errors; otherwise `codes` lists their codes. `is_invalid`: the document did not
    parse or validate.
    """

    body: bytes
    ok: bool
    operation: str | None = None
    rows: int = 0
    is_clean: bool = False
    codes: tuple[str, ...] = ()
    is_invalid: bool = False


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """GraphQL request. `only_query`: reject mutations, as a GET must.

    `in_parts`: the client accepts incremental delivery, if the operation uses it. `include_cost`: include the
    cost in the response's `extensions`.
    """

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    only_query: bool = False
    in_parts: bool = False
    include_cost: bool = False


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Valid request, ready to run. It can be reused for identical requests unless it reads the clock."""

    asked: GraphQLRequest
    operation: str | None
    audience: Audience
    bound: BoundOperation

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        texts = sum(
            len(query.sql) + size_of_values(query.statement[1]) for query in self.bound.queries.values()
        )
        return PREPARED_BYTES + 3 * len(self.asked.query) + texts


def size_of_values(values: Iterable[object]) -> int:
    """Return the approximate size in bytes of the values that a statement binds."""
    return sum(getsizeof(value) for value in values if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class PreparedSubscription:
    """Valid subscription, ready to run."""

    asked: GraphQLRequest
    operation: str | None
    audience: Audience
    bound: BoundSubscription
    bind: Callable[[], BoundSubscription]

    def renewed(self) -> BoundSubscription:
        """Return the bound subscription, with its values bound again if it reads the clock."""
        return self.bind() if self.bound.inputs.clock else self.bound


@dataclass(frozen=True, slots=True)
class PreparedIncremental:
    """Query with incremental delivery. `whole` is the same query for clients that do not support it."""

    operation: str | None
    bound: BoundIncrements
    whole: PreparedQuery


Ready = PreparedQuery | PreparedIncremental | PreparedSubscription | GraphQLResponse
"""A prepared request, or the response that rejects it."""
SizesOf = Callable[[Audience], Sizes]


def _unknown(_audience: Audience) -> Sizes:
    return {}


class Engine:
    """Executes operations over one store.

    `field_cache` is the root field cache, if any. If `bypass_executor` is false, Strawberry executes all
    operations. `sizes_of` returns the sizes of the store for an audience; by default, scan work is always 0.
    """

    def __init__(
        self,
        read: Read,
        schema: strawberry.Schema | None = None,
        limits: Limits = UNLIMITED,
        *,
        field_cache: FieldCache | None = None,
        bypass_executor: bool = True,
        sizes_of: SizesOf = _unknown,
    ) -> None:
        self.schema = schema or build_schema()
        self.read = read
        self.limits = limits
        self.field_cache = field_cache
        self.bypass_executor = bypass_executor
        self.sizes_of = sizes_of
        self.documents = DocumentCache(self.schema._schema, limits)
        self.declarations = collect_declarations(self.schema)

    async def answer(self, asked: GraphQLRequest, audience: Audience) -> GraphQLResponse:
        prepared = self.prepare(asked, audience)
        return prepared if isinstance(prepared, GraphQLResponse) else await self.run(prepared)

    def prepare(self, asked: GraphQLRequest, audience: Audience) -> PreparedQuery | GraphQLResponse:
        """Prepare a request for a single response, or return the error response. Rejects subscriptions."""
        return single(self.ready(asked, audience))

    def ready(self, asked: GraphQLRequest, audience: Audience) -> Ready:
        """Prepare any request, or return the error response. Raises TimeBudgetExceeded."""
        document = self.documents.cache.get(asked.query) or self.documents.read(asked.query)
        ready = self.prepare_any_with(document, asked, audience)
        self.documents.update_size(asked.query, document)
        return ready

    def prepare_any_with(self, document: ParsedDocument, asked: GraphQLRequest, audience: Audience) -> Ready:
        """Prepare a request with a parsed document. Changes only the document, by caching plans in it."""
        if document.errors:
            return replace(refused(document.errors), is_invalid=True)
        operation = self._operation(document, asked)
        if not isinstance(operation, Executor):
            return refused(operation)
        kind = operation.operation.operation
        if asked.only_query and kind is OperationType.MUTATION:
            error = GraphQLError(f"A GET runs queries only, and this is a {kind.value}: send it by POST.")
            return refused([with_code(error, Code.OPERATION_NOT_ALLOWED)], _name(operation))
        try:
            if kind is OperationType.SUBSCRIPTION:
                return self._prepare_subscription(document, operation, asked, audience)
            name = _name(operation)
            prepared = PreparedQuery(asked, name, audience, self._bound(document, operation, audience))
            parts = self._parts(document, operation, audience) if asked.in_parts else None
            return prepared if parts is None else PreparedIncremental(name, parts, prepared)
        except RequestRefusedError as error:
            answer = refused([argument_error(error)], _name(operation))
            return self._with_spent(answer, asked, audience, error)

    def _with_spent(
        self, answer: GraphQLResponse, asked: GraphQLRequest, audience: Audience, error: RequestRefusedError
    ) -> GraphQLResponse:
        if not isinstance(error, CostLimitError):
            return answer
        return self.with_cost_extension(
            answer, asked, error.cost, work_of_all(error.passes, self.sizes_of(audience))
        )

    def with_cost_extension(
        self, answer: GraphQLResponse, asked: GraphQLRequest, cost: int, scan: int = 0
    ) -> GraphQLResponse:
        """Add the cost to a response if the request asks for it."""
        if not asked.include_cost:
            return answer
        return replace(answer, body=add_cost_extension(answer.body, Spent(cost, scan), self.limits))

    def scan_of(self, prepared: PreparedQuery) -> int:
        """Return the current scan work. It changes with the store, so it is not prepared."""
        return prepared.bound.scan.of(self.sizes_of(prepared.audience))

    def begin(self, prepared: PreparedQuery) -> int | GraphQLResponse:
        """Return the scan work of a request, or the response that rejects it.

        Sets the expected statement time for the read pool.
        """
        scan = self.scan_of(prepared)
        if 0 < self.limits.scan < scan:
            return self._scans_too_much(prepared, scan)
        expect(prepared.bound.cost * OBJECT_SECONDS + scan * SECONDS)
        return scan

    def _scans_too_much(self, prepared: PreparedQuery, scan: int) -> GraphQLResponse:
        error = too_much(self.limits.scan, scan, prepared.bound.scan.passes, self.sizes_of(prepared.audience))
        answer = refused([argument_error(error)], prepared.operation)
        return self.with_cost_extension(answer, prepared.asked, prepared.bound.cost, scan)

    def _prepare_subscription(
        self, document: ParsedDocument, operation: "Executor[Any]", asked: GraphQLRequest, audience: Audience
    ) -> PreparedSubscription | GraphQLResponse:
        name = _name(operation)
        try:
            planned = document.get_plan(operation, self.declarations)
            bound = planned.watch(operation.variable_values, audience)
            return PreparedSubscription(
                asked, name, audience, bound, partial(planned.renew, bound, operation.variable_values)
            )
        except GraphQLError as error:
            return refused([with_code(error, Code.BAD_USER_INPUT)], name)

    def _parts(
        self, document: ParsedDocument, operation: "Executor[Any]", audience: Audience
    ) -> BoundIncrements | None:
        try:
            planned = document.get_plan(operation, self.declarations)
            return planned.bind_increments(operation.variable_values, audience)
        except GraphQLError:  # an error of the selection: the response in one piece reports it
            return None

    def _bound(
        self, document: ParsedDocument, operation: "Executor[Any]", audience: Audience
    ) -> BoundOperation:
        try:
            return document.get_plan(operation, self.declarations).bind(operation.variable_values, audience)
        except GraphQLError:  # an error of the selection: execution reports it
            return EMPTY_OPERATION

    async def run(self, prepared: PreparedQuery, offload: Offload | None = None) -> GraphQLResponse:
        """Run a prepared request. `offload` runs long computations, such as introspection."""
        scan = self.begin(prepared)
        if isinstance(scan, GraphQLResponse):
            return scan
        return self.with_cost_extension(
            await self._execute(prepared, offload), prepared.asked, prepared.bound.cost, scan
        )

    async def _execute(self, prepared: PreparedQuery, offload: Offload | None) -> GraphQLResponse:
        name = prepared.operation
        work = QueryExecution(prepared.bound, self._reading(prepared), self.limits.max_response_bytes)
        whole = await work.fast_response() if self.bypass_executor else None
        if work.refused is not None:
            return refused([argument_error(work.refused)], name)
        if whole is not None:
            return GraphQLResponse(whole, True, name, work.rows, is_clean=True)
        result = await self._executed(prepared.asked, work, offload)
        errors = result.errors or ()
        if work.refused is not None:
            return refused([argument_error(work.refused)], name)
        if any(isinstance(error.original_error, TimeBudgetExceeded) for error in errors):
            return refused([argument_error(timeout_error())], name)
        return build_response(result.data, errors, name, work.rows)

    async def _executed(
        self, asked: GraphQLRequest, work: QueryExecution, offload: Offload | None
    ) -> ExecutionResult:
        """Execute the operation with Strawberry, on `offload` if it may take long."""
        cached = self.documents.cache.get(asked.query)

        async def execute() -> ExecutionResult:
            document = cached or self.documents.read(asked.query)
            work.document = strip_incremental(asked.query, document.node)
            return await self.schema.execute(
                asked.query,
                dict(asked.variables or {}),
                context_value=work,
                operation_name=asked.operation_name,
            )

        is_quick = cached is not None and not INTROSPECTION_FIELD.search(asked.query)
        if offload is None or is_quick:
            return await execute()
        await work.prefetch()  # so that the other thread does not wait for this event loop
        result: ExecutionResult = await offload(lambda: asyncio.run(execute()))
        return result

    def _reading(self, prepared: PreparedQuery) -> Read:
        """Return the read function, with the field cache if there is one.

        Statements that read the clock bypass the cache, since they bind different values each time.
        """
        if self.field_cache is None:
            return self.read
        queries = prepared.bound.queries.values()
        uncacheable = frozenset(query.statement for query in queries if not query.cacheable)
        return partial(self.field_cache.read, self.read, prepared.audience, uncacheable=uncacheable)

    def _operation(
        self, document: ParsedDocument, asked: GraphQLRequest
    ) -> "Executor[Any] | Sequence[GraphQLError]":
        """Select the operation and coerce its variables, or return the errors, exceeded limits included."""
        if asked.variables and exceeds_limit(asked.variables):
            return [with_code(GraphQLError(TOO_MANY), Code.TOO_WIDE)]
        built = self._executor(document, asked, MAX_ERRORS - 1, hide_suggestions=True)
        if isinstance(built, Executor):
            too_large = document.limit_error(built)
            return built if too_large is None else [too_large]
        if len(built) <= MAX_SUGGESTIONS and self.limits.introspection:
            built = self._executor(document, asked, MAX_SUGGESTIONS, hide_suggestions=False)
            assert not isinstance(built, Executor), "it has errors"
        return [with_code(error, Code.BAD_USER_INPUT) for error in built]

    def _executor(
        self, document: ParsedDocument, asked: GraphQLRequest, max_errors: int, *, hide_suggestions: bool
    ) -> "Executor[Any] | list[GraphQLError]":
        assert document.node is not None
        return Executor.build(
            self.schema._schema,
            document.node,
            raw_variable_values=dict(asked.variables or {}),
            operation_name=asked.operation_name,
            max_coercion_errors=max_errors,
            hide_suggestions=hide_suggestions,
        )


def _name(operation: "Executor[Any]") -> str | None:
    """Return the operation's name, shortened for logs, metrics and traces."""
    name = operation.operation.name
    return shorten(name.value, MAX_NAME) if name else None


def single(ready: Ready) -> PreparedQuery | GraphQLResponse:
    """Restrict to a single response: reject subscriptions, and disable incremental delivery."""
    if isinstance(ready, PreparedSubscription):
        return refused([_needs_a_stream()], ready.operation)
    return ready.whole if isinstance(ready, PreparedIncremental) else ready


def _needs_a_stream() -> GraphQLError:
    error = GraphQLError(
        "A subscription has many answers: send it over a WebSocket (graphql-transport-ws), or accept "
        "text/event-stream."
    )
    return with_code(error, Code.OPERATION_NOT_ALLOWED)


def argument_error(error: RequestError) -> GraphQLError:
    """Convert to a GraphQL error with its code, and with the location and path of the field, if any."""
    made = GraphQLError(str(error), extensions={"code": error.code})
    if isinstance(error, RequestRefusedError):
        made = GraphQLError(
            str(error), nodes=error.node, path=list(error.path), extensions={"code": error.code}
        )
    return made


def refused(errors: Sequence[GraphQLError], operation: str | None = None) -> GraphQLResponse:
    return GraphQLResponse(b'{"errors":%b}' % encode_errors(errors), False, operation, codes=_codes(errors))


def build_response(
    data: dict[str, Any] | None, errors: Sequence[GraphQLError], operation: str | None, rows: int
) -> GraphQLResponse:
    body: dict[str, Any] = {"data": data}
    shown = [_mask_error(error) for error in errors]
    if shown:
        body["errors"] = orjson.Fragment(encode_errors(shown))
    return GraphQLResponse(
        orjson.dumps(body), True, operation, rows, is_clean=not errors, codes=_codes(shown)
    )


def _codes(errors: Sequence[GraphQLError]) -> tuple[str, ...]:
    return tuple({(error.extensions or {}).get("code", Code.VALIDATION_FAILED): None for error in errors})


def _mask_error(error: GraphQLError) -> GraphQLError:
    """Add a code to a field's error, and mask the details of internal errors."""
    if not is_internal_error(error):
        return with_code(error, Code.BAD_USER_INPUT)
    shown = GraphQLError(FAILED, nodes=error.nodes, path=error.path)
    return with_code(shown, Code.INTERNAL_ERROR)
