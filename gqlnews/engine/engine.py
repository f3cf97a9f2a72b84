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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import strawberry
from graphql import Executor, GraphQLError, OperationType
from strawberry.types import ExecutionResult

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.sqlite.connection import timeout_error
from gqlnews.database.sqlite.job_queue import set_expected_seconds
from gqlnews.engine.documents import (
    TOO_MANY_VALUES,
    DocumentCache,
    ParsedDocument,
    exceeds_limit,
    strip_incremental,
    with_code,
)
from gqlnews.engine.execution import FieldCache, QueryExecution, Read, RequestCost, add_cost_extension
from gqlnews.engine.requests import (
    GraphQLRequest,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedSubscription,
    Ready,
    argument_error,
    build_response,
    error_response,
    single,
)
from gqlnews.engine.validation import MAX_ERRORS, MAX_SUGGESTIONS
from gqlnews.errors import Code, shorten
from gqlnews.query.fields import Audience
from gqlnews.query.prepared import EMPTY_OPERATION, BoundIncrements, BoundOperation
from gqlnews.query.scan import OBJECT_SECONDS, UNIT_SECONDS, Sizes, scan_limit_error, total_scan_work
from gqlnews.query.tree import CostLimitError, RequestRefusedError
from gqlnews.schema.query import build_schema, collect_declarations
from gqlnews.time_budget import TimeBudgetExceeded

