"""Request head, authentication, content negotiation, and the choice of the response's status code."""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from hashlib import sha256
from typing import NamedTuple, TypeVar

import orjson
from starlette.types import Scope

from gqlnews.config.settings import ServerSettings
from gqlnews.config.values import StatusCodePolicy
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import RETRYABLE, Code
from gqlnews.query.entities import Audience
from gqlnews.server.response import (
    BEARER,
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    HTML,
    JSON,
    MULTIPART,
    WWW_AUTHENTICATE,
    HTTPError,
)

# The parts of the request head that GraphQL over HTTP uses, and content negotiation.

NOT_ACCEPTABLE = ""  # the media type if no supported one is acceptable (406)

_RELEVANT_HEADERS = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"if-none-match",
        b"authorization",
        b"x-request-id",
    }
)
SAFE_METHODS = frozenset({"GET", "HEAD"})

MAX_CACHED_VALUES = 256  # cached values per parser; a client repeats the same header values
MAX_CACHED_LENGTH = 256  # characters of a cached value
MAX_ACCEPT_LENGTH = 4096  # characters of `Accept` that are parsed
MAX_RANGES = 100  # media ranges of `Accept` that are parsed
_WEIGHT = re.compile(r"[0-9]+(\.[0-9]*)?", re.ASCII)

Parsed = TypeVar("Parsed")


