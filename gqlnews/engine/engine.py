"""GraphQL engine: execute a request and return the response as JSON bytes.

1. Get the document from the cache, or parse and validate it.
2. Select the operation, coerce its variables, and check the static size limits.
3. Plan the operation and bind the request's values. An invalid argument or a cost over the limit rejects the
   request.
4. Check the scan work against the current table sizes.
5. Run the statements as one batch on the store, except for root fields in the field cache. If the statements
   cover the whole operation, their JSON is the response. Otherwise (introspection, errors) Strawberry
   executes the operation, and the root resolvers wait for the same batch.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any

from graphql import Executor, GraphQLError, OperationType
from strawberry.types import ExecutionResult

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.custom_fields import encode_fields
from gqlnews.database.job_queue import expected_seconds_var
from gqlnews.database.protocol import RequiredVersion, Store, required_version_var, timeout_error
from gqlnews.engine.documents import (
    TOO_MANY_VALUES,
    Document,
    PreparedCache,
    has_too_many_values,
    parse_document,
    strip_incremental,
    with_code,
)
from gqlnews.engine.execution import (
    FieldCache,
    Offload,
    QueryExecution,
    add_extensions,
    cost_extension,
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
from gqlnews.engine.unknown_fields import list_known_fields
from gqlnews.engine.validation import MAX_ERRORS, MAX_SUGGESTIONS
from gqlnews.errors import Code, shorten
from gqlnews.query.cost import CostLimitError
from gqlnews.query.entities import Audience
from gqlnews.query.hints import Hint, bind_hints
from gqlnews.query.prepared import EMPTY_OPERATION
from gqlnews.query.scan import OBJECT_SECONDS, UNIT_SECONDS, scan_limit_error, total_scan_work
from gqlnews.query.sql.dialect import Dialect
from gqlnews.query.sql.sqlite import SQLITE
from gqlnews.query.tree import LocatedRequestError
from gqlnews.schema.query import NewsSchema, build_schema, collect_declarations
from gqlnews.time_budget import TimeBudgetExceeded

MAX_NAME_LENGTH = 101  # of an operation's name; one character more than metrics show, so that they shorten it
INTROSPECTION_FIELD = re.compile("__schema|__type(?!name)")


class Engine:
    """Executes operations over one store.

    `field_cache_bytes` is the size of the root field cache, 0 for none. If `bypass_executor` is false,
    Strawberry executes all operations. `dialect` is that of the store.
    """

    def __init__(
        self,
        store: Store,
        schema: NewsSchema | None = None,
        limits: Limits = UNLIMITED,
        *,
        field_cache_bytes: int = 0,
        bypass_executor: bool = True,
        dialect: Dialect = SQLITE,
    ) -> None:
        self.store, self.limits, self.bypass_executor = store, limits, bypass_executor
        self.dialect = dialect
        self.field_cache = FieldCache(store, field_cache_bytes)
        self.use_schema(schema or build_schema())

    def use_schema(self, schema: NewsSchema) -> None:
        """Use a schema from the next request on; prepared requests end with the one before."""
        self.schema, self.declarations = schema, collect_declarations(schema)
        declared = encode_fields(schema.custom_fields).encode()
        self.schema_id = blake2b(declared, digest_size=16).digest()  # equal for equal custom fields
        self.cache = PreparedCache()

    async def execute(self, request: GraphQLRequest, audience: Audience) -> GraphQLResponse:
        prepared = for_single_response(self.prepare(request, audience))
        return prepared if isinstance(prepared, GraphQLResponse) else await self.run(prepared)

    def prepare(self, request: GraphQLRequest, audience: Audience) -> PreparedRequest:
        """Prepare a request, or return the error response. Raises TimeBudgetExceeded."""
        cache = self.cache
        document = cache.get_document(request.query) or self.parse(request.query)
        try:
            return self.prepare_document(document, request, audience)
        finally:
            cache.set_document(document)

    def parse(self, text: str) -> Document:
        """Parse and validate a document. Thread-safe. Raises TimeBudgetExceeded."""
        return parse_document(text, self.schema._schema, self.limits, self.dialect)

    def prepare_document(
        self, document: Document, request: GraphQLRequest, audience: Audience
    ) -> PreparedRequest:
        """Prepare a request with its document, to which it adds operations and statements. Thread-safe."""
        if document.errors:
            return replace(error_response(document.errors), is_invalid=True)
        executor = self._select_operation(document, request)
        if not isinstance(executor, Executor):
            return error_response(executor)
        try:
            return self._bind(document, executor, request, audience)
        except LocatedRequestError as error:
            response = error_response([argument_error(error)], _operation_name(executor))
            if not isinstance(error, CostLimitError):
                return response
            scan_work = total_scan_work(error.scans, self.store.sizes(audience))
            return self.with_cost_extension(response, request, error.cost, scan_work)

    def _bind(
        self, document: Document, executor: "Executor[Any]", request: GraphQLRequest, audience: Audience
    ) -> PreparedRequest:
        """Bind the values of a request to the statements of its operation. Raises LocatedRequestError."""
        name, values = _operation_name(executor), executor.variable_values
        is_subscription = executor.operation.operation is OperationType.SUBSCRIPTION
        try:
            operation = document.get_operation(executor, self.declarations)
            if is_subscription:
                subscription = operation.bind_subscription(values, audience)
                rebind = partial(operation.rebind, subscription, values)
                return PreparedSubscription(request, name, audience, subscription, rebind)
            bound = operation.bind(values, audience)
            include_hints = request.include_hints
            hints = bind_hints(operation.plan, values, audience, self.dialect) if include_hints else None
            prepared = PreparedQuery(request, document, name, audience, bound, hints)
            increments = operation.bind_increments(values, audience) if request.incremental else None
            return prepared if increments is None else PreparedIncremental(name, increments, prepared)
        except GraphQLError as error:  # the selection cannot be collected; the executor reports that
            if is_subscription:
                return error_response([with_code(error, Code.BAD_USER_INPUT)], name)
            return PreparedQuery(request, document, name, audience, EMPTY_OPERATION)

    def with_cost_extension(
        self,
        response: GraphQLResponse,
        request: GraphQLRequest,
        cost: int,
        scan_work: int = 0,
        hints: Sequence[Hint] | None = None,
    ) -> GraphQLResponse:
        """Add the cost to a response if the request includes it, and hints if there is a list of them."""
        extensions: dict[str, object] = {}
        if request.include_cost:
            extensions["cost"] = cost_extension(cost, scan_work, self.limits)
        if hints is not None:
            extensions["hints"] = hints
        return replace(response, body=add_extensions(response.body, extensions)) if extensions else response

    def scan_work(self, prepared: PreparedQuery) -> int:
        """Return the scan work at the current table sizes, in thousands of comparisons."""
        return prepared.bound.scan_work.for_sizes(self.store.sizes(prepared.audience))

    def begin(self, prepared: PreparedQuery) -> int | GraphQLResponse:
        """Check the scan work of a request: return it, or the response that rejects the request.

        Sets the expected statement time for the read pool, and the version that the client has seen.
        """
        scan_work = self.scan_work(prepared)
        if 0 < self.limits.max_scan < scan_work:
            scans, sizes = prepared.bound.scan_work.scans, self.store.sizes(prepared.audience)
            error = scan_limit_error(self.limits.max_scan, scan_work, scans, sizes)
            response = error_response([argument_error(error)], prepared.operation)
            return self.with_cost_extension(response, prepared.request, prepared.bound.cost, scan_work)
        since = prepared.bound.since
        required_version_var.set(None if since is None else RequiredVersion(*since))
        expected_seconds_var.set(prepared.bound.cost * OBJECT_SECONDS + scan_work * UNIT_SECONDS)
        return scan_work

    async def run(self, prepared: PreparedQuery, offload: Offload | None = None) -> GraphQLResponse:
        """Run a prepared request. `offload` runs long computations, such as introspection."""
        scan_work_or_error = self.begin(prepared)
        if isinstance(scan_work_or_error, GraphQLResponse):
            return scan_work_or_error
        execution = QueryExecution(prepared.bound, prepared.hints)
        response = await self._execute(prepared, execution, offload)
        hints = execution.hints if response.has_data else None
        return self.with_cost_extension(
            response, prepared.request, prepared.bound.cost, scan_work_or_error, hints
        )

    async def _execute(
        self, prepared: PreparedQuery, execution: QueryExecution, offload: Offload | None
    ) -> GraphQLResponse:
        name = prepared.operation
        await execution.run(self.field_cache, prepared.audience, self.limits.max_response_bytes)
        if execution.rejection is not None:
            return error_response([argument_error(execution.rejection)], name)
        body = execution.joined_response() if self.bypass_executor else None
        if body is not None:
            return GraphQLResponse(
                body, True, name, execution.rows, is_clean=True, snapshot_id=execution.snapshot_id
            )
        result = await self._run_executor(prepared, execution, offload)
        errors = result.errors or ()
        if any(isinstance(error.original_error, TimeBudgetExceeded) for error in errors):
            return error_response([argument_error(timeout_error())], name)
        response = build_response(result.data, errors, name, execution.rows)
        return replace(response, snapshot_id=execution.snapshot_id)

    async def _run_executor(
        self, prepared: PreparedQuery, execution: QueryExecution, offload: Offload | None
    ) -> ExecutionResult:
        """Execute the operation with Strawberry, on `offload` if it may take long."""
        request = prepared.request

        async def execute() -> ExecutionResult:
            execution.document = strip_incremental(request.query, prepared.document.node)
            return await self.schema.execute(
                request.query,
                dict(request.variables or {}),
                context_value=execution,
                operation_name=request.operation_name,
            )

        if offload is None or not INTROSPECTION_FIELD.search(request.query):
            return await execute()
        result: ExecutionResult = await offload(lambda: asyncio.run(execute()))
        return result

    def _select_operation(
        self, document: Document, request: GraphQLRequest
    ) -> "Executor[Any] | Sequence[GraphQLError]":
        """Select the operation and coerce its variables, or return the errors.

        Exceeded size limits of the operation and its variables are among the errors.
        """
        if request.variables and has_too_many_values(request.variables):
            return [with_code(GraphQLError(TOO_MANY_VALUES), Code.TOO_WIDE)]
        executor = self._build_executor(document, request, MAX_ERRORS - 1, hide_suggestions=True)
        if isinstance(executor, Executor):
            limit_error = document.limit_errors.get(id(executor.operation))
            return executor if limit_error is None else [limit_error]
        if len(executor) <= MAX_SUGGESTIONS and self.limits.introspection:
            executor = self._build_executor(document, request, MAX_SUGGESTIONS, hide_suggestions=False)
            assert not isinstance(executor, Executor), "the same request had errors before"
        if self.limits.introspection:
            for error in executor:
                list_known_fields(error, self.schema._schema)
        return [with_code(error, Code.BAD_USER_INPUT) for error in executor]

    def _build_executor(
        self, document: Document, request: GraphQLRequest, max_errors: int, *, hide_suggestions: bool
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
