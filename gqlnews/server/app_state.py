"""Application state shared by all endpoints, and the health checks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from gqlnews.config.settings import ServerSettings
from gqlnews.database.job_queue import ClientSlots
from gqlnews.database.protocol import Database
from gqlnews.engine.engine import Engine
from gqlnews.errors import NotStartedError
from gqlnews.server.forwarded import has_private_peers
from gqlnews.server.limits import (
    SLOTS_PER_CLIENT,
    BodyMemory,
    ConcurrencyLimiter,
    StreamLimiter,
    SubscriptionLimiter,
    TokenBucketLimiter,
    client_key,
)
from gqlnews.server.observability.metrics import Metrics, OperationOutcome
from gqlnews.server.preparation import OffloadQueue, Preparer, SingleFlight
from gqlnews.server.response_cache import ResponseCache
from gqlnews.subscriptions.hubs import SubscriptionHubs

if TYPE_CHECKING:
    from gqlnews.server.observability.tracing import Tracer


# Application state shared by all endpoints, created at startup.


@dataclass(frozen=True, slots=True)
class AppState:
    """State of one application, created at startup and closed at shutdown."""

    settings: ServerSettings
    engine: Engine
    preparer: Preparer
    offload: OffloadQueue
    response_cache: ResponseCache
    subscription_hubs: SubscriptionHubs
    stream_limiter: StreamLimiter
    subscription_limiter: SubscriptionLimiter
    concurrency_limiter: ConcurrencyLimiter
    rate_limiter: TokenBucketLimiter
    store: Database
    tracer: "Tracer | None" = None
    response_slots: ClientSlots = field(default_factory=partial(ClientSlots, SLOTS_PER_CLIENT))
    body_memory: BodyMemory = field(default_factory=BodyMemory)
    metrics: Metrics = field(default_factory=Metrics)
    compressing: SingleFlight = field(default_factory=SingleFlight)  # of cached responses

    def client_key(self, scope: Scope) -> str:
        """The client's key for fair scheduling and per-client limits."""
        return client_key(scope, by_address=self.settings.max_streams_per_client > 0)

    def record_operation(
        self,
        name: str | None,
        outcome: OperationOutcome,
        codes: Sequence[str] = (),
        kind: str | None = None,
        *,
        cached: bool = False,
    ) -> None:
        """Record the end of an operation. `kind` is `query` or `subscription`; None if it was rejected."""
        self.metrics.record_operation(name, outcome, codes)
        if self.tracer is not None:
            self.tracer.record_operation(name, kind, outcome, cached=cached)


NOT_STARTED = (
    "The gqlnews application has not started: run its lifespan, which opens the database. ASGI servers do. "
    "With httpx.ASGITransport, write `async with app.lifespan():` around the requests. If another "
    "application mounts this one, pass it `lifespan=app.lifespan`, or enter that in its own lifespan."
)


def get_app_state(scope: Scope) -> AppState:
    """The state that the lifespan created. Raises NotStartedError."""
    app_state: AppState | None = scope.get("state", {}).get("app_state")
    if app_state is None:
        raise NotStartedError(NOT_STARTED)
    return app_state


# Health checks: liveness (the process responds) and readiness (the store can be read).
#
# The readiness check has its own database connection, so a busy server still passes it. It reads the file,
# never a cache. While the ingest fails, the server is ready, as it serves the content of the last ingest. It
# is also ready if articles are overdue because no watcher runs: otherwise all servers of a store would fail
# at once.


async def liveness(request: Request) -> Response:
    """Return 200 as long as the process responds."""
    return JSONResponse({"status": "live"})


async def readiness(request: Request) -> Response:
    """Return 200 if the store can be read and the server is not stopping, else 503.

    With `?ingest=required`, a failing ingest is 503 too. Only clients in private networks see the schedule.
    """
    app_state: AppState | None = getattr(request.state, "app_state", None)  # None before startup
    is_ready = app_state is not None and await app_state.store.can_answer()
    if getattr(request.app.state, "is_stopping", False):  # perhaps since the read began
        return JSONResponse({"status": "stopping"}, 503)
    content: dict[str, object] = {}
    if app_state is not None:
        if app_state.store.is_ingest_failing:
            content["ingest"] = "failing"
            is_ready = is_ready and request.query_params.get("ingest") != "required"
        if (schedule := app_state.store.schedule_without_watcher()) is not None:
            content["schedule"] = "waits for the next ingest"
            if has_private_peers(request.scope):  # it tells when a hidden article appears
                content |= {"nextDue": schedule.next_due, "overdue": schedule.overdue}
    return JSONResponse(
        {"status": "ready" if is_ready else "unavailable", **content}, 200 if is_ready else 503
    )
