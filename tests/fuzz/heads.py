"""Headers that are legal HTTP with arbitrary meaning, except those that frame the message."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.client import Header
from tests.server.support import TOKEN

MEDIA = (
    *(
        "application/json",
        "application/graphql-response+json",
        "text/event-stream",
        "multipart/mixed",
        "text/html",
    ),
    *(
        "*/*",
        "application/*",
        "image/png",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ),
)
PARAMETERS = (
    *(
        "q=0",
        "q=1",
        "q=0.5",
        "q=-1",
        "q=nan",
        "q=1.0001",
        "q=",
        "charset=utf-8",
        "charset=utf-16",
        'charset="utf-8"',
    ),
    *('subscriptionSpec="1.0"', "deferSpec=20220824", "boundary=-", ";", "=", '"', "q=0;q=1"),
)
WORDS: dict[str, Sequence[str]] = {
    "authorization": (
        "Bearer",
        "bearer ",
        "Basic YTpi",
        TOKEN,
        f"Bearer {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        "Bearer =",
        ",",
    ),
    "if-none-match": ("*", '""', 'W/"a"', '"a", "b"', ",", '"'),
    "content-encoding": ("identity", "gzip", "br", "deflate, gzip", "*"),
    "accept-encoding": ("gzip", "identity;q=0", "*;q=0"),
    "origin": ("null", "https://evil.example", "http://127.0.0.1", "x"),
    "x-request-id": ("a", "a b", "{}", "\x80", "x" * 300),
    "cookie": ("a=b", "session=1"),
    "range": ("bytes=0-1", "bytes=-"),
    "referer": ("https://evil.example/",),
    "x-forwarded-for": (
        *("127.0.0.1", "a, b", "198.51.100.7, 127.0.0.1", "unknown", "::1", "[2001:db8::1]:443", "unix:"),
        *(
            "198.51.100.7:80",
            ",,",
            "2001:db8::1%eth0",
            "0177.0.0.1",
            "999.1.1.1",
            ", ".join(["127.0.0.1"] * 300),
        ),
    ),
    "x-forwarded-proto": ("https", "http, https", "javascript"),
    "x-forwarded-host": ("evil.example", "a, b", "[::1"),
    "forwarded": ("for=198.51.100.7;proto=https", 'for="[2001:db8::1]:443", for=unknown', "for"),
    "x-real-ip": ("198.51.100.7", "x"),
    "via": ("1.0 fred, 1.1 p.example",),
    "traceparent": ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0", "ff-"),
    "baggage": ("a=b;c", "=" * 200),
    "connection": ("close", "keep-alive", "te, close"),
    "te": ("trailers", "gzip"),
    "apollo-require-preflight": ("1",),
    "x-unknown": ("",),
}
_letters = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")
_noise = st.text(_letters, max_size=30)
media_types = st.lists(
    st.builds(
        lambda kind, more: ";".join((kind, *more)),
        st.sampled_from(MEDIA) | _noise,
        st.lists(st.sampled_from(PARAMETERS), max_size=2),
    ),
    max_size=4,
).map(", ".join)


def _header(name: str, values: SearchStrategy[str]) -> SearchStrategy[Header]:
    return values.map(lambda value: (name, value.strip().encode("latin-1")))


_others = st.sampled_from(sorted(WORDS)).flatmap(
    lambda name: _header(name, st.sampled_from(WORDS[name]) | _noise)
)
_accept = _header("accept", media_types | _noise)
_type = _header("content-type", st.just("application/json") | media_types | _noise)
heads: SearchStrategy[list[Header]] = st.builds(
    lambda kinds, others: [*kinds, *others],
    st.lists(_type, max_size=2),
    st.lists(_accept | _others, max_size=6),
)
