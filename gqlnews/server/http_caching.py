"""Cache-Control and ETag handling for GET (RFC 9111, section 5.2.2; RFC 9110, section 13.1.2)."""

from gqlnews.query.audience import Audience
from gqlnews.server.http import Headers
from gqlnews.server.request_headers import RequestHeaders

# Any cache may store it but must revalidate each time, so that a new version shows at once.
_ASK_AGAIN = b"public, no-cache"
_NOT_OF_THE_PUBLIC = b"private, no-store"
NO_STORE: Headers = ((b"cache-control", b"no-store"),)
"""For errors and for responses that depend on the clock."""


def cache_headers(audience: Audience, tag: bytes) -> Headers:
    """The `Cache-Control` and `ETag` headers of a cacheable response."""
    rule = _ASK_AGAIN if audience is Audience.PUBLIC else _NOT_OF_THE_PUBLIC
    return ((b"cache-control", rule), (b"etag", tag))


def etag_matches(head: RequestHeaders, tag: bytes) -> bool:
    """Return whether `If-None-Match` contains the tag, which is weak if a proxy has compressed the response.

    `*` does not match, as a request that was not executed yet may fail.
    """
    known = (one.strip().removeprefix("W/") for one in head.if_none_match.split(","))
    return tag.decode("ascii") in known
