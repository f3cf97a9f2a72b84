"""Parse the payload of GraphQL requests, and their references to persisted documents."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gqlnews.errors import Code, GqlnewsError
from gqlnews.server.limits import SMALL_BYTES
from gqlnews.server.negotiation import RequestHeaders, is_encoded, is_json, prefers_html
from gqlnews.server.response import JSON, HTTPError, UnprocessableRequestError

# Document references in a request: the hash of an automatic persisted query (APQ), or a document id.
#
# https://www.apollographql.com/docs/apollo-server/performance/apq and the appendix "Persisted Documents" of
# GraphQL over HTTP.


VERSION = 1
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
MAX_ID = 1_000  # characters


class MalformedError(GqlnewsError):
    """The document reference is malformed."""


@dataclass(frozen=True, slots=True)
class ApqReference:
    """An APQ reference. `version` is that of the protocol; only 1 exists."""

    sha256: str
    version: int


@dataclass(frozen=True, slots=True)
class DocumentId:
    id: str


Named = ApqReference | DocumentId


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A GraphQL request before its document is resolved: text, a reference, or both (to register it)."""

    query: str | None
    named: Named | None = None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    only_query: bool = False
    include_cost: bool = False


def parse_document_reference(given: Mapping[str, Any], extensions: Mapping[str, Any]) -> Named | None:
    """Parse the document reference; None if there is only text. Raises MalformedError."""
    key, persisted = given.get("documentId"), extensions.get("persistedQuery")
    if key is not None:
        if not isinstance(key, str) or not 0 < len(key) <= MAX_ID:
            raise MalformedError("`documentId` must be text")
        if given.get("query") or persisted is not None:
            raise MalformedError("give `documentId`, or `query`: one of them says what to run")
        return DocumentId(key)
    return None if persisted is None else _automatic(persisted)


def _automatic(given: object) -> ApqReference:
    if not isinstance(given, dict):
        raise MalformedError("`persistedQuery` must be an object")
    version, sha256 = given.get("version"), given.get("sha256Hash")
    if type(version) is not int:
        raise MalformedError("`persistedQuery.version` must be 1")
    if not isinstance(sha256, str) or not _SHA256_HEX.fullmatch(sha256.lower()):
        raise MalformedError("`persistedQuery.sha256Hash` must be 64 hex digits")
    return ApqReference(sha256.lower(), version)


# Parse GraphQL requests according to the GraphQL over HTTP specification.
#
# https://graphql.github.io/graphql-over-http/draft/


MAX_BODY_BYTES = 256 * 1024
MAX_PARAMETERS = 50  # of a URL, as each takes time to decode
MAX_DIGITS = 18  # of `Content-Length` that are converted to a number
_ASKING = frozenset({"query", "extensions", "documentId"})


async def read_payload(head: RequestHeaders, receive: Receive, hold: Callable[[int], None]) -> bytes:
    """Return the query string of a GET or the body of a POST. Raises HTTPError, ClientDisconnect.

    `hold` is called with the size of a large body, chunk by chunk.
    """
    if head.reads:
        return head.query_string
    if not is_json(head.content_type):
        message = f"Send the body as `{JSON}` in UTF-8, not as `{head.content_type}`."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Post": JSON})
    if head.content_encoding and is_encoded(head.content_encoding):
        message = "Send the body as it is: no `Content-Encoding` is taken."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Encoding": "identity"})
    return await _body(head, receive, hold)


def parse_request(head: RequestHeaders, text: bytes) -> RawRequest:
    """Parse the payload into an operation. Raises HTTPError."""
    if head.reads:
        return _of_parameters(_parameters(text))
    return _of_mapping(_json(text, "The body"), only_query=False)


def wants_graphiql(head: RequestHeaders) -> bool:
    """Return whether to serve the explorer: a GET that prefers HTML and contains no operation."""
    if not head.reads or not prefers_html(head.accept):
        return False
    return head.query_string.count(b"&") <= MAX_PARAMETERS and _ASKING.isdisjoint(
        QueryParams(head.query_string)
    )


def _parameters(query_string: bytes) -> QueryParams:
    if query_string.count(b"&") > MAX_PARAMETERS:
        raise _bad(f"The URL has more than {MAX_PARAMETERS} parameters.")
    return QueryParams(query_string)


def _of_parameters(parameters: Mapping[str, str]) -> RawRequest:
    """Decode `variables` and `extensions`, which are JSON strings in a GET."""
    given: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _json(given[name].encode(), f"`{name}`")
        else:
            given.pop(name, None)
    return _of_mapping(given, only_query=True)


def _of_mapping(given: object, *, only_query: bool) -> RawRequest:
    if not isinstance(given, dict):
        raise UnprocessableRequestError(
            "The body must be a JSON object with `query`; batches are not served."
        )
    extensions = _typed(given, "extensions", dict, "an object") or {}
    try:
        named = parse_document_reference(given, extensions)
    except MalformedError as error:
        raise UnprocessableRequestError(str(error)) from error
    if named is None and not given.get("query"):
        raise UnprocessableRequestError("`query` is missing: give the GraphQL document as text.")
    return RawRequest(
        query=_typed(given, "query", str, "text") or None,
        named=named,
        variables=_typed(given, "variables", dict, "an object"),
        operation_name=_typed(given, "operationName", str, "text") or None,
        only_query=only_query,
        include_cost=extensions.get("cost") is True,
    )


def _typed(given: Mapping[str, Any], name: str, kind: type, what: str) -> Any:
    value = given.get(name)
    if value is not None and not isinstance(value, kind):
        raise UnprocessableRequestError(f"`{name}` must be {what} or null.")
    return value


async def _body(head: RequestHeaders, receive: Receive, hold: Callable[[int], None]) -> bytes:
    """Read the body. Raises HTTPError past the limit, ClientDisconnect."""
    if head.content_length.isdecimal() and int(head.content_length[:MAX_DIGITS]) > MAX_BODY_BYTES:
        raise _too_large()
    body, more, held = bytearray(), True, 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        if len(body) > SMALL_BYTES:
            hold(len(body) - held)
            held = len(body)
    return bytes(body)


def _json(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad(f"{what} is not JSON: {error}") from error


def _bad(message: str) -> HTTPError:
    return HTTPError(400, Code.BAD_REQUEST, message)


def _too_large() -> HTTPError:
    return HTTPError(413, Code.BODY_TOO_LARGE, f"The body is longer than {MAX_BODY_BYTES} bytes.")
