"""Application state shared by all endpoints, and the health checks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from gqlnews.config.settings import ServerSettings
from gqlnews.database.sqlite.database_handle import Database
from gqlnews.engine.engine import Engine
from gqlnews.engine.incremental import ReadParts
from gqlnews.engine.requests import GraphQLResponse, PreparedQuery, Ready
from gqlnews.query.fields import Audience
from gqlnews.server.limits import (
    AnswerSlots,
    BodyMemory,
    ConcurrencyLimiter,
    StreamLimiter,
    Subscriptions,
    TokenBucketLimiter,
    client_of,
)
from gqlnews.server.observability.metrics import Metrics, OperationOutcome
from gqlnews.server.persisted_documents import PersistedDocuments
from gqlnews.server.preparation import OffloadQueue, Preparer
from gqlnews.server.request import RawRequest
from gqlnews.server.response_cache import ResponseCache, SingleFlight
from gqlnews.subscriptions.hub import Lanes

if TYPE_CHECKING:
    from gqlnews.server.observability.tracing import Tracer


# Application state shared by all endpoints, created at startup.


@dataclass(frozen=True, slots=True)
class AppState:
    settings: ServerSettings
    engine: Engine
    preparer: Preparer
    offload: OffloadQueue
    flights: SingleFlight
    slots: AnswerSlots
    answers: ResponseCache
    feed: Lanes
    sockets: StreamLimiter
    subscriptions: Subscriptions
    read_parts: ReadParts
    persisted: PersistedDocuments
    in_flight: ConcurrencyLimiter
    rates: TokenBucketLimiter
    bodies: BodyMemory
    store: Database
    metrics: Metrics
    traces: "Tracer | None" = None

    async def prepare(
        self, wanted: RawRequest, audience: Audience, client: str, *, in_parts: bool = False
    ) -> Ready:
        """Prepare a request, or return its error response. Raises HTTPError."""
        asked = self.persisted.find(wanted)
        ready = await self.preparer.prepare(
            replace(asked, in_parts=True) if in_parts else asked, audience, client
        )
        if not (isinstance(ready, GraphQLResponse) and ready.is_invalid):
            self.persisted.register(wanted)
        return ready

    async def run(self, prepared: PreparedQuery, client: str) -> GraphQLResponse:
        """Execute a prepared request. Raises HTTPError (503)."""
        run = partial(self.engine.run, prepared, partial(self.offload.run, client))
        if prepared.bound.complete or prepared.bound.queries:
            return await run()
        asked = prepared.asked  # no query of the store: equal requests have equal responses
        variables = repr(asked.variables)
        return await self.flights.run((asked.query, asked.operation_name, variables, asked.include_cost), run)

    def client_of(self, scope: Scope) -> str:
        """The client's key for fair scheduling and per-client limits."""
        return client_of(scope, by_address=self.settings.max_streams_per_client > 0)

    def ended(
        self,
        name: str | None,
        outcome: OperationOutcome,
        codes: Sequence[str] = (),
        kind: str | None = None,
        *,
        cached: bool = False,
    ) -> None:
        """Record the end of an operation; `kind` is `query` or `subscription`, None if it was rejected."""
        self.metrics.ended(name, outcome, codes)
        if self.traces is not None:
            self.traces.ended(name, kind, outcome, cached=cached)


# Health checks: liveness (the process responds) and readiness (the store can be read).
#
# The readiness check has its own database connection, so a busy server still passes it.


async def live(request: Request) -> Response:
    """Return 200 as long as the process responds."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """Return 200 if the store can be read, else 503."""
    service: AppState | None = getattr(request.state, "service", None)  # None before the application starts
    is_ready = service is not None and service.store.is_ready()
    return JSONResponse({"status": "ready" if is_ready else "unavailable"}, 200 if is_ready else 503)
