"""Request headers, content negotiation, and the status code that follows from both."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar

import orjson
from starlette.types import Scope

from gqlnews.config.settings import StatusCodePolicy
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import Code
from gqlnews.server.response import EVENT_STREAM, GRAPHQL_RESPONSE, HTML, JSON, MULTIPART, HTTPError

# The request headers that GraphQL over HTTP uses, and content negotiation.

NOT_ACCEPTABLE = ""  # the media type if no supported one is acceptable (406)

_RELEVANT_HEADERS = frozenset(
    {
        b"accept",
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"if-none-match",
        b"authorization",
        b"x-request-id",
    }
)
_SAFE_METHODS = frozenset({"GET", "HEAD"})

MAX_CACHED_VALUES = 256  # cached values per header: a client sends the same value each time
MAX_CACHED_LENGTH = 256  # characters of a cached value
MAX_ACCEPT = 4096  # characters of `Accept` that are parsed
MAX_RANGES = 100  # media ranges of `Accept` that are parsed
_WEIGHT = re.compile(r"[0-9]+(\.[0-9]*)?", re.ASCII)

Parsed = TypeVar("Parsed")


def cached_parse(read: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Cache the result of parsing a header value; long values are parsed each time."""
    cached = lru_cache(MAX_CACHED_VALUES)(read)

    @wraps(read)
    def cached_parse(text: str) -> Parsed:
        return cached(text) if len(text) <= MAX_CACHED_LENGTH else read(text)

    return cached_parse


@dataclass(slots=True)
class RequestHeaders:
    """The relevant request headers; repeated fields that hold a list are joined with commas."""

    method: str
    query_string: bytes
    accept: str = ""
    content_type: str = ""
    content_length: str = ""
    content_encoding: str = ""
    if_none_match: str = ""
    authorization: tuple[str, ...] = ()
    request_id: bytes = b""

    @property
    def is_safe_method(self) -> bool:
        """Whether the method is safe (GET, HEAD), so that the request is in the URL."""
        return self.method in _SAFE_METHODS

    @staticmethod
    def from_scope(scope: Scope) -> "RequestHeaders":
        headers = RequestHeaders(scope["method"], scope["query_string"])
        for name, value in scope["headers"]:
            if name not in _RELEVANT_HEADERS:
                continue
            match name:
                case b"accept":
                    headers.accept = _join_list(headers.accept, value)
                case b"content-type":
                    headers.content_type = headers.content_type or value.decode("latin-1")
                case b"content-length":
                    headers.content_length = value.decode("latin-1")
                case b"content-encoding":
                    headers.content_encoding = _join_list(headers.content_encoding, value)
                case b"if-none-match":
                    headers.if_none_match = _join_list(headers.if_none_match, value)
                case b"authorization":
                    headers.authorization += (value.decode("latin-1"),)
                case b"x-request-id":
                    headers.request_id = value
        return headers


def _join_list(before: str, value: bytes) -> str:
    text = value.decode("latin-1")
    return f"{before},{text}" if before else text


@cached_parse
def media_type(accept: str) -> str:
    """Negotiate the response media type; `application/graphql-response+json` wins ties if it is listed.

    JSON if the client accepts only streams, for errors; NOTHING if no supported type is acceptable.
    """
    qualities = _parse_accept(accept)
    if not qualities:
        return JSON
    graphql_response, json = _quality(qualities, GRAPHQL_RESPONSE), _quality(qualities, JSON)
    if graphql_response > json or (graphql_response == json > 0.0 and GRAPHQL_RESPONSE in qualities):
        return GRAPHQL_RESPONSE
    takes_streams_only = max(qualities.get(EVENT_STREAM, 0.0), qualities.get(MULTIPART, 0.0)) > 0.0
    return JSON if json > 0.0 or takes_streams_only else NOT_ACCEPTABLE


class StreamingPreference(NamedTuple):
    """Negotiated stream formats; a media type of None means that the client accepts no stream.

    `subscriptions` is the format for subscriptions. `preferred` is set if the client prefers a stream over
    JSON for any operation. `incremental`: it accepts incremental delivery; `incremental_2022`: in the format
    of August 2022.
    """

    preferred: str | None = None
    subscriptions: str | None = None
    incremental: bool = False
    incremental_2022: bool = False


