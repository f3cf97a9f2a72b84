"""Requests that a proxy and a server could interpret differently (RFC 9110, RFC 9112), as raw bytes."""

import socket

import pytest

from gqlnews.server.uvicorn.head import UnvalidatedHead, is_authority, origin_form, validate
from tests.server.uvicorn.test_timeouts_static_responses import Address, exchange, refusal

BODY = b'{"query":"{ site { articleCount } }"}'
ANSWER = b'{"data":{"site":{"articleCount":1}}}'
CHUNKED = b"25\r\n" + BODY + b"\r\n0\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n"
HOST = b"Host: a\r\n"
CLOSE = b"Connection: close\r\n"
LENGTH = b"Content-Length: 37\r\n"
TRANSFER = b"Transfer-Encoding: "
POST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
POST_1_0 = POST.replace(b"HTTP/1.1", b"HTTP/1.0")
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SOCKET = b"GET /graphql HTTP/1.1\r\nHost: a\r\n" + UPGRADE
BAD = (400, "BAD_REQUEST")
UNSUPPORTED = (501, "UNSUPPORTED_TRANSFER_ENCODING")
EXPECTATION = (417, "EXPECTATION_FAILED")

BAD_HOSTS = (
    b"a b", b"a, b", b"a,b", b"u@a", b"u:p@a", b"a/b", b"a?b", b"a#b", b"a\tb", b'"a"', b"a\\b", b"<a>",
    b"a:x", b"a:1:2", b"a:99999", b"a:999999999", b":80", b"::1", b"[::1", b"[::1]x", b"[:::]", b"[a]",
    b"a%b", b"a\xff", b"http://a", b"a" * 256, b"a" * 5_000,
)  # fmt: skip
GOOD_HOSTS = (
    b"", b"  ", b" a:80", b" a:", b"\ta\t", b" A_b-c.example.", b" [::1]", b" [2001:db8::1]:8000",
    b" 127.0.0.1:8000", b" a%20b", b" a;b=c", b" " + b"a" * 255,
)  # fmt: skip
UNSUPPORTED_CODINGS = (
    b"gzip, chunked", b"identity, chunked", b"GZIP ,\tChunked", b"gzip;q=1, br, chunked",
    b"gzip\r\nTransfer-Encoding: chunked",
)  # fmt: skip
BAD_CODINGS = (
    b"gzip", b"identity", b"xchunked", b"chunked, gzip", b"chunked, chunked", b"", b", chunked", b"chunked,",
    b"chunked;q=1", b'"chunked"', b"\x0bchunked", b"\r\n chunked", b"chunked\r\nTransfer-Encoding: chunked",
    b"chunked\r\nTransfer-Encoding: gzip",
)  # fmt: skip
BAD_LENGTHS = (
    b"+37", b"-37", b"3_7", b"3 7", b"0x25", b"37.0", b"37, 37", b"", b"3\r\n 7", b"9" * 40,
    b"18446744073709551616", b"18446744073709551653",
)  # fmt: skip

