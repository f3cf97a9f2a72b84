"""Requests as received and prepared, responses, and error responses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import getsizeof
from typing import Any

import orjson
from graphql import GraphQLError

from gqlnews.engine.documents import with_code
from gqlnews.engine.validation import encode_errors
from gqlnews.errors import Code, RequestError
from gqlnews.query.fields import Audience
from gqlnews.query.prepared import BoundIncrements, BoundOperation, BoundSubscription
from gqlnews.query.tree import RequestRefusedError
from gqlnews.schema.query import is_internal_error

PREPARED_BYTES = 2_000  # of a prepared request, without its texts
INTERNAL_ERROR_MESSAGE = "The server failed here; what happened is in its log."


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """GraphQL response: `body` is its JSON. Without `has_data`, the request was rejected.

    `is_clean`: there are no errors; otherwise `codes` lists their codes. `is_invalid`: the document did not
    parse or validate.
    """

    body: bytes
    has_data: bool
    operation: str | None = None
    rows: int = 0
    is_clean: bool = False
    codes: tuple[str, ...] = ()
    is_invalid: bool = False


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """GraphQL request. `queries_only`: reject mutations, as a GET must.

    `incremental`: the client accepts incremental delivery, if the operation uses it. `include_cost`: include
    the cost in the response's `extensions`.
    """

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    queries_only: bool = False
    incremental: bool = False
    include_cost: bool = False


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Valid request, ready to run. It can be reused for identical requests unless it reads the clock."""

    request: GraphQLRequest
    operation: str | None
    audience: Audience
    bound: BoundOperation

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        texts = sum(len(query.sql) + values_size(query.statement[1]) for query in self.bound.queries.values())
        return PREPARED_BYTES + 3 * len(self.request.query) + texts


def values_size(values: Iterable[object]) -> int:
    """Return the approximate size in bytes of the values that a statement binds."""
    return sum(getsizeof(value) for value in values if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class PreparedSubscription:
    """Valid subscription, ready to run."""

    request: GraphQLRequest
    operation: str | None
    audience: Audience
    bound: BoundSubscription
    rebind: Callable[[], BoundSubscription]

    def current(self) -> BoundSubscription:
        """Return the bound subscription, with its values bound again if it reads the clock."""
        return self.rebind() if self.bound.arguments.uses_clock else self.bound


@dataclass(frozen=True, slots=True)
class PreparedIncremental:
    """Query with incremental delivery. `query` is the same for clients that do not support it."""

    operation: str | None
    bound: BoundIncrements
    query: PreparedQuery


Ready = PreparedQuery | PreparedIncremental | PreparedSubscription | GraphQLResponse
"""A prepared request, or the response that rejects it."""


def single(prepared: Ready) -> PreparedQuery | GraphQLResponse:
    """Restrict to a single response: reject subscriptions, and disable incremental delivery."""
    if isinstance(prepared, PreparedSubscription):
        return error_response([_stream_required_error()], prepared.operation)
    return prepared.query if isinstance(prepared, PreparedIncremental) else prepared


def _stream_required_error() -> GraphQLError:
    error = GraphQLError(
        "A subscription has many answers: send it over a WebSocket (graphql-transport-ws), or accept "
        "text/event-stream."
    )
    return with_code(error, Code.OPERATION_NOT_ALLOWED)


def argument_error(error: RequestError) -> GraphQLError:
    """Convert to a GraphQL error with its code, and with the location and path of the field, if any."""
    graphql_error = GraphQLError(str(error), extensions={"code": error.code})
    if isinstance(error, RequestRefusedError):
        graphql_error = GraphQLError(
            str(error), nodes=error.node, path=list(error.path), extensions={"code": error.code}
        )
    return graphql_error


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
