"""OpenTelemetry tracing: nested spans for operation, root field and SQL statement.

This module is imported only if tracing is enabled. It does not touch OpenTelemetry's global state, so another
tracer in the process is not affected. The standard environment variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and
others) configure the exporter.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Thread
from time import time_ns

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gqlnews import __version__
from gqlnews.config.settings import ServerSettings
from gqlnews.database.protocol import BatchResults, Sizes, SnapshotId, Statement, Statements, Store
from gqlnews.engine.requests import GraphQLResponse, PreparedIncremental, PreparedQuery, PreparedRequest
from gqlnews.query.entities import Audience
from gqlnews.query.prepared import BoundQuery
from gqlnews.server.app_state import get_app_state
from gqlnews.server.negotiation import RequestHead
from gqlnews.server.observability.metrics import MAX_NAME_LENGTH, OperationOutcome
from gqlnews.server.preparation import Preparer
from gqlnews.server.request import RawRequest, wants_graphiql

NAME = "gqlnews"
MAX_STATEMENT_LENGTH = 10_000  # characters of a statement
FLUSH_SECONDS = 0.3  # maximum time for sending pending spans when the server stops


@dataclass(slots=True)
class _Operation:
    """State of one traced operation.

    `fields` are the response keys of its root fields, by statement. `is_recorded` is set when the operation
    ends, or is rejected.
    """

    span: Span
    fields: dict[Statement, str] = field(default_factory=dict)
    is_recorded: bool = False


_current: ContextVar[_Operation | None] = ContextVar("operation", default=None)


def start_tracer(settings: ServerSettings) -> "Tracer":
    """Create the tracer of one application. `close` it before the event loop ends."""
    return Tracer(build_processor(), "sqlite" if settings.postgres is None else "postgresql")


def build_processor() -> SpanProcessor:
    """Create a processor that exports spans in batches from a background thread."""
    return BatchSpanProcessor(OTLPSpanExporter())


class Tracer:
    """The tracer of one application. `close` it before the event loop ends."""

    def __init__(self, processor: SpanProcessor, database_system: str = "sqlite") -> None:
        self._database_system = database_system
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(NAME, __version__)

    async def close(self) -> None:
        """Flush for at most `FLUSH_SECONDS`, so that an unreachable collector does not delay the shutdown."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(sent.set)

        Thread(target=send, daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(sent.wait(), FLUSH_SECONDS)

    async def run_operation(self, scope: Scope, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` in a span, a child of the request's trace context.

        The span is dropped if `record_operation` is not called.
        """
        parent = TraceContextTextMapPropagator().extract(Headers(scope=scope), Context())
        operation = _Operation(self._tracer.start_span("operation", parent, kind=SpanKind.SERVER))
        token = _current.set(operation)
        try:
            await work()
        finally:
            _current.reset(token)
            if operation.is_recorded:
                operation.span.end()

    def record_operation(
        self, name: str | None, kind: str | None, outcome: OperationOutcome, *, cached: bool
    ) -> None:
        """Record how the current task's operation ended."""
        operation = _current.get()
        if operation is None:
            return
        operation.is_recorded, span = True, operation.span
        span.set_attribute("gqlnews.outcome", outcome.name.lower())
        span.set_attribute("gqlnews.cached", cached)
        if kind is not None:
            span.update_name(kind)
            span.set_attribute("graphql.operation.type", kind)
        if name is not None:
            span.set_attribute("graphql.operation.name", name[:MAX_NAME_LENGTH])
        if outcome is OperationOutcome.FAILED:
            span.set_status(Status(StatusCode.ERROR))

    def record_statements(
        self, start: int, statements: Statements, results: Sequence[bytes | None] | None
    ) -> None:
        """Record spans for the statements of one read; all of them have its start and end."""
        operation = _current.get()
        if operation is None:
            return
        end, parent = time_ns(), set_span_in_context(operation.span)
        for number, statement in enumerate(statements):
            field_span = self._tracer.start_span("root field", parent, start_time=start)
            field_span.set_attribute("gqlnews.field", operation.fields.get(statement, "")[:MAX_NAME_LENGTH])
            statement_span = self._tracer.start_span(
                "statement", set_span_in_context(field_span), kind=SpanKind.CLIENT, start_time=start
            )
            statement_span.set_attribute("db.system.name", self._database_system)
            statement_span.set_attribute("db.query.text", statement[0][:MAX_STATEMENT_LENGTH])
            if results is None:
                statement_span.set_status(Status(StatusCode.ERROR))
            else:
                statement_span.set_attribute("db.response.returned_rows", int(results[number] is not None))
            statement_span.end(end)
            field_span.end(end)


class TracedStore:
    """Store that records spans for the root fields and statements of each read."""

    def __init__(self, store: Store, tracer: Tracer) -> None:
        self._store, self._tracer = store, tracer

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        return self._store.snapshot_id(audience)

    def sizes(self, audience: int) -> Sizes:
        return self._store.sizes(audience)

    def execute_inline(self, statements: Statements) -> Sequence[bytes | None] | None:
        start = time_ns()
        results = self._store.execute_inline(statements)
        if results is not None:
            self._tracer.record_statements(start, statements, results)
        return results

    async def execute_batch(self, statements: Statements) -> BatchResults:
        start, results = time_ns(), None
        try:
            results = await self._store.execute_batch(statements)
        finally:
            values = None if results is None else results.values
            self._tracer.record_statements(start, statements, values)
        return results

    async def execute_parts(
        self, parts: Sequence[Statements]
    ) -> AsyncGenerator[Sequence[bytes | None], None]:
        """Run the parts. The spans of a part start when those of the previous part end."""
        start, remaining = time_ns(), deque(parts)
        async with aclosing(self._store.execute_parts(parts)) as results:
            async for part_results in results:
                self._tracer.record_statements(start, remaining.popleft(), part_results)
                start = time_ns()
                yield part_results


class TracedPreparer(Preparer):
    """Record the root field of each statement of an operation."""

    async def prepare(
        self, raw: RawRequest, audience: Audience, client: str, *, incremental: bool = False
    ) -> PreparedRequest:
        prepared = await super().prepare(raw, audience, client, incremental=incremental)
        if isinstance(prepared, PreparedIncremental):
            _record_root_fields(*(increment.queries for increment in prepared.bound.increments))
        return prepared

    async def run(self, prepared: PreparedQuery, client: str) -> GraphQLResponse:
        _record_root_fields(prepared.bound.queries)
        return await super().run(prepared, client)


class TracedEndpoint:
    """HTTP endpoint with a span per request, except for the explorer page."""

    def __init__(self, endpoint: ASGIApp) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app_state = get_app_state(scope)
        assert app_state.tracer is not None
        if app_state.settings.explorer and wants_graphiql(RequestHead.from_scope(scope)):
            await self._endpoint(scope, receive, send)
            return
        await app_state.tracer.run_operation(scope, lambda: self._endpoint(scope, receive, send))


def _record_root_fields(*groups: Mapping[str, BoundQuery]) -> None:
    operation = _current.get()
    if operation is None:
        return
    keys: dict[Statement, dict[str, None]] = {}  # several keys per statement if aliased fields are identical
    for queries in groups:
        for key, query in queries.items():
            keys.setdefault(query.statement, {})[key] = None
    operation.fields = {statement: ", ".join(names) for statement, names in keys.items()}


def _resource() -> Resource:
    """The resource from OpenTelemetry's variables; the default service name is `gqlnews`."""
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return resource.merge(Resource({SERVICE_NAME: NAME}))
    return resource
