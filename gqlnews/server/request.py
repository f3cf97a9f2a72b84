"""Read and parse GraphQL requests over HTTP, and their references to persisted documents."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gqlnews.errors import Code, GqlnewsError
from gqlnews.server.limits import SMALL_BODY_BYTES
from gqlnews.server.negotiation import RequestHead, is_encoded, is_json, prefers_html
from gqlnews.server.response import JSON, HTTPError, UnprocessableRequestError

# Parse GraphQL requests according to the GraphQL over HTTP specification.
#
# https://graphql.github.io/graphql-over-http/draft/

MAX_BODY_BYTES = 256 * 1024
MAX_PARAMETERS = 50  # in the query string of a URL, as each takes time to decode
MAX_DIGITS = 18  # leading digits of `Content-Length` that are converted to a number
# A subscription at the beginning of a document, and its name. What precedes it has no meaning in GraphQL.
_SUBSCRIPTION = re.compile(r"(?>[\s,\ufeff]+|#[^\r\n]*+)*+subscription\b\s*(\w*)", re.ASCII)
_OPERATION_PARAMETERS = frozenset({"query", "extensions", "documentId"})


class MalformedReferenceError(GqlnewsError):
    """Raised if the document reference of a request is malformed."""


@dataclass(frozen=True, slots=True)
class ApqReference:
    """Reference to an automatic persisted query (APQ) by its SHA-256 in lower-case hex digits.

    `version` is the version of the APQ protocol; 1 is the only supported one.
    """

    sha256: str
    version: int


@dataclass(frozen=True, slots=True)
class DocumentId:
    """Reference to a trusted document by its id."""

    id: str


DocumentReference = ApqReference | DocumentId


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A GraphQL request before its document reference is resolved.

    It has the document's text (`query`), a reference to it, or both: then the document is registered under
    its hash (APQ). `include_cost` adds the cost to the response's `extensions`.
    """

    query: str | None
    reference: DocumentReference | None = None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    reject_mutations: bool = False
    include_cost: bool = False

    @property
    def is_subscription(self) -> bool:
        """Whether the beginning of the text shows that the request is a subscription."""
        found = _SUBSCRIPTION.match(self.query or "")
        return found is not None and self.operation_name in (None, found[1] or None)


async def read_payload(head: RequestHead, receive: Receive, reserve: Callable[[int], None]) -> bytes:
    """Return the query string of a GET or the body of a POST. Raises HTTPError, ClientDisconnect.

    `reserve` is called with the number of bytes to reserve as soon as a body is larger than
    SMALL_BODY_BYTES, and again for each further chunk.
    """
    if head.is_safe_method:
        return head.query_string
    if not is_json(head.content_type):
        message = f"The body must be `{JSON}` in UTF-8, but its `Content-Type` is `{head.content_type}`."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Post": JSON})
    if head.content_encoding and is_encoded(head.content_encoding):
        message = "Send the body uncompressed: `Content-Encoding` is not supported."
        raise HTTPError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Encoding": "identity"})
    return await _read_body(head, receive, reserve)


def parse_request(head: RequestHead, payload: bytes) -> RawRequest:
    """Parse the query string of a GET or the body of a POST. Raises HTTPError."""
    if head.is_safe_method:
        return _from_parameters(_query_parameters(payload))
    return _from_mapping(_parse_json(payload, "The body"), reject_mutations=False)


def wants_graphiql(head: RequestHead) -> bool:
    """Return whether to serve the explorer: for a GET or HEAD that prefers HTML and contains no operation."""
    if not head.is_safe_method or not prefers_html(head.accept):
        return False
    return head.query_string.count(b"&") <= MAX_PARAMETERS and _OPERATION_PARAMETERS.isdisjoint(
        QueryParams(head.query_string)
    )


def _query_parameters(query_string: bytes) -> QueryParams:
    if query_string.count(b"&") > MAX_PARAMETERS:
        raise _bad_request(f"The URL has more than {MAX_PARAMETERS} parameters.")
    return QueryParams(query_string)


def _from_parameters(parameters: Mapping[str, str]) -> RawRequest:
    """Build the request of a GET, in which `variables` and `extensions` are JSON strings."""
    params: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if params.get(name):
            params[name] = _parse_json(params[name].encode(), f"`{name}`")
        else:
            params.pop(name, None)
    return _from_mapping(params, reject_mutations=True)


def _from_mapping(params: object, *, reject_mutations: bool) -> RawRequest:
    if not isinstance(params, dict):
        raise UnprocessableRequestError(
            "The body must be a JSON object with the member `query`; batched requests are not supported."
        )
    extensions = _typed(params, "extensions", dict, "an object") or {}
    try:
        reference = parse_document_reference(params, extensions)
    except MalformedReferenceError as error:
        raise UnprocessableRequestError(f"{error}.") from error
    if reference is None and not params.get("query"):
        raise UnprocessableRequestError("`query` is missing: send the GraphQL document in it.")
    return RawRequest(
        query=_typed(params, "query", str, "a string") or None,
        reference=reference,
        variables=_typed(params, "variables", dict, "an object"),
        operation_name=_typed(params, "operationName", str, "a string") or None,
        reject_mutations=reject_mutations,
        include_cost=extensions.get("cost") is True,
    )


def _typed(params: Mapping[str, Any], name: str, expected: type, description: str) -> Any:
    """Return a parameter of the expected type, or None if it is absent or null."""
    value = params.get(name)
    if value is not None and not isinstance(value, expected):
        raise UnprocessableRequestError(f"`{name}` must be {description} or null.")
    return value


async def _read_body(head: RequestHead, receive: Receive, reserve: Callable[[int], None]) -> bytes:
    """Read the body. Raises HTTPError if it is larger than MAX_BODY_BYTES, and ClientDisconnect."""
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
        if len(body) > SMALL_BODY_BYTES:
            reserve(len(body) - reserved)
            reserved = len(body)
    return bytes(body)


def _parse_json(text: bytes, description: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"{description} is not JSON: {error}") from error


def _bad_request(message: str) -> HTTPError:
    return HTTPError(400, Code.BAD_REQUEST, message)


def _too_large() -> HTTPError:
    return HTTPError(413, Code.BODY_TOO_LARGE, f"The body is larger than {MAX_BODY_BYTES} bytes.")


# Document references in a request: the hash of an automatic persisted query (APQ), or a document id.
#
# With APQ, a client sends only the SHA-256 of its document. If the server does not know the hash, the client
# sends the document together with its hash once, and the server registers it.
#
# https://www.apollographql.com/docs/apollo-server/performance/apq and the appendix "Persisted Documents" of
# GraphQL over HTTP.

APQ_VERSION = 1
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
MAX_ID_LENGTH = 1_000  # characters


def parse_document_reference(
    params: Mapping[str, Any], extensions: Mapping[str, Any]
) -> DocumentReference | None:
    """Parse the document reference; None if there is none. Raises MalformedReferenceError."""
    document_id, persisted = params.get("documentId"), extensions.get("persistedQuery")
    if document_id is not None:
        if not isinstance(document_id, str) or not 0 < len(document_id) <= MAX_ID_LENGTH:
            raise MalformedReferenceError(
                f"`documentId` must be a string of 1 to {MAX_ID_LENGTH:,} characters"
            )
        if params.get("query") or persisted is not None:
            raise MalformedReferenceError("`documentId` cannot be combined with `query` or `persistedQuery`")
        return DocumentId(document_id)
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
