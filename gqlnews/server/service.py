"""What an endpoint needs at hand, made when the application starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import Scope

from gqlnews.schema.engine import Engine
from gqlnews.schema.lanes import Lanes
from gqlnews.schema.parts import ReadParts
from gqlnews.server.answers import Answers
from gqlnews.server.metrics import Metrics, Outcome
from gqlnews.server.persisted import Persisted
from gqlnews.server.rates import InFlight, Rates, client_of
from gqlnews.server.sockets import Sockets
from gqlnews.settings import ServerSettings
from gqlnews.store.access import Access

if TYPE_CHECKING:
    from gqlnews.server.traces import Traces  # there only with its extra


@dataclass(frozen=True, slots=True)
class Service:
    settings: ServerSettings
    engine: Engine
    answers: Answers
    feed: Lanes
    sockets: Sockets
    read_parts: ReadParts
    persisted: Persisted
    in_flight: InFlight
    rates: Rates
    store: Access
    metrics: Metrics
    traces: "Traces | None" = None

    def client_of(self, scope: Scope) -> str:
        """Names whose statement time a subscription takes."""
        return client_of(scope, by_address=self.settings.most_streams_of_one > 0)

    def ended(
        self,
        name: str | None,
        outcome: Outcome,
        codes: Sequence[str] = (),
        kind: str | None = None,
        *,
        cached: bool = False,
    ) -> None:
        """An operation ended; `kind` is `query` or `subscription`, None where it was refused."""
        self.metrics.ended(name, outcome, codes)
        if self.traces is not None:
            self.traces.ended(name, kind, outcome, cached=cached)