def cached_parser(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Decorator for a parser of header values: cache its results, except for long values."""
    cached = lru_cache(MAX_CACHED_VALUES)(parse)

    @wraps(parse)
    def parse_with_cache(text: str) -> Parsed:
        return cached(text) if len(text) <= MAX_CACHED_LENGTH else parse(text)

    return parse_with_cache


@dataclass(slots=True)
class RequestHead:
    """Method, query string and relevant headers. Repeated headers that hold a list are joined with commas.

    `authorization` has one item per header, as more than one is an error. Of other repeated headers, the
    first `Content-Type` and the last `Content-Length` and `X-Request-Id` count.
    """

    method: str
    query_string: bytes
    accept: str = ""
    accept_encoding: str = ""
    content_type: str = ""
    content_length: str = ""
    content_encoding: str = ""
    if_none_match: str = ""
    authorization: tuple[str, ...] = ()
    request_id: bytes = b""

    @property
    def is_safe_method(self) -> bool:
        """Whether the method is GET or HEAD: then the GraphQL request is in the query string."""
        return self.method in SAFE_METHODS

    @staticmethod
    def from_scope(scope: Scope) -> "RequestHead":
        head = RequestHead(scope["method"], scope["query_string"])
        for name, value in scope["headers"]:
            if name not in _RELEVANT_HEADERS:
                continue
            match name:
                case b"accept":
                    head.accept = _join_list(head.accept, value)
                case b"accept-encoding":
                    head.accept_encoding = _join_list(head.accept_encoding, value)
                case b"content-type":
                    head.content_type = head.content_type or value.decode("latin-1")
                case b"content-length":
                    head.content_length = value.decode("latin-1")
                case b"content-encoding":
                    head.content_encoding = _join_list(head.content_encoding, value)
                case b"if-none-match":
                    head.if_none_match = _join_list(head.if_none_match, value)
                case b"authorization":
                    head.authorization += (value.decode("latin-1"),)
                case b"x-request-id":
                    head.request_id = value
        return head


def _join_list(joined: str, value: bytes) -> str:
    text = value.decode("latin-1")
    return f"{joined},{text}" if joined else text


@cached_parser
def negotiate_media_type(accept: str) -> str:
    """Negotiate the response media type; `application/graphql-response+json` wins ties if it is listed.

    JSON if `Accept` is empty, and also if the client accepts only streams, for error responses.
    NOT_ACCEPTABLE if no supported type is acceptable.
    """
    qualities = parse_qualities(accept)
    if not qualities:
        return JSON
    graphql_response, json = _quality(qualities, GRAPHQL_RESPONSE), _quality(qualities, JSON)
    if graphql_response > json or (graphql_response == json > 0.0 and GRAPHQL_RESPONSE in qualities):
        return GRAPHQL_RESPONSE
    accepts_stream = max(qualities.get(EVENT_STREAM, 0.0), qualities.get(MULTIPART, 0.0)) > 0.0
    return JSON if json > 0.0 or accepts_stream else NOT_ACCEPTABLE


class StreamingPreference(NamedTuple):
    """Negotiated stream formats.

    `subscriptions` is the media type for subscriptions; None if the client accepts no stream. `preferred` is
    the same media type if the client prefers a stream over JSON for every operation, else None.
    `incremental` means that the client accepts incremental delivery, and `incremental_2022` that it expects
    the format of August 2022.
    """

    preferred: str | None = None
    subscriptions: str | None = None
    incremental: bool = False
    incremental_2022: bool = False


NO_STREAMS = StreamingPreference()


@cached_parser
def negotiate_streaming(accept: str) -> StreamingPreference:
    """Negotiate the stream format; server-sent events win ties. Only listed types count, not wildcards."""
    qualities = parse_qualities(accept)
    events, multipart = qualities.get(EVENT_STREAM, 0.0), qualities.get(MULTIPART, 0.0)
    if max(events, multipart) <= 0.0:
        return NO_STREAMS
    stream = EVENT_STREAM if events >= multipart else MULTIPART
    json = max(qualities.get(JSON, 0.0), qualities.get(GRAPHQL_RESPONSE, 0.0))
    preferred = stream if max(events, multipart) > json else None
    return StreamingPreference(preferred, stream, multipart > 0.0, "20220824" in accept)


@cached_parser
def prefers_html(accept: str) -> bool:
    """Return whether `Accept` lists HTML with a quality at least as high as those of the JSON types."""
    qualities = parse_qualities(accept)
    html = qualities.get(HTML, 0.0)
    return html > 0.0 and html >= max(_quality(qualities, GRAPHQL_RESPONSE), _quality(qualities, JSON))


@cached_parser
def accepts_html(accept: str) -> bool:
    """Return whether `Accept` is empty or includes HTML, also by a wildcard."""
    qualities = parse_qualities(accept)
    return not qualities or _quality(qualities, HTML) > 0.0


@cached_parser
def is_json(content_type: str) -> bool:
    """Return whether the `Content-Type` is JSON in UTF-8."""
    name, parameters = _parse_media_range(content_type)
    return name == JSON and parameters.get("charset", "utf-8") in {"utf-8", "utf8"}


@cached_parser
def is_encoded(content_encoding: str) -> bool:
    """Return whether the body has a content coding, such as gzip."""
    return any(one.strip().lower() not in {"", "identity"} for one in content_encoding.split(","))


def _quality(qualities: Mapping[str, float], name: str) -> float:
    """The quality of a media type; the most specific range wins (RFC 9110, section 12.5.1)."""
    main_type, _, _ = name.partition("/")
    for media_range in (name, f"{main_type}/*", "*/*"):
        if media_range in qualities:
            return qualities[media_range]
    return 0.0


def parse_qualities(accept: str) -> dict[str, float]:
    """Parse `Accept` or `Accept-Encoding` into range → quality (0 to 1).

    A range with a malformed quality is ignored.
    """
    qualities = {}
    for text in accept[:MAX_ACCEPT_LENGTH].split(",", MAX_RANGES)[:MAX_RANGES]:
        name, parameters = _parse_media_range(text)
        weight = parameters.get("q", "1")
        if name and _WEIGHT.fullmatch(weight):
            qualities[name] = min(float(weight), 1.0)
    return qualities


def _parse_media_range(text: str) -> tuple[str, dict[str, str]]:
    """Parse a media range: `text/html; q=0.9` → `("text/html", {"q": "0.9"})`."""
    name, *parameters = (piece.strip().lower() for piece in text.split(";"))
    return name, {key.strip(): value.strip(' "') for key, _, value in (p.partition("=") for p in parameters)}


# Authentication: a client with a valid bearer token is an editor; an invalid token is rejected with 401.
# Empty credentials and those of other schemes are ignored, as they are not for this server.

# RFC 6750, section 2.1; the scheme is case-insensitive (RFC 9110).
_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def anonymous_audience(settings: ServerSettings) -> Audience:
    """The audience of a request without credentials."""
    return Audience.OPEN if settings.unpublished else Audience.PUBLIC


def authenticate(headers: Sequence[str], settings: ServerSettings) -> Audience:
    """The audience of a request with these `Authorization` headers. Raises HTTPError (401)."""
    bearer = [value.strip() for value in headers if not _is_ignored(value)]
    if not bearer:
        return anonymous_audience(settings)
    credentials = _CREDENTIALS.fullmatch(bearer[0]) if len(bearer) == 1 else None
    if credentials is None:
        raise _unauthenticated("Send exactly one `Authorization` header, of the form `Bearer TOKEN`.")
    if not _is_editor_token(credentials[1], settings.editor_tokens):
        raise _unauthenticated("The token is unknown.")
    return Audience.EDITOR


def _is_ignored(value: str) -> bool:
    """Return whether the credentials are empty or of another scheme, such as `Basic` of a proxy.

    A single word is not ignored: it may be a token whose scheme was forgotten.
    """
    scheme, *credentials = value.split(maxsplit=1) or [""]
    return not scheme or (bool(credentials) and scheme.lower() != BEARER.lower())


def _is_editor_token(token: str, editor_digests: Sequence[bytes]) -> bool:
    """Compare the token's digest with all of the editors', each in constant time, against timing attacks."""
    digest = sha256(token.encode("ascii")).digest()
    return sum(hmac.compare_digest(digest, editor_digest) for editor_digest in editor_digests) > 0


def _unauthenticated(message: str) -> HTTPError:
    return HTTPError(401, Code.UNAUTHENTICATED, message, **{WWW_AUTHENTICATE: BEARER})


# Choose the HTTP status of a response, by media type and status code policy.
#
# SPEC is what clients and the graphql-http audits expect: 400 if GraphQL rejects the request, but 200 for
# the media type `application/json`. DRAFT is the newest draft, the same for any media type: 400 for syntax
# errors, 422 for other rejected requests, and 294 for data with errors. Both: 503 for an overloaded server.
# https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes

HTTP_OK = 200
HTTP_PARTIAL_SUCCESS = 294
HTTP_BAD_REQUEST = 400
HTTP_UNPROCESSABLE_CONTENT = 422
HTTP_SERVICE_UNAVAILABLE = 503


def status_for_response(response: GraphQLResponse, media: str, policy: StatusCodePolicy) -> int:
    """The status of a GraphQL response, including one with errors."""
    if not RETRYABLE.isdisjoint(response.codes):
        return HTTP_SERVICE_UNAVAILABLE
    if policy is StatusCodePolicy.SPEC:
        return HTTP_OK if response.has_data or media != GRAPHQL_RESPONSE else HTTP_BAD_REQUEST
    if response.has_data:
        return HTTP_OK if response.is_clean else HTTP_PARTIAL_SUCCESS
    return HTTP_BAD_REQUEST if _is_syntax_error(response) else HTTP_UNPROCESSABLE_CONTENT


def status_for_error(error: HTTPError, media: str, policy: StatusCodePolicy) -> int:
    """The status of a request that was rejected before GraphQL execution.

    The error's `status`, unless its `status_for_draft` or `status_for_json` applies.
    """
    if policy is StatusCodePolicy.DRAFT and error.status_for_draft is not None:
        return error.status_for_draft
    return (
        error.status_for_json
        if error.status_for_json is not None and media != GRAPHQL_RESPONSE
        else error.status
    )


def _is_syntax_error(response: GraphQLResponse) -> bool:
    first = orjson.loads(response.body)["errors"][0]
    return bool(first["extensions"]["code"] == Code.PARSE_FAILED)
