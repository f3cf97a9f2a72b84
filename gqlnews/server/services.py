"""Application state shared by all endpoints, created at startup."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import Scope

from gqlnews.config.settings import ServerSettings
from gqlnews.database.sqlite.database_handle import Database
from gqlnews.engine.engine import Engine, GraphQLResponse, PreparedQuery, Ready
from gqlnews.engine.incremental import ReadParts
from gqlnews.query.audience import Audience
from gqlnews.server.answer_slots import AnswerSlots
from gqlnews.server.body_memory import BodyMemory
from gqlnews.server.document_reference import RawRequest
from gqlnews.server.observability.metrics import Metrics, OperationOutcome
from gqlnews.server.offload import OffloadQueue
from gqlnews.server.persisted_documents import PersistedDocuments
from gqlnews.server.preparation import Preparer
from gqlnews.server.rate_limit import ConcurrencyLimiter, TokenBucketLimiter, client_of
from gqlnews.server.response_cache import ResponseCache
from gqlnews.server.single_flight import SingleFlight
from gqlnews.server.stream_limits import StreamLimiter, Subscriptions
from gqlnews.subscriptions.lanes import Lanes

if TYPE_CHECKING:
    from gqlnews.server.observability.tracing import Tracer  # needs an optional dependency


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
