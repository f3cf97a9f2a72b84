"""GraphQL engine: execute a request and return the response as JSON bytes.

1. Get the document from the document cache, or parse and validate it.
2. Select the operation, coerce its variables, and check the static size limits.
3. Plan the operation and bind the request's values. An invalid argument or a cost over the limit rejects the
   request.
4. Check the scan work against the current table sizes.
5. Run the statements as one job on the store, except for root fields in the field cache. If the statements
   cover the whole operation, their JSON is the response. Otherwise (introspection, errors) Strawberry
   executes the operation, and the root resolvers wait for the same job.
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
    has_too_many_values,
    strip_incremental,
    with_code,
)
from gqlnews.engine.execution import (
    FieldCache,
    QueryExecution,
    Read,
    ReadInline,
    add_cost_extension,
)
from gqlnews.engine.requests import (
    GraphQLRequest,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedRequest,
    PreparedSubscription,
    argument_error,
    build_response,
    error_response,
    for_single_response,
)
from gqlnews.engine.validation import MAX_ERRORS, MAX_SUGGESTIONS
from gqlnews.errors import Code, shorten
from gqlnews.query.fields import Audience
from gqlnews.query.prepared import EMPTY_OPERATION
from gqlnews.query.scan import OBJECT_SECONDS, UNIT_SECONDS, Sizes, scan_limit_error, total_scan_work
from gqlnews.query.tree import CostLimitError, LocatedRequestError
from gqlnews.schema.query import build_schema, collect_declarations
from gqlnews.time_budget import TimeBudgetExceeded

MAX_NAME_LENGTH = 101  # of an operation's name; one character more than metrics show, so that they shorten it
INTROSPECTION_FIELD = re.compile("__schema|__type(?!name)")

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function off the event loop."""

GetSizes = Callable[[Audience], Sizes]
"""Returns the table sizes (scan.py) for an audience."""