REFUSED = [
    # Host: exactly one, and a valid one
    (LIVE + HOST + HOST, BAD),
    (LIVE + HOST + b"Host: b\r\n", BAD),
    (LIVE + HOST + b"X: y\r\nhOST:\r\n", BAD),
    (LIVE, BAD),
    (b"GET /health/live HTTP/1.0\r\n" + HOST + HOST, BAD),
    *[(LIVE + b"Host: " + host + b"\r\n", BAD) for host in BAD_HOSTS],
    # the target
    (b"GET http://b/health/live HTTP/1.1\r\n" + HOST, BAD),
    (b"GET http://a:81/health/live HTTP/1.1\r\n" + HOST, BAD),
    (b"GET http://a/health/live HTTP/1.1\r\nHost:\r\n", BAD),
    (b"GET http://a/health/live HTTP/1.1\r\n", BAD),
    (b"GET http://u@a/health/live HTTP/1.1\r\n" + HOST, BAD),
    (b"GET http:///health/live HTTP/1.1\r\n" + HOST, BAD),
    (b"GET ftp://a/health/live HTTP/1.1\r\n" + HOST, BAD),
    (b"GET a:80 HTTP/1.1\r\n" + HOST, BAD),
    (b"GET * HTTP/1.1\r\n" + HOST, BAD),
    (b"POST * HTTP/1.1\r\n" + HOST, BAD),
    (b"GET health/live HTTP/1.1\r\n" + HOST, BAD),
    (b"GET /health/live#x HTTP/1.1\r\n" + HOST, BAD),
    (b"CONNECT a:80 HTTP/1.1\r\n" + HOST, BAD),
    (b"CONNECT /graphql HTTP/1.1\r\n" + HOST, BAD),
    # the version
    (b"GET /health/live\r\n", BAD),
    (b"GET /health/live HTTP/0.9\r\n" + HOST, BAD),
    (b"GET /health/live HTTP/1.2\r\n" + HOST, BAD),
    (b"GET /health/live HTTP/2.0\r\n" + HOST, BAD),
    # transfer codings
    *[(POST + TRANSFER + coding + b"\r\n", UNSUPPORTED) for coding in UNSUPPORTED_CODINGS],
    *[(POST + TRANSFER + coding + b"\r\n", BAD) for coding in BAD_CODINGS],
    (LIVE + HOST + TRANSFER + b"gzip, chunked\r\n", UNSUPPORTED),
    (POST_1_0 + TRANSFER + b"chunked\r\n", BAD),
    (POST_1_0 + TRANSFER + b"gzip, chunked\r\n", BAD),
    # lengths
    (POST + LENGTH + TRANSFER + b"chunked\r\n", BAD),
    (POST + TRANSFER + b"chunked\r\n" + LENGTH, BAD),
    (POST + TRANSFER + b"xchunked\r\n" + LENGTH, BAD),
    (POST + LENGTH + LENGTH, BAD),
    (POST + LENGTH + b"Content-Length: 36\r\n", BAD),
    *[(POST + b"Content-Length: " + length + b"\r\n", BAD) for length in BAD_LENGTHS],
    # lines and names
    (LIVE + HOST + b"X: a\r\n b\r\n", BAD),
    (LIVE + b" X: a\r\n" + HOST, BAD),
    (POST + b"Content-Length : 37\r\n", BAD),
    (LIVE + HOST + b"X Y: a\r\n", BAD),
    (LIVE + HOST + b": a\r\n", BAD),
    (LIVE + HOST + b"X\r\n", BAD),
    (LIVE + HOST + b"X: a\rb\r\n", BAD),
    (LIVE + HOST + b"X: a\0b\r\n", BAD),
    (LIVE + b"Host: a\n", BAD),
    # expectations
    (POST + LENGTH + b"Expect: x\r\n", EXPECTATION),
    (POST + LENGTH + b"Expect: 100-continue, x\r\n", EXPECTATION),
    (POST + LENGTH + b"Expect: 100-continue\r\nExpect: x\r\n", EXPECTATION),
    (POST_1_0 + LENGTH + b"Expect: x\r\n", EXPECTATION),
    (LIVE + HOST + b"Expect: 100\r\n", EXPECTATION),
    # the same in WebSocket handshakes
    (SOCKET + HOST, BAD),
    (SOCKET.replace(HOST, b""), BAD),
    (SOCKET.replace(HOST, b"Host: a b\r\n"), BAD),
    (SOCKET.replace(b"/graphql", b"http://b/graphql"), BAD),
    (SOCKET.replace(b"/graphql", b"*"), BAD),
    (SOCKET.replace(b"GET", b"CONNECT"), BAD),
    (SOCKET + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", BAD),
    (SOCKET + b"Sec-WebSocket-Version: 13\r\n", BAD),
    (SOCKET + LENGTH, BAD),
    (SOCKET + TRANSFER + b"chunked\r\n", BAD),
    (SOCKET + TRANSFER + b"gzip, chunked\r\n", UNSUPPORTED),
    (SOCKET + b"Expect: x\r\n", EXPECTATION),
    (SOCKET.replace(b"HTTP/1.1", b"HTTP/1.0"), BAD),
]


@pytest.mark.parametrize(("head", "expected"), REFUSED)
def test_an_ambiguous_head_is_rejected_and_its_connection_closed(
    address: Address, head: bytes, expected: tuple[int, str]
) -> None:
    smuggled = LIVE + HOST + b"\r\n"
    response = exchange(address, head + b"\r\n" + smuggled)
    assert refusal(response) == expected
    assert response.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in response.lower()


def test_requests_before_a_rejected_one_are_answered_and_none_after(address: Address) -> None:
    whole = LIVE + HOST + b"\r\n"
    response = exchange(address, whole + LIVE + HOST + HOST + b"\r\n" + whole)
    assert response.count(b"HTTP/1.1 ") == 2
    assert response.startswith(b"HTTP/1.1 200 ")
    assert refusal(response) == BAD


@pytest.mark.parametrize(
    "head",
    [
        *[LIVE + b"Host:" + host + b"\r\n" + CLOSE for host in GOOD_HOSTS],
        b"GET /health/live HTTP/1.0\r\n",
        b"GET http://a/health/live HTTP/1.0\r\n",
        b"GET http://a/health/live HTTP/1.1\r\n" + HOST + CLOSE,
        b"GET HTTP://A:80/health/live HTTP/1.1\r\n" + HOST + CLOSE,
        b"GET https://a/health/live HTTP/1.1\r\nHost: a:443\r\n" + CLOSE,
        LIVE + HOST + CLOSE + b"Content_Length: 3\r\n",
        LIVE + HOST + CLOSE + b"Expect:\r\n",
    ],
)
def test_a_valid_head_is_answered(address: Address, head: bytes) -> None:
    assert exchange(address, head + b"\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (LENGTH, BODY),
        (b"Content-Length: 0037\r\n", BODY),
        (LENGTH + b"Transfer_Encoding: chunked\r\n", BODY),  # a different header name, so not framing
        (TRANSFER + b"ChUnKeD\r\n", CHUNKED),
        (TRANSFER + b"\tchunked \r\n", CHUNKED),
        (LENGTH + b"Expect: 100-Continue\r\n", BODY),
        (LENGTH + b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", BODY),
        (TRANSFER + b"chunked\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", CHUNKED),
    ],
)
def test_a_body_is_read_completely(address: Address, headers: bytes, body: bytes) -> None:
    for pieces in ((POST + headers + CLOSE + b"\r\n" + body,), (POST + headers + CLOSE + b"\r\n", body)):
        assert exchange(address, *pieces).endswith(ANSWER)


def test_the_body_behind_an_ignored_upgrade_is_not_a_request(address: Address) -> None:
    """The parser skips the body of an upgrade request, so a body sent later was once parsed as a request."""
    inner = LIVE + HOST + b"\r\n"
    head = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(inner)
    with socket.create_connection(address, 20.0) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n"
            + HOST
            + head
        )
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")  # the head was read
        connection.sendall(inner + LIVE + HOST + CLOSE + b"\r\n")
        response = b""
        while some := connection.recv(1 << 16):
            response += some
    assert [part[:3] for part in response.split(b"HTTP/1.1 ")[1:]] == [b"400", b"200"]


