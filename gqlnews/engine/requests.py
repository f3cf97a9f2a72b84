"""GraphQL requests, prepared requests, responses, and error responses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLError

from gqlnews.database.protocol import SnapshotId
from gqlnews.engine.documents import Document, with_code
from gqlnews.engine.validation import encode_errors
from gqlnews.errors import Code, RequestError
from gqlnews.query.entities import Audience
from gqlnews.query.hints import BoundHints
from gqlnews.query.prepared import BoundIncrements, BoundOperation, BoundSubscription
from gqlnews.query.tree import LocatedRequestError
from gqlnews.schema.query import is_internal_error

STREAM_REQUIRED = (
    "A subscription has more than one response: send it over a WebSocket (graphql-transport-ws), or accept "
    "text/event-stream."
)
INTERNAL_ERROR_MESSAGE = "Internal server error: the server's log has the details."


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """GraphQL response: `body` is its JSON. Without `has_data`, the request was rejected.

    `is_clean`: there are no errors; otherwise `codes` lists their codes. `is_invalid`: the document did not
    parse or validate. `snapshot_id` is that of the content in it; None if it has none, or is not known to be
    newer than the store's when the request began.
    """

    body: bytes
    has_data: bool
    operation: str | None = None
    rows: int = 0
    is_clean: bool = False
    codes: tuple[str, ...] = ()
    is_invalid: bool = False
    snapshot_id: SnapshotId | None = field(default=None, compare=False)

    @property
    def rejection_code(self) -> str | None:
        """The code of the first error, if the request was rejected or failed."""
        return None if self.has_data else next(iter(self.codes), None)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """GraphQL request.

    `incremental`: the client accepts incremental delivery, if the operation uses it. `include_cost` and
    `include_hints`: include the cost, or hints about its arguments, in the response's `extensions`.
    """

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    incremental: bool = False
    include_cost: bool = False
    include_hints: bool = False


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Valid request, ready to run.

    It can be reused for identical requests, unless a bound value depends on the current time.
    """

    request: GraphQLRequest
    document: Document
    operation: str | None
    audience: Audience
    bound: BoundOperation
    hints: BoundHints | None = None  # if the request includes them


@dataclass(frozen=True, slots=True)
class PreparedSubscription:
    """Valid subscription, ready to run."""

    request: GraphQLRequest
    operation: str | None
    audience: Audience
    bound: BoundSubscription
    rebind: Callable[[], BoundSubscription]

    def current(self) -> BoundSubscription:
        """Return the bound subscription, with new bound values if one depends on the current time."""
        return self.rebind() if self.bound.arguments.uses_clock else self.bound


@dataclass(frozen=True, slots=True)
class PreparedIncremental:
    """Valid query with incremental delivery. `query` is the same query prepared for a single response."""

    operation: str | None
    bound: BoundIncrements
    query: PreparedQuery


PreparedRequest = PreparedQuery | PreparedIncremental | PreparedSubscription | GraphQLResponse
"""A prepared request, or the response that rejects it."""


def for_single_response(prepared: PreparedRequest) -> PreparedQuery | GraphQLResponse:
    """Restrict to a single response: reject subscriptions, and disable incremental delivery."""
    if isinstance(prepared, PreparedSubscription):
        error = GraphQLError(STREAM_REQUIRED, extensions={"code": Code.OPERATION_NOT_ALLOWED})
        return error_response([error], prepared.operation)
    return prepared.query if isinstance(prepared, PreparedIncremental) else prepared


def argument_error(error: RequestError) -> GraphQLError:
    """Convert a request error to a GraphQL error, with the location and path of its field if it has one."""
    node, path = (error.node, list(error.path)) if isinstance(error, LocatedRequestError) else (None, None)
    return GraphQLError(str(error), nodes=node, path=path, extensions={"code": error.code})


def error_response(errors: Sequence[GraphQLError], operation: str | None = None) -> GraphQLResponse:
    return GraphQLResponse(b'{"errors":%b}' % encode_errors(errors), False, operation, codes=_codes(errors))


def build_response(
    data: dict[str, Any] | None, errors: Sequence[GraphQLError], operation: str | None, rows: int
) -> GraphQLResponse:
    body: dict[str, Any] = {"data": data}
    shown = [_mask_error(error) for error in errors]
    if shown:
        body["errors"] = orjson.Fragment(encode_errors(shown))
    return GraphQLResponse(
        orjson.dumps(body), True, operation, rows, is_clean=not errors, codes=_codes(shown)
    )


def _codes(errors: Sequence[GraphQLError]) -> tuple[str, ...]:
    return tuple({(error.extensions or {}).get("code", Code.VALIDATION_FAILED): None for error in errors})


def _mask_error(error: GraphQLError) -> GraphQLError:
    """Add a code to a field's error, and mask the details of internal errors."""
    if not is_internal_error(error):
        return with_code(error, Code.BAD_USER_INPUT)
    shown = GraphQLError(INTERNAL_ERROR_MESSAGE, nodes=error.nodes, path=error.path)
    return with_code(shown, Code.INTERNAL_ERROR)