class Engine:
    """Executes operations over one store.

    `field_cache` is the root field cache; by default, nothing is cached. `read_inline` runs short statements
    at once. If `bypass_executor` is false, Strawberry executes all operations. `get_sizes` returns the table
    sizes for an audience; by default, scan work is always 0.
    """

    def __init__(
        self,
        read: Read,
        schema: strawberry.Schema | None = None,
        limits: Limits = UNLIMITED,
        *,
        field_cache: FieldCache | None = None,
        read_inline: ReadInline | None = None,
        bypass_executor: bool = True,
        get_sizes: GetSizes = lambda _audience: {},
    ) -> None:
        self.schema = schema or build_schema()
        self.read, self.read_inline = read, read_inline
        self.limits = limits
        self.field_cache = field_cache or FieldCache(lambda _audience: None)
        self.bypass_executor = bypass_executor
        self.get_sizes = get_sizes
        self.documents = DocumentCache(self.schema._schema, limits)
        self.declarations = collect_declarations(self.schema)

    async def execute(self, request: GraphQLRequest, audience: Audience) -> GraphQLResponse:
        prepared = self.prepare(request, audience)
        return prepared if isinstance(prepared, GraphQLResponse) else await self.run(prepared)

    def prepare(self, request: GraphQLRequest, audience: Audience) -> PreparedQuery | GraphQLResponse:
        """Prepare a request for a single response, or return the error response. Rejects subscriptions."""
        return for_single_response(self.prepare_any(request, audience))

    def prepare_any(self, request: GraphQLRequest, audience: Audience) -> PreparedRequest:
        """Prepare any request, or return the error response. Raises TimeBudgetExceeded."""
        document = self.documents.cache.get(request.query) or self.documents.parse(request.query)
        prepared = self.prepare_any_with(document, request, audience)
        self.documents.update_size(request.query, document)
        return prepared

    def prepare_any_with(
        self, document: ParsedDocument, request: GraphQLRequest, audience: Audience
    ) -> PreparedRequest:
        """Prepare a request with a parsed document. Changes only the document, by caching plans in it."""
        if document.errors:
            return replace(error_response(document.errors), is_invalid=True)
        executor = self._select_operation(document, request)
        if not isinstance(executor, Executor):
            return error_response(executor)
        kind, name = executor.operation.operation, _operation_name(executor)
        if request.reject_mutations and kind is OperationType.MUTATION:
            error = GraphQLError(f"A GET request cannot run a {kind.value}: send it by POST.")
            return error_response([with_code(error, Code.OPERATION_NOT_ALLOWED)], name)
        is_subscription = kind is OperationType.SUBSCRIPTION
        prepare = self._prepare_subscription if is_subscription else self._prepare_query
        try:
            return prepare(document, executor, request, audience)
        except LocatedRequestError as error:
            response = error_response([argument_error(error)], name)
            if not isinstance(error, CostLimitError):
                return response
            scan_work = total_scan_work(error.scans, self.get_sizes(audience))
            return self.with_cost_extension(response, request, error.cost, scan_work)

    def with_cost_extension(
        self, response: GraphQLResponse, request: GraphQLRequest, cost: int, scan_work: int = 0
    ) -> GraphQLResponse:
        """Add the cost to a response if the request includes it."""
        if not request.include_cost:
            return response
        return replace(response, body=add_cost_extension(response.body, cost, scan_work, self.limits))

    def scan_work(self, prepared: PreparedQuery) -> int:
        """Return the scan work at the current table sizes, in thousands of comparisons."""
        return prepared.bound.scan_work.for_sizes(self.get_sizes(prepared.audience))

    def begin(self, prepared: PreparedQuery) -> int | GraphQLResponse:
        """Check the scan work of a request: return it, or the response that rejects the request.

        Sets the expected statement time for the read pool.
        """
        scan_work = self.scan_work(prepared)
        if 0 < self.limits.max_scan < scan_work:
            scans, sizes = prepared.bound.scan_work.scans, self.get_sizes(prepared.audience)
            error = scan_limit_error(self.limits.max_scan, scan_work, scans, sizes)
            response = error_response([argument_error(error)], prepared.operation)
            return self.with_cost_extension(response, prepared.request, prepared.bound.cost, scan_work)
        set_expected_seconds(prepared.bound.cost * OBJECT_SECONDS + scan_work * UNIT_SECONDS)
        return scan_work

    def _prepare_subscription(
        self,
        document: ParsedDocument,
        executor: "Executor[Any]",
        request: GraphQLRequest,
        audience: Audience,
    ) -> PreparedSubscription | GraphQLResponse:
        name = _operation_name(executor)
        try:
            plan = document.get_plan(executor, self.declarations)
            bound = plan.bind_subscription(executor.variable_values, audience)
            return PreparedSubscription(
                request, name, audience, bound, partial(plan.rebind, bound, executor.variable_values)
            )
        except GraphQLError as error:
            return error_response([with_code(error, Code.BAD_USER_INPUT)], name)

    def _prepare_query(
        self,
        document: ParsedDocument,
        executor: "Executor[Any]",
        request: GraphQLRequest,
        audience: Audience,
    ) -> PreparedQuery | PreparedIncremental:
        name, variables = _operation_name(executor), executor.variable_values
        increments = None
        try:
            plan = document.get_plan(executor, self.declarations)
            bound = plan.bind(variables, audience)
            if request.incremental:
                increments = plan.bind_increments(variables, audience)
        except GraphQLError:  # the selection cannot be collected; the executor reports that
            bound = EMPTY_OPERATION
        prepared = PreparedQuery(request, name, audience, bound)
        return prepared if increments is None else PreparedIncremental(name, increments, prepared)

    async def run(self, prepared: PreparedQuery, offload: Offload | None = None) -> GraphQLResponse:
        """Run a prepared request. `offload` runs long computations, such as introspection."""
        scan_work_or_error = self.begin(prepared)
        if isinstance(scan_work_or_error, GraphQLResponse):
            return scan_work_or_error
        response = await self._execute(prepared, offload)
        return self.with_cost_extension(response, prepared.request, prepared.bound.cost, scan_work_or_error)

    async def _execute(self, prepared: PreparedQuery, offload: Offload | None) -> GraphQLResponse:
        name = prepared.operation
        uncacheable = frozenset(
            query.statement for query in prepared.bound.queries.values() if not query.cacheable
        )
        read = partial(
            self.field_cache.read,
            self.read,
            prepared.audience,
            uncacheable=uncacheable,
            read_inline=self.read_inline,
        )
        execution = QueryExecution(prepared.bound, read, self.limits.max_response_bytes)
        body = await execution.joined_response() if self.bypass_executor else None
        if execution.rejection is not None:
            return error_response([argument_error(execution.rejection)], name)
        if body is not None:
            return GraphQLResponse(body, True, name, execution.rows, is_clean=True)
        result = await self._run_executor(prepared.request, execution, offload)
        errors = result.errors or ()
        if execution.rejection is not None:
            return error_response([argument_error(execution.rejection)], name)
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
        await execution.prefetch()  # the resolvers on the other thread cannot wait for this event loop
        result: ExecutionResult = await offload(lambda: asyncio.run(execute()))
        return result

    def _select_operation(
        self, document: ParsedDocument, request: GraphQLRequest
    ) -> "Executor[Any] | Sequence[GraphQLError]":
        """Select the operation and coerce its variables, or return the errors.

        Exceeded size limits of the operation and its variables are among the errors.
        """
        if request.variables and has_too_many_values(request.variables):
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


def _operation_name(executor: "Executor[Any]") -> str | None:
    """Return the operation's name, shortened for logs, metrics and traces."""
    name = executor.operation.name
    return shorten(name.value, MAX_NAME_LENGTH) if name else None
