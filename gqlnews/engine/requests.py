"""Requests of the engine: as received, prepared, and answered; and the responses that reject them."""

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
FAILED = "The server failed here; what happened is in its log."


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """GraphQL response: `body` is its JSON. Not `ok`: the request was rejected and there is no `data`.

    `is_clean`: there are no errors; otherwise `codes` lists their codes. `is_invalid`: the document did not
    parse or validate.
    """

    body: bytes
    ok: bool
    operation: str | None = None
    rows: int = 0
    is_clean: bool = False
    codes: tuple[str, ...] = ()
    is_invalid: bool = False


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """GraphQL request. `only_query`: reject mutations, as a GET must.

    `in_parts`: the client accepts incremental delivery, if the operation uses it. `include_cost`: include the
    cost in the response's `extensions`.
    """

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    only_query: bool = False
    in_parts: bool = False
    include_cost: bool = False


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Valid request, ready to run. It can be reused for identical requests unless it reads the clock."""

    asked: GraphQLRequest
    operation: str | None
    audience: Audience
    bound: BoundOperation

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        texts = sum(
            len(query.sql) + size_of_values(query.statement[1]) for query in self.bound.queries.values()
        )
        return PREPARED_BYTES + 3 * len(self.asked.query) + texts


def size_of_values(values: Iterable[object]) -> int:
    """Return the approximate size in bytes of the values that a statement binds."""
    return sum(getsizeof(value) for value in values if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class PreparedSubscription:
    """Valid subscription, ready to run."""

    asked: GraphQLRequest
    operation: str | None
    audience: Audience
    bound: BoundSubscription
    bind: Callable[[], BoundSubscription]

    def renewed(self) -> BoundSubscription:
        """Return the bound subscription, with its values bound again if it reads the clock."""
        return self.bind() if self.bound.inputs.clock else self.bound


@dataclass(frozen=True, slots=True)
class PreparedIncremental:
    """Query with incremental delivery. `whole` is the same query for clients that do not support it."""

    operation: str | None
    bound: BoundIncrements
    whole: PreparedQuery


Ready = PreparedQuery | PreparedIncremental | PreparedSubscription | GraphQLResponse
"""A prepared request, or the response that rejects it."""


def single(ready: Ready) -> PreparedQuery | GraphQLResponse:
    """Restrict to a single response: reject subscriptions, and disable incremental delivery."""
    if isinstance(ready, PreparedSubscription):
        return refused([_needs_a_stream()], ready.operation)
    return ready.whole if isinstance(ready, PreparedIncremental) else ready


def _needs_a_stream() -> GraphQLError:
    error = GraphQLError(
        "A subscription has many answers: send it over a WebSocket (graphql-transport-ws), or accept "
        "text/event-stream."
    )
    return with_code(error, Code.OPERATION_NOT_ALLOWED)


def argument_error(error: RequestError) -> GraphQLError:
    """Convert to a GraphQL error with its code, and with the location and path of the field, if any."""
    made = GraphQLError(str(error), extensions={"code": error.code})
    if isinstance(error, RequestRefusedError):
        made = GraphQLError(
            str(error), nodes=error.node, path=list(error.path), extensions={"code": error.code}
        )
    return made


def refused(errors: Sequence[GraphQLError], operation: str | None = None) -> GraphQLResponse:
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
    shown = GraphQLError(FAILED, nodes=error.nodes, path=error.path)
    return with_code(shown, Code.INTERNAL_ERROR)