NO_STREAMS = StreamingPreference()


@cached_parse
def negotiate_streaming(accept: str) -> StreamingPreference:
    qualities = _parse_accept(accept)
    events, multipart = qualities.get(EVENT_STREAM, 0.0), qualities.get(MULTIPART, 0.0)
    if max(events, multipart) <= 0.0:
        return NO_STREAMS
    streamed = EVENT_STREAM if events >= multipart else MULTIPART
    unstreamed = max(qualities.get(JSON, 0.0), qualities.get(GRAPHQL_RESPONSE, 0.0))
    preferred = streamed if max(events, multipart) > unstreamed else None
    return StreamingPreference(preferred, streamed, multipart > 0.0, "20220824" in accept)


@cached_parse
def prefers_html(accept: str) -> bool:
    """Return whether `Accept` lists HTML with at least the quality of the JSON types."""
    qualities = _parse_accept(accept)
    pages = qualities.get(HTML, 0.0)
    return pages > 0.0 and pages >= max(_quality(qualities, GRAPHQL_RESPONSE), _quality(qualities, JSON))


@cached_parse
def is_json(content_type: str) -> bool:
    """Return whether the `Content-Type` is JSON in UTF-8."""
    name, parameters = _media_range(content_type)
    return name == JSON and parameters.get("charset", "utf-8") in {"utf-8", "utf8"}


@cached_parse
def is_encoded(content_encoding: str) -> bool:
    """Return whether the body has a content coding, such as gzip."""
    return any(one.strip().lower() not in {"", "identity"} for one in content_encoding.split(","))


def _quality(qualities: Mapping[str, float], name: str) -> float:
    """The quality of a media type; the most specific range wins (RFC 9110, section 12.5.1)."""
    kind, _, _ = name.partition("/")
    for spelling in (name, f"{kind}/*", "*/*"):
        if spelling in qualities:
            return qualities[spelling]
    return 0.0


def _parse_accept(accept: str) -> dict[str, float]:
    """Parse `Accept` into media range → quality (0 to 1); malformed ranges are ignored."""
    qualities = {}
    for text in accept[:MAX_ACCEPT].split(",", MAX_RANGES)[:MAX_RANGES]:
        name, parameters = _media_range(text)
        weight = parameters.get("q", "1")
        if name and _WEIGHT.fullmatch(weight):
            qualities[name] = min(float(weight), 1.0)
    return qualities


def _media_range(text: str) -> tuple[str, dict[str, str]]:
    """Parse a media range: `text/html; q=0.9` → `("text/html", {"q": "0.9"})`."""
    name, *parameters = (piece.strip().lower() for piece in text.split(";"))
    return name, {key.strip(): value.strip(' "') for key, _, value in (p.partition("=") for p in parameters)}


# Choose the HTTP status of a response, by media type and status code policy.
#
# SPEC, which clients and the graphql-http audits expect: 400 if GraphQL rejects the request, or 200 for the
# media type `application/json`. DRAFT, the newest draft: 400 only for syntax errors, else 422, and 294 for
# data with errors, for any media type. https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes

OK = 200
PARTIAL = 294
BAD_REQUEST = 400
UNPROCESSABLE = 422
OVERLOADED = 503


def status_for_response(response: GraphQLResponse, media: str, codes: StatusCodePolicy) -> int:
    if Code.OVERLOADED in response.codes:
        return OVERLOADED
    if codes is StatusCodePolicy.SPEC:
        return OK if response.has_data or media != GRAPHQL_RESPONSE else BAD_REQUEST
    if response.has_data:
        return OK if response.is_clean else PARTIAL
    return BAD_REQUEST if _is_syntax_error(response) else UNPROCESSABLE


def status_for_error(error: HTTPError, media: str, codes: StatusCodePolicy) -> int:
    """The status of an error outside GraphQL; `refused.draft` and `refused.json` override it."""
    if codes is StatusCodePolicy.DRAFT and error.status_for_draft is not None:
        return error.status_for_draft
    return (
        error.status_for_json
        if error.status_for_json is not None and media != GRAPHQL_RESPONSE
        else error.status
    )


def _is_syntax_error(response: GraphQLResponse) -> bool:
    first = orjson.loads(response.body)["errors"][0]
    return bool(first["extensions"]["code"] == Code.PARSE_FAILED)
