"""Context of one request to the GraphQL endpoint."""

from dataclasses import dataclass

from starlette.types import Receive, Scope

from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import RETRYABLE, Code
from gqlnews.server.app_state import AppState
from gqlnews.server.compression import Codings
from gqlnews.server.negotiation import RequestHead, StreamingPreference


@dataclass(slots=True)
class RequestContext:
    """Context of one request; the fields with a default are set while the request is handled.

    `media`, `codings` and `streaming` are what was negotiated.
    """

    app_state: AppState
    head: RequestHead
    media: str
    codings: Codings
    streaming: StreamingPreference
    scope: Scope
    response: GraphQLResponse | None = None
    operation: str | None = None
    cached: bool = False
    registers_apq: bool = False
    code: Code | None = None  # of an error before GraphQL execution
    is_recorded: bool = False  # in the metrics
    receive: Receive | None = None  # not for the explorer page
    reserved_bytes: int = 0  # bytes reserved for a large body
    _client: str | None = None

    @property
    def client(self) -> str:
        """The client's key for fair scheduling (`AppState.client_key`)."""
        if self._client is None:
            self._client = self.app_state.client_key(self.scope)
        return self._client

    @property
    def is_overload(self) -> bool:
        """Whether the request failed because of overload, or because no database can answer it now."""
        if self.response is not None and not RETRYABLE.isdisjoint(self.response.codes):
            return True
        return self.code in RETRYABLE

    def reserve(self, size: int) -> None:
        """Reserve memory for a part of the body. Raises HTTPError (503)."""
        self.app_state.body_memory.reserve(self.client, size)
        self.reserved_bytes += size

    def release(self) -> None:
        if self.reserved_bytes:
            self.app_state.body_memory.release(self.client, self.reserved_bytes)
            self.reserved_bytes = 0