def test_requests_behind_an_ignored_upgrade_are_answered(address: Address) -> None:
    upgrade = LIVE + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    response = exchange(address, upgrade * 3 + LIVE + HOST + CLOSE + b"\r\n")
    assert response.count(b"HTTP/1.1 200 ") == 4


def test_http_1_0_does_not_get_100_continue(address: Address) -> None:
    response = exchange(address, POST_1_0 + LENGTH + b"Expect: 100-continue\r\n\r\n" + BODY)
    assert response.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("accept", "end"),
    [
        (b"text/event-stream", b"\nevent: complete\ndata: \n\n"),
        (b"multipart/mixed", b"\r\n--graphql--\r\n"),
    ],
)
@pytest.mark.parametrize("headers", [b"", b"Connection: keep-alive\r\n"])
def test_http_1_0_gets_a_stream_without_chunks(
    address: Address, accept: bytes, end: bytes, headers: bytes
) -> None:
    request = POST_1_0 + LENGTH + b"Accept: " + accept + b"\r\n" + headers + b"\r\n" + BODY
    head, _, body = exchange(address, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close" in head
    assert b"transfer-encoding" not in head
    assert ANSWER[:-1] in body
    assert body.endswith(end)


def test_a_websocket_may_name_its_url_in_full(address: Address) -> None:
    with socket.create_connection(address, 20.0) as connection:
        head = SOCKET.replace(b"/graphql", b"http://a/graphql")
        connection.sendall(head + b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("size", [b"g", b"-25", b"+25", b"0x25", b"25 ", b" 25", b"", b"1" + b"0" * 16])
def test_a_chunk_size_is_hexadecimal_digits(address: Address, size: bytes) -> None:
    data = POST + TRANSFER + b"chunked\r\n\r\n" + size + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
    assert refusal(exchange(address, data)) == BAD


@pytest.mark.parametrize(
    "chunks",
    [
        b"25\n" + BODY + b"\r\n0\r\n\r\n",
        b"25\r\n" + BODY + b"\n0\r\n\r\n",
        b"25\r\n" + BODY + b"0\r\n\r\n",
        b"25;a\n" + BODY + b"\r\n0\r\n\r\n",
        b"25;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"25\r\n" + BODY + b"\r\n0\n\n",
        b"25\r\n" + BODY + b"\r\n0\r\nX y\r\n\r\n",
        b"25\r\n" + BODY + b"\r\n0\r\nContent-Length: 3\r\n\r\n",
    ],
)
def test_chunks_end_in_crlf(address: Address, chunks: bytes) -> None:
    assert refusal(exchange(address, POST + TRANSFER + b"chunked\r\n\r\n" + chunks)) == BAD


def test_trailers_are_not_headers(address: Address) -> None:
    trailers = b"Authorization: Bearer x\r\nAccept: text/html\r\nHost: b\r\nX-Request-Id: of-a-trailer\r\n"
    data = POST + TRANSFER + b"chunked\r\n" + CLOSE + b"\r\n" + CHUNKED[:-2] + trailers + b"\r\n"
    response = exchange(address, data)
    assert response.startswith(b"HTTP/1.1 200 ")
    assert response.endswith(ANSWER)
    assert b"of-a-trailer" not in response


@pytest.mark.parametrize(
    "trailers", [b"a: b\r\n" * 201, b"a: %b\r\n" % (b"x" * 70_000), b"a: %b\r\n" % (b"x" * 1000) * 70]
)
def test_trailers_have_the_limits_of_headers(address: Address, trailers: bytes) -> None:
    data = POST + TRANSFER + b"chunked\r\n\r\n" + CHUNKED[:-2] + trailers + b"\r\n"
    assert refusal(exchange(address, data)) == (431, "HEADERS_TOO_LARGE")


@pytest.mark.parametrize(
    "endless",
    [
        b"25;a=" + b"x" * 1_100_000,
        b"0" * 1_100_000,
        CHUNKED[:-2] + b"a: " + b"x" * 1_100_000,
        (b"1;" + b"x" * 9_000 + b"\r\na\r\n") * 125,
    ],
)
def test_the_wire_size_of_a_body_is_limited(address: Address, endless: bytes) -> None:
    data = POST + TRANSFER + b"chunked\r\n\r\n" + endless
    assert refusal(exchange(address, data)) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("hosts", [("a", "b", "a b"), ("a", "a", ""), ("", "a", "a,a")])
def test_each_request_of_a_connection_is_checked(address: Address, hosts: tuple[str, ...]) -> None:
    requests = [LIVE + b"Host: " + host.encode() + b"\r\n\r\n" for host in hosts]
    expected = [b"400" if " " in host or "," in host else b"200" for host in hosts]
    response = exchange(address, *requests, LIVE + HOST + CLOSE + b"\r\n" if b"400" not in expected else b"")
    assert [part[:3] for part in response.split(b"HTTP/1.1 ")[1:]][:3] == expected


def test_a_missing_host_is_detected_after_a_valid_request(address: Address) -> None:
    response = exchange(address, LIVE + HOST + b"\r\n" + LIVE + b"\r\n")
    assert refusal(response) == BAD


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a", True),
        (b"a:65535", True),
        (b"a:65536", False),
        (b"", False),
        (b"[::ffff:1.2.3.4]", True),
        (b"a\n", False),
    ],
)
def test_an_authority_is_a_host_with_an_optional_port(value: bytes, expected: bool) -> None:
    assert is_authority(value) is expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a?b", b"/a?b"),
        (b"http://a", b"/"),
        (b"http://a?b", b"/?b"),
        (b"HTTPS://a:1/b?c=/", b"/b?c=/"),
        (b"*", b"*"),
    ],
)
def test_the_origin_form_of_a_target(target: bytes, expected: bytes) -> None:
    assert origin_form(target) == expected


def test_a_valid_head_has_no_error_response() -> None:
    assert validate(UnvalidatedHead(b"GET", "1.1", b"/", ((b"host", b"a"),))) is None
