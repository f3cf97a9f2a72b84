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
from gqlnews.database.sqlite.job_queue import expect
from gqlnews.engine.documents import (
    TOO_MANY,
    DocumentCache,
    ParsedDocument,
    exceeds_limit,
    strip_incremental,
    with_code,
)
from gqlnews.engine.execution import FieldCache, QueryExecution, Read, Spent, add_cost_extension
from gqlnews.engine.requests import (
    GraphQLRequest,
    GraphQLResponse,
    PreparedIncremental,
    PreparedQuery,
    PreparedSubscription,
    Ready,
    argument_error,
    build_response,
    refused,
    single,
)
from gqlnews.engine.validation import MAX_ERRORS, MAX_SUGGESTIONS
from gqlnews.errors import Code, shorten
from gqlnews.query.fields import Audience
from gqlnews.query.prepared import EMPTY_OPERATION, BoundIncrements, BoundOperation
from gqlnews.query.scan import OBJECT_SECONDS, SECONDS, Sizes, too_much, work_of_all
from gqlnews.query.tree import CostLimitError, RequestRefusedError
from gqlnews.schema.query import build_schema, collect_declarations
from gqlnews.time_budget import TimeBudgetExceeded

MAX_NAME = 101  # characters of an operation's name, one more than metrics use
INTROSPECTION_FIELD = re.compile("__schema|__type(?!name)")

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function off the event loop."""


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
