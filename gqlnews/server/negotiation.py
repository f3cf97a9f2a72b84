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


NOTHING = ""  # the media type if no supported one is acceptable (406)

_LOOKED_AT = frozenset(
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
_READS = frozenset({"GET", "HEAD"})

SPELLINGS = 256  # cached values per header: a client sends the same value each time
LONGEST = 256  # characters of a cached value
MAX_ACCEPT = 4096  # characters of `Accept` that are parsed
MAX_RANGES = 100  # media ranges of `Accept` that are parsed
_WEIGHT = re.compile(r"[0-9]+(\.[0-9]*)?", re.ASCII)

Meaning = TypeVar("Meaning")


def remembered(read: Callable[[str], Meaning]) -> Callable[[str], Meaning]:
    """Cache the result of parsing a header value; long values are parsed each time."""
    cached = lru_cache(SPELLINGS)(read)

    @wraps(read)
    def cached_parse(text: str) -> Meaning:
        return cached(text) if len(text) <= LONGEST else read(text)

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
    def reads(self) -> bool:
        """Whether the method is safe (GET, HEAD), so that the request is in the URL."""
        return self.method in _READS

    @staticmethod
    def of(scope: Scope) -> "RequestHeaders":
        head = RequestHeaders(scope["method"], scope["query_string"])
        for name, value in scope["headers"]:
            if name not in _LOOKED_AT:
                continue
            match name:
                case b"accept":
                    head.accept = _joined(head.accept, value)
                case b"content-type":
                    head.content_type = head.content_type or value.decode("latin-1")
                case b"content-length":
                    head.content_length = value.decode("latin-1")
                case b"content-encoding":
                    head.content_encoding = _joined(head.content_encoding, value)
                case b"if-none-match":
                    head.if_none_match = _joined(head.if_none_match, value)
                case b"authorization":
                    head.authorization += (value.decode("latin-1"),)
                case b"x-request-id":
                    head.request_id = value
        return head


def _joined(before: str, value: bytes) -> str:
    text = value.decode("latin-1")
    return f"{before},{text}" if before else text


@remembered
def media_type(accept: str) -> str:
    """Negotiate the response media type; `application/graphql-response+json` wins ties if it is listed.

    JSON if the client accepts only streams, for errors; NOTHING if no supported type is acceptable.
    """
    liked = _parse_accept(accept)
    if not liked:
        return JSON
    newer, older = _quality(liked, GRAPHQL_RESPONSE), _quality(liked, JSON)
    if newer > older or (newer == older > 0.0 and GRAPHQL_RESPONSE in liked):
        return GRAPHQL_RESPONSE
    takes_streams_only = max(liked.get(EVENT_STREAM, 0.0), liked.get(MULTIPART, 0.0)) > 0.0
    return JSON if older > 0.0 or takes_streams_only else NOTHING


class StreamingPreference(NamedTuple):
    """Negotiated stream formats; a media type of None means that the client accepts no stream.

    `many` is for subscriptions. `always` is set if the client prefers a stream over JSON for any operation.
    `parts`: it accepts incremental delivery; `of_2022`: in the format of August 2022.
    """

    always: str | None = None
    many: str | None = None
    parts: bool = False
    of_2022: bool = False


NO_STREAMS = StreamingPreference()


@remembered
def negotiate_streaming(accept: str) -> StreamingPreference:
    liked = _parse_accept(accept)
    events, multipart = liked.get(EVENT_STREAM, 0.0), liked.get(MULTIPART, 0.0)
    if max(events, multipart) <= 0.0:
        return NO_STREAMS
    many = EVENT_STREAM if events >= multipart else MULTIPART
    whole = max(liked.get(JSON, 0.0), liked.get(GRAPHQL_RESPONSE, 0.0))
    always = many if max(events, multipart) > whole else None
    return StreamingPreference(always, many, multipart > 0.0, "20220824" in accept)


@remembered
def prefers_html(accept: str) -> bool:
    """Return whether `Accept` lists HTML with at least the quality of the JSON types."""
    liked = _parse_accept(accept)
    pages = liked.get(HTML, 0.0)
    return pages > 0.0 and pages >= max(_quality(liked, GRAPHQL_RESPONSE), _quality(liked, JSON))


@remembered
def is_json(content_type: str) -> bool:
    """Return whether the `Content-Type` is JSON in UTF-8."""
    name, parameters = _media_range(content_type)
    return name == JSON and parameters.get("charset", "utf-8") in {"utf-8", "utf8"}


@remembered
def is_encoded(content_encoding: str) -> bool:
    """Return whether the body has a content coding, such as gzip."""
    return any(one.strip().lower() not in {"", "identity"} for one in content_encoding.split(","))


def _quality(liked: Mapping[str, float], name: str) -> float:
    """The quality of a media type; the most specific range wins (RFC 9110, section 12.5.1)."""
    kind, _, _ = name.partition("/")
    for spelling in (name, f"{kind}/*", "*/*"):
        if spelling in liked:
            return liked[spelling]
    return 0.0


def _parse_accept(accept: str) -> dict[str, float]:
    """Parse `Accept` into media range → quality (0 to 1); malformed ranges are ignored."""
    liked = {}
    for text in accept[:MAX_ACCEPT].split(",", MAX_RANGES)[:MAX_RANGES]:
        name, parameters = _media_range(text)
        weight = parameters.get("q", "1")
        if name and _WEIGHT.fullmatch(weight):
            liked[name] = min(float(weight), 1.0)
    return liked


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


def status_of(answer: GraphQLResponse, media: str, codes: StatusCodePolicy) -> int:
    if Code.OVERLOADED in answer.codes:
        return OVERLOADED
    if codes is StatusCodePolicy.SPEC:
        return OK if answer.ok or media != GRAPHQL_RESPONSE else BAD_REQUEST
    if answer.ok:
        return OK if answer.is_clean else PARTIAL
    return BAD_REQUEST if _is_syntax(answer) else UNPROCESSABLE


def status_of_refusal(refused: HTTPError, media: str, codes: StatusCodePolicy) -> int:
    """The status of an error outside GraphQL; `refused.draft` and `refused.json` override it."""
    if codes is StatusCodePolicy.DRAFT and refused.draft is not None:
        return refused.draft
    return refused.json if refused.json is not None and media != GRAPHQL_RESPONSE else refused.status


def _is_syntax(answer: GraphQLResponse) -> bool:
    first = orjson.loads(answer.body)["errors"][0]
    return bool(first["extensions"]["code"] == Code.PARSE_FAILED)
