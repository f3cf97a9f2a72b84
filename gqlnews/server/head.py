"""The head of a request, as far as GraphQL over HTTP looks at it, and the media types that it names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar

from starlette.types import Scope

from gqlnews.server.wire import EVENT_STREAM, GRAPHQL_RESPONSE, HTML, JSON, MULTIPART

_READS = frozenset({"GET", "HEAD"})

SPELLINGS = 256  # of one header whose meaning is remembered: a client writes it the same way each time
LONGEST = 256  # characters of those

Meaning = TypeVar("Meaning")


def remembered(read: Callable[[str], Meaning]) -> Callable[[str], Meaning]:
    """What a header's text means, worked out once."""
    kept = lru_cache(SPELLINGS)(read)

    @wraps(read)
    def remember(text: str) -> Meaning:
        return kept(text) if len(text) <= LONGEST else read(text)

    return remember


@dataclass(slots=True)
class Head:
    """The headers that matter, as text; `accept` and `if_none_match` joined where they come several times."""

    method: str
    query_string: bytes
    accept: str = ""
    content_type: str = ""
    content_length: str = ""
    if_none_match: str = ""
    authorization: tuple[str, ...] = ()

    @property
    def reads(self) -> bool:
        """Whether the method may change nothing, and its request stands in the address."""
        return self.method in _READS

    @staticmethod
    def of(scope: Scope) -> "Head":
        head = Head(scope["method"], scope["query_string"])
        for name, value in scope["headers"]:
            match name:
                case b"accept":
                    head.accept = _joined(head.accept, value)
                case b"content-type":
                    head.content_type = head.content_type or value.decode("latin-1")
                case b"content-length":
                    head.content_length = value.decode("latin-1")
                case b"if-none-match":
                    head.if_none_match = _joined(head.if_none_match, value)
                case b"authorization":
                    head.authorization += (value.decode("latin-1"),)
        return head


def _joined(before: str, value: bytes) -> str:
    text = value.decode("latin-1")
    return f"{before},{text}" if before else text


@remembered
def media_type(accept: str) -> str:
    """The type to answer in: the specification's own where the client names it and likes it no less."""
    liked = _accepted(accept)
    return GRAPHQL_RESPONSE if liked.get(GRAPHQL_RESPONSE, 0.0) > 0.0 and _first(liked) else JSON


class Streams(NamedTuple):
    """How a client takes what may be several answers, None for not at all.

    `always`: also one answer, which it would rather have so than as JSON. `many`: those of a subscription.
    `parts`: those of one answer; `of_2022`, in the format of that year.
    """

    always: str | None = None
    many: str | None = None
    parts: bool = False
    of_2022: bool = False


NO_STREAMS = Streams()


@remembered
def takes_streams(accept: str) -> Streams:
    liked = _accepted(accept)
    events, multipart = liked.get(EVENT_STREAM, 0.0), liked.get(MULTIPART, 0.0)
    if max(events, multipart) <= 0.0:
        return NO_STREAMS
    many = EVENT_STREAM if events >= multipart else MULTIPART
    whole = max(liked.get(JSON, 0.0), liked.get(GRAPHQL_RESPONSE, 0.0))
    always = many if max(events, multipart) > whole else None
    return Streams(always, many, multipart > 0.0, "20220824" in accept)


@remembered
def likes_pages(accept: str) -> bool:
    return _accepted(accept).get(HTML, 0.0) > 0.0


@remembered
def is_json(content_type: str) -> bool:
    """JSON in UTF-8, however it is written."""
    name, parameters = _media_range(content_type)
    return name == JSON and parameters.get("charset", "utf-8") in {"utf-8", "utf8"}


def _first(liked: Mapping[str, float]) -> bool:
    return liked[GRAPHQL_RESPONSE] >= liked.get(JSON, 0.0)


def _accepted(accept: str) -> dict[str, float]:
    """Media types that `Accept` names, with how much each is liked, 0 to 1."""
    return {
        name: _weight(parameters.get("q", "1")) for name, parameters in map(_media_range, accept.split(","))
    }


def _media_range(text: str) -> tuple[str, dict[str, str]]:
    """`text/html; q=0.9` → `("text/html", {"q": "0.9"})`."""
    name, *parameters = (piece.strip().lower() for piece in text.split(";"))
    return name, {key.strip(): value.strip(' "') for key, _, value in (p.partition("=") for p in parameters)}


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
