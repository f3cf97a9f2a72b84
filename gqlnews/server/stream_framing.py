"""Framings of a streamed HTTP response: server-sent events and two kinds of multipart.

| framing | format |
|---|---|
| EVENTS | server-sent events, in the "distinct connections mode" of graphql-sse |
| PAYLOADS | the events of a subscription, in Apollo's multipart protocol |
| PARTS | the payloads of one operation, in incremental delivery over HTTP |

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
https://github.com/graphql/graphql-over-http/blob/main/rfcs/IncrementalDelivery.md
"""

from dataclasses import dataclass

from gqlnews.server.http import EVENT_STREAM, JSON, MULTIPART, Headers, graphql_headers

BOUNDARY = "graphql"


@dataclass(frozen=True, slots=True)
class Framing:
    """The byte sequences of one stream format.

    `opening` follows the headers at once, so that the client sees them. `ping` is the keep-alive.
    Each payload goes between `before` and `after`; `end` marks a complete stream. `name` is for the log.
    """

    name: str
    headers: Headers
    opening: bytes
    ping: bytes
    before: bytes
    after: bytes
    end: bytes

    def framed(self, answer: bytes) -> bytes:
        return b"%b%b%b" % (self.before, answer, self.after)


def _headers(media: str) -> Headers:
    unbuffered = (b"x-accel-buffering", b"no")  # disables buffering in nginx
    return (*graphql_headers(media), (b"cache-control", b"no-store"), unbuffered)


EVENTS = Framing(
    name="events",
    headers=_headers(EVENT_STREAM),
    opening=b":\n\n",
    ping=b":\n\n",
    before=b"event: next\ndata: ",
    after=b"\n\n",
    end=b"event: complete\ndata: \n\n",
)


def _multipart(name: str, parameters: str, before: bytes, after: bytes, ping: bytes) -> Framing:
    """Send each part with the boundary after it, without which a client cannot tell that it is complete."""
    head = b"\r\ncontent-type: %b; charset=utf-8\r\n\r\n" % JSON.encode()
    boundary = b"\r\n--%b" % BOUNDARY.encode()
    return Framing(
        name=name,
        headers=_headers(f'{MULTIPART}; boundary="{BOUNDARY}"{parameters}'),
        opening=boundary,
        ping=b"%b%b%b" % (head, ping, boundary) if ping else b"",
        before=head + before,
        after=after + boundary,
        end=b"--\r\n",
    )


PAYLOADS = _multipart("multipart", '; subscriptionSpec="1.0"', b'{"payload":', b"}", b"{}")
PARTS = _multipart("parts", "", b"", b"", b"")
PARTS_OF_2022 = _multipart("parts", "; deferSpec=20220824", b"", b"", b"")