MAX_NAME = 101  # characters of an operation's name, one more than metrics use
INTROSPECTION_FIELD = re.compile("__schema|__type(?!name)")

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function off the event loop."""

GetSizes = Callable[[Audience], Sizes]


def _unknown_sizes(_audience: Audience) -> Sizes:
    return {}


class Engine:
    """Executes operations over one store.

    `field_cache` is the root field cache, if any. If `bypass_executor` is false, Strawberry executes all
    operations. `get_sizes` returns the table sizes for an audience; by default, scan work is always 0.
    """

    def __init__(
        self,
        read: Read,
        schema: strawberry.Schema | None = None,
        limits: Limits = UNLIMITED,
        *,
        field_cache: FieldCache | None = None,
        bypass_executor: bool = True,
        get_sizes: GetSizes = _unknown_sizes,
    ) -> None:
        self.schema = schema or build_schema()
        self.read = read
        self.limits = limits
        self.field_cache = field_cache
        self.bypass_executor = bypass_executor
        self.get_sizes = get_sizes
        self.documents = DocumentCache(self.schema._schema, limits)
        self.declarations = collect_declarations(self.schema)

    async def execute(self, request: GraphQLRequest, audience: Audience) -> GraphQLResponse:
        prepared = self.prepare(request, audience)
        return prepared if isinstance(prepared, GraphQLResponse) else await self.run(prepared)

    def prepare(self, request: GraphQLRequest, audience: Audience) -> PreparedQuery | GraphQLResponse:
        """Prepare a request for a single response, or return the error response. Rejects subscriptions."""
        return single(self.prepare_any(request, audience))

    def prepare_any(self, request: GraphQLRequest, audience: Audience) -> Ready:
        """Prepare any request, or return the error response. Raises TimeBudgetExceeded."""
        document = self.documents.cache.get(request.query) or self.documents.parse(request.query)
        prepared = self.prepare_any_with(document, request, audience)
        self.documents.update_size(request.query, document)
        return prepared

    def prepare_any_with(
        self, document: ParsedDocument, request: GraphQLRequest, audience: Audience
    ) -> Ready:
        """Prepare a request with a parsed document. Changes only the document, by caching plans in it."""
        if document.errors:
            return replace(error_response(document.errors), is_invalid=True)
        operation = self._select_operation(document, request)
        if not isinstance(operation, Executor):
            return error_response(operation)
        kind = operation.operation.operation
        if request.queries_only and kind is OperationType.MUTATION:
            error = GraphQLError(f"A GET runs queries only, and this is a {kind.value}: send it by POST.")
            return error_response([with_code(error, Code.OPERATION_NOT_ALLOWED)], _operation_name(operation))
        try:
            if kind is OperationType.SUBSCRIPTION:
                return self._prepare_subscription(document, operation, request, audience)
            name = _operation_name(operation)
            prepared = PreparedQuery(request, name, audience, self._bind(document, operation, audience))
            increments = self._bind_increments(document, operation, audience) if request.incremental else None
            return prepared if increments is None else PreparedIncremental(name, increments, prepared)
        except RequestRefusedError as error:
            response = error_response([argument_error(error)], _operation_name(operation))
            return self._with_rejected_cost(response, request, audience, error)

    def _with_rejected_cost(
        self,
        response: GraphQLResponse,
        request: GraphQLRequest,
        audience: Audience,
        error: RequestRefusedError,
    ) -> GraphQLResponse:
        if not isinstance(error, CostLimitError):
            return response
        return self.with_cost_extension(
            response, request, error.cost, total_scan_work(error.passes, self.get_sizes(audience))
        )

    def with_cost_extension(
        self, response: GraphQLResponse, request: GraphQLRequest, cost: int, scan: int = 0
    ) -> GraphQLResponse:
        """Add the cost to a response if the request asks for it."""
        if not request.include_cost:
            return response
        return replace(response, body=add_cost_extension(response.body, RequestCost(cost, scan), self.limits))

    def scan_work(self, prepared: PreparedQuery) -> int:
        """Return the current scan work. It changes with the store, so it is not prepared."""
        return prepared.bound.scan.for_sizes(self.get_sizes(prepared.audience))

    def begin(self, prepared: PreparedQuery) -> int | GraphQLResponse:
        """Return the scan work of a request, or the response that rejects it.

        Sets the expected statement time for the read pool.
        """
        scan = self.scan_work(prepared)
        if 0 < self.limits.max_scan < scan:
            return self._reject_scan_work(prepared, scan)
        set_expected_seconds(prepared.bound.cost * OBJECT_SECONDS + scan * UNIT_SECONDS)
        return scan

    def _reject_scan_work(self, prepared: PreparedQuery, scan: int) -> GraphQLResponse:
        error = scan_limit_error(
            self.limits.max_scan, scan, prepared.bound.scan.passes, self.get_sizes(prepared.audience)
        )
        response = error_response([argument_error(error)], prepared.operation)
        return self.with_cost_extension(response, prepared.request, prepared.bound.cost, scan)

    def _prepare_subscription(
        self,
        document: ParsedDocument,
        operation: "Executor[Any]",
        request: GraphQLRequest,
        audience: Audience,
    ) -> PreparedSubscription | GraphQLResponse:
        name = _operation_name(operation)
        try:
            plan = document.get_plan(operation, self.declarations)
            bound = plan.bind_subscription(operation.variable_values, audience)
            return PreparedSubscription(
                request, name, audience, bound, partial(plan.rebind, bound, operation.variable_values)
            )
        except GraphQLError as error:
            return error_response([with_code(error, Code.BAD_USER_INPUT)], name)

    def _bind_increments(
        self, document: ParsedDocument, operation: "Executor[Any]", audience: Audience
    ) -> BoundIncrements | None:
        try:
            plan = document.get_plan(operation, self.declarations)
            return plan.bind_increments(operation.variable_values, audience)
        except GraphQLError:  # an error of the selection, which the single response reports
            return None

    def _bind(
        self, document: ParsedDocument, operation: "Executor[Any]", audience: Audience
    ) -> BoundOperation:
        try:
            return document.get_plan(operation, self.declarations).bind(operation.variable_values, audience)
        except GraphQLError:  # an error of the selection, which execution reports
            return EMPTY_OPERATION

    async def run(self, prepared: PreparedQuery, offload: Offload | None = None) -> GraphQLResponse:
        """Run a prepared request. `offload` runs long computations, such as introspection."""
        scan = self.begin(prepared)
        if isinstance(scan, GraphQLResponse):
            return scan
        return self.with_cost_extension(
            await self._execute(prepared, offload), prepared.request, prepared.bound.cost, scan
        )

    async def _execute(self, prepared: PreparedQuery, offload: Offload | None) -> GraphQLResponse:
        name = prepared.operation
        execution = QueryExecution(
            prepared.bound, self._cached_read(prepared), self.limits.max_response_bytes
        )
        body = await execution.fast_response() if self.bypass_executor else None
        if execution.error is not None:
            return error_response([argument_error(execution.error)], name)
        if body is not None:
            return GraphQLResponse(body, True, name, execution.rows, is_clean=True)
        result = await self._run_executor(prepared.request, execution, offload)
        errors = result.errors or ()
        if execution.error is not None:
            return error_response([argument_error(execution.error)], name)
        if any(isinstance(error.original_error, TimeBudgetExceeded) for error in errors):
            return error_response([argument_error(timeout_error())], name)
        return build_response(result.data, errors, name, execution.rows)

    async def _run_executor(
        self, request: GraphQLRequest, execution: QueryExecution, offload: Offload | None
    ) -> ExecutionResult:
        """Execute the operation with Strawberry, on `offload` if it may take long."""
        cached = self.documents.cache.get(request.query)

        async def execute() -> ExecutionResult:
            document = cached or self.documents.parse(request.query)
            execution.document = strip_incremental(request.query, document.node)
            return await self.schema.execute(
                request.query,
                dict(request.variables or {}),
                context_value=execution,
                operation_name=request.operation_name,
            )

        is_quick = cached is not None and not INTROSPECTION_FIELD.search(request.query)
        if offload is None or is_quick:
            return await execute()
        await execution.prefetch()  # so that the other thread does not wait for this event loop
        result: ExecutionResult = await offload(lambda: asyncio.run(execute()))
        return result

    def _cached_read(self, prepared: PreparedQuery) -> Read:
        """Return the read function, with the field cache if there is one.

        Statements that read the clock bypass the cache, since they bind different values each time.
        """
        if self.field_cache is None:
            return self.read
        queries = prepared.bound.queries.values()
        uncacheable = frozenset(query.statement for query in queries if not query.cacheable)
        return partial(self.field_cache.read, self.read, prepared.audience, uncacheable=uncacheable)

    def _select_operation(
        self, document: ParsedDocument, request: GraphQLRequest
    ) -> "Executor[Any] | Sequence[GraphQLError]":
        """Select the operation and coerce its variables, or return the errors, exceeded limits included."""
        if request.variables and exceeds_limit(request.variables):
            return [with_code(GraphQLError(TOO_MANY_VALUES), Code.TOO_WIDE)]
        executor = self._build_executor(document, request, MAX_ERRORS - 1, hide_suggestions=True)
        if isinstance(executor, Executor):
            limit_error = document.limit_error(executor)
            return executor if limit_error is None else [limit_error]
        if len(executor) <= MAX_SUGGESTIONS and self.limits.introspection:
            executor = self._build_executor(document, request, MAX_SUGGESTIONS, hide_suggestions=False)
            assert not isinstance(executor, Executor), "the same request had errors before"
        return [with_code(error, Code.BAD_USER_INPUT) for error in executor]

    def _build_executor(
        self, document: ParsedDocument, request: GraphQLRequest, max_errors: int, *, hide_suggestions: bool
    ) -> "Executor[Any] | list[GraphQLError]":
        assert document.node is not None
        return Executor.build(
            self.schema._schema,
            document.node,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
            max_coercion_errors=max_errors,
            hide_suggestions=hide_suggestions,
        )


def _operation_name(operation: "Executor[Any]") -> str | None:
    """Return the operation's name, shortened for logs, metrics and traces."""
    name = operation.operation.name
    return shorten(name.value, MAX_NAME) if name else None
