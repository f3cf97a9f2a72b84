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

# Parse GraphQL requests according to the GraphQL over HTTP specification.
#
# https://graphql.github.io/graphql-over-http/draft/

MAX_BODY_BYTES = 256 * 1024
MAX_PARAMETERS = 50  # of a URL, as each takes time to decode
MAX_DIGITS = 18  # of `Content-Length` that are converted to a number
_OPERATION_PARAMETERS = frozenset({"query", "extensions", "documentId"})


class MalformedReferenceError(GqlnewsError):
    """The document reference is malformed."""


@dataclass(frozen=True, slots=True)
class ApqReference:
    """An APQ reference. `version` is that of the protocol; only 1 exists."""

    sha256: str
    version: int


@dataclass(frozen=True, slots=True)
class DocumentId:
    id: str


DocumentReference = ApqReference | DocumentId


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A GraphQL request before its document is resolved: text, a reference, or both (to register it)."""

    query: str | None
    reference: DocumentReference | None = None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    only_query: bool = False
    include_cost: bool = False


async def read_payload(head: RequestHeaders, receive: Receive, reserve: Callable[[int], None]) -> bytes:
    """Return the query string of a GET or the body of a POST. Raises HTTPError, ClientDisconnect.

    `reserve` is called with the size of a large body, chunk by chunk.
    """
    if head.is_safe_method:
        return head.query_string
    if not is_json(head.content_type):
        message = f"Send the body as `{JSON}` in UTF-8, not as `{head.content_type}`."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Post": JSON})
    if head.content_encoding and is_encoded(head.content_encoding):
        message = "Send the body uncompressed: `Content-Encoding` is not supported."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Encoding": "identity"})
    return await _body(head, receive, reserve)


def parse_request(head: RequestHeaders, text: bytes) -> RawRequest:
    """Parse the payload into an operation. Raises HTTPError."""
    if head.is_safe_method:
        return _from_parameters(_parameters(text))
    return _from_mapping(_json(text, "The body"), only_query=False)


def wants_graphiql(head: RequestHeaders) -> bool:
    """Return whether to serve the explorer: a GET that prefers HTML and contains no operation."""
    if not head.is_safe_method or not prefers_html(head.accept):
        return False
    return head.query_string.count(b"&") <= MAX_PARAMETERS and _OPERATION_PARAMETERS.isdisjoint(
        QueryParams(head.query_string)
    )


def _parameters(query_string: bytes) -> QueryParams:
    if query_string.count(b"&") > MAX_PARAMETERS:
        raise _bad_request(f"The URL has more than {MAX_PARAMETERS} parameters.")
    return QueryParams(query_string)


def _from_parameters(parameters: Mapping[str, str]) -> RawRequest:
    """Decode `variables` and `extensions`, which are JSON strings in a GET."""
    params: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if params.get(name):
            params[name] = _json(params[name].encode(), f"`{name}`")
        else:
            params.pop(name, None)
    return _from_mapping(params, only_query=True)


def _from_mapping(params: object, *, only_query: bool) -> RawRequest:
    if not isinstance(params, dict):
        raise UnprocessableRequestError(
            "The body must be a JSON object with `query`; batches are not served."
        )
    extensions = _typed(params, "extensions", dict, "an object") or {}
    try:
        reference = parse_document_reference(params, extensions)
    except MalformedReferenceError as error:
        raise UnprocessableRequestError(str(error)) from error
    if reference is None and not params.get("query"):
        raise UnprocessableRequestError("`query` is missing: give the GraphQL document as text.")
    return RawRequest(
        query=_typed(params, "query", str, "text") or None,
        reference=reference,
        variables=_typed(params, "variables", dict, "an object"),
        operation_name=_typed(params, "operationName", str, "text") or None,
        only_query=only_query,
        include_cost=extensions.get("cost") is True,
    )


def _typed(params: Mapping[str, Any], name: str, kind: type, kind_name: str) -> Any:
    value = params.get(name)
    if value is not None and not isinstance(value, kind):
        raise UnprocessableRequestError(f"`{name}` must be {kind_name} or null.")
    return value


async def _body(head: RequestHeaders, receive: Receive, reserve: Callable[[int], None]) -> bytes:
    """Read the body. Raises HTTPError past the limit, ClientDisconnect."""
    if head.content_length.isdecimal() and int(head.content_length[:MAX_DIGITS]) > MAX_BODY_BYTES:
        raise _too_large()
    body, more, reserved = bytearray(), True, 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        if len(body) > SMALL_BYTES:
            reserve(len(body) - reserved)
            reserved = len(body)
    return bytes(body)


def _json(text: bytes, description: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"{description} is not JSON: {error}") from error


def _bad_request(message: str) -> HTTPError:
    return HTTPError(400, Code.BAD_REQUEST, message)


def _too_large() -> HTTPError:
    return HTTPError(413, Code.BODY_TOO_LARGE, f"The body is longer than {MAX_BODY_BYTES} bytes.")


# Document references in a request: the hash of an automatic persisted query (APQ), or a document id.
#
# https://www.apollographql.com/docs/apollo-server/performance/apq and the appendix "Persisted Documents" of
# GraphQL over HTTP.

APQ_VERSION = 1
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
MAX_ID_LENGTH = 1_000  # characters


def parse_document_reference(
    params: Mapping[str, Any], extensions: Mapping[str, Any]
) -> DocumentReference | None:
    """Parse the document reference; None if there is only text. Raises MalformedError."""
    key, persisted = params.get("documentId"), extensions.get("persistedQuery")
    if key is not None:
        if not isinstance(key, str) or not 0 < len(key) <= MAX_ID_LENGTH:
            raise MalformedReferenceError("`documentId` must be text")
        if params.get("query") or persisted is not None:
            raise MalformedReferenceError("send either `documentId` or `query`, not both")
        return DocumentId(key)
    return None if persisted is None else _parse_apq(persisted)


def _parse_apq(value: object) -> ApqReference:
    if not isinstance(value, dict):
        raise MalformedReferenceError("`persistedQuery` must be an object")
    version, sha256 = value.get("version"), value.get("sha256Hash")
    if type(version) is not int:
        raise MalformedReferenceError("`persistedQuery.version` must be 1")
    if not isinstance(sha256, str) or not _SHA256_HEX.fullmatch(sha256.lower()):
        raise MalformedReferenceError("`persistedQuery.sha256Hash` must be 64 hex digits")
    return ApqReference(sha256.lower(), version)
