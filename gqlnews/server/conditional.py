"""Conditional requests: what a browser or a CDN may keep of a GET, and how it asks whether it still holds.

RFC 9110, section 13.1.2, and RFC 9111, section 5.2.2.
"""

from gqlnews.plan.audience import Audience
from gqlnews.server.head import Head
from gqlnews.server.wire import Headers

# Kept by anyone, and asked about each time: a new version shows at once.
_ASK_AGAIN = b"public, no-cache"
_NOT_OF_THE_PUBLIC = b"private, no-store"
NOT_KEPT: Headers = ((b"cache-control", b"no-store"),)
"""What speaks of this moment alone: errors, and what reads the clock."""


def caching(audience: Audience, tag: bytes) -> Headers:
    """The headers that say who may keep an answer, and under which tag it is asked about."""
    rule = _ASK_AGAIN if audience is Audience.PUBLIC else _NOT_OF_THE_PUBLIC
    return ((b"cache-control", rule), (b"etag", tag))


def is_known(head: Head, tag: bytes) -> bool:
    """Whether `If-None-Match` names the tag, weak where a proxy has compressed it.

    `*` names none: what was not run yet may be an error.
    """
    known = (one.strip().removeprefix("W/") for one in head.if_none_match.split(","))
    return tag.decode("ascii") in known
