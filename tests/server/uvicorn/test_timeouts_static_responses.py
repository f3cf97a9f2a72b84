"""Requests rejected before the application: each response is GraphQL JSON with a code, and in order."""

import json
import socket
from typing import Any

import pytest

BODY = b'{"query":"{ site { articleCount } }"}'
POST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 37\r\n"
UPGRADE = b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n"
DEADLINE = 20.0
KIB = 1024

Address = tuple[str, int]


def exchange(address: Address, *pieces: bytes) -> bytes:
    """Send these pieces, and return everything that the server sends until it closes."""
    response = b""
    with socket.create_connection(address, DEADLINE) as connection:
        for piece in pieces:
            connection.sendall(piece)
        while some := connection.recv(1 << 16):
            response += some
    return response


def refusal(answer: bytes) -> tuple[int, str]:
    """Return the status and code of the last response, after checking its headers."""
    head, _, body = answer[answer.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    status, *lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["content-length"]) == len(body)
    parsed: dict[str, Any] = json.loads(body)
    (error,) = parsed.pop("errors")
    assert not parsed
    return int(status.split()[1]), error["extensions"]["code"]


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",  # TLS
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        POST.replace(b"37", b"-1") + b"\r\n",
        POST.replace(b"37", b"9" * 30) + b"\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",  # two lengths
        POST.replace(b"Content-Length: 37", b"Transfer-Encoding: chunked") + b"\r\nxyz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_invalid_http_is_400(address: Address, data: bytes) -> None:
    assert refusal(exchange(address, data)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"a: b\r\n" * 150, 200),
        (b"a: b\r\n" * 201, 431),
        (b"a: %b\r\n" % (b"x" * 60 * KIB), 200),
        (b"a: %b\r\n" % (b"x" * 65 * KIB), 431),
        (b"a: %b\r\n" % (b"x" * 1000) * 70, 431),
    ],
)
def test_the_size_of_headers_is_limited(address: Address, headers: bytes, status: int) -> None:
    response = exchange(address, POST + headers + b"Connection: close\r\n\r\n" + BODY)
    if status == 200:
        assert response.startswith(b"HTTP/1.1 200 ")
    else:
        assert refusal(response) == (431, "HEADERS_TOO_LARGE")


def test_endless_headers_are_rejected_while_arriving(address: Address) -> None:
    pieces = [b"GET / HTTP/1.1\r\n", *[b"a: %b\r\n" % (b"x" * 50 * KIB)] * 8]
    assert refusal(exchange(address, *pieces)) == (431, "HEADERS_TOO_LARGE")


@pytest.mark.parametrize("length", [64 * KIB, 70 * KIB, 300 * KIB])
def test_the_length_of_a_url_is_limited(address: Address, length: int) -> None:
    line = b"GET /graphql?query=%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * length)
    assert refusal(exchange(address, line)) == (414, "URL_TOO_LONG")


def test_a_long_url_within_the_limit_is_answered(address: Address) -> None:
    query = b"%7Bsite%7BarticleCount%7D%7D%23" + b"x" * 60 * KIB
    head = b"GET /graphql?query=%b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert exchange(address, head % query).endswith(b'{"data":{"site":{"articleCount":1}}}')


def test_pipelined_requests_are_answered_before_the_rejection(address: Address) -> None:
    whole = POST + b"\r\n" + BODY
    response = exchange(address, whole * 3 + b"nonsense\r\n\r\n")
    assert response.count(b"HTTP/1.1 200 ") == 3
    assert refusal(response) == (400, "BAD_REQUEST")


def test_a_malformed_pipelined_body_is_rejected_in_order(address: Address) -> None:
    broken = POST.replace(b"Content-Length: 37", b"Transfer-Encoding: chunked") + b"\r\nxyz\r\n"
    response = exchange(address, POST + b"\r\n" + BODY + broken)
    assert response.count(b"HTTP/1.1 200 ") == 1
    assert refusal(response) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "head", [b"TRACE / HTTP/1.1\r\n", b"POST /graphql HTTP/1.1\r\nContent-Type: text/plain\r\n"]
)
def test_a_rejected_client_that_still_sends_can_read_the_response(address: Address, head: bytes) -> None:
    length = 300 * KIB
    data = head + b"Host: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length + b"x" * length
    status, _ = refusal(exchange(address, data))
    assert status in (405, 415)


@pytest.mark.parametrize(
    ("handshake", "expected"),
    [
        (UPGRADE + KEY, (400, "BAD_REQUEST")),  # no version
        (UPGRADE + VERSION, (400, "BAD_REQUEST")),  # no key
        (UPGRADE + VERSION + b"Sec-WebSocket-Key: x\r\n", (400, "BAD_REQUEST")),
        (UPGRADE.replace(b"GET", b"PUT") + VERSION + KEY, (405, "METHOD_NOT_ALLOWED")),
        (UPGRADE + VERSION + KEY + b"a: b\r\n" * 190, (431, "HEADERS_TOO_LARGE")),
        (UPGRADE + VERSION + KEY + b"a: %b\r\n" % (b"x" * 20 * KIB), (431, "HEADERS_TOO_LARGE")),
        (UPGRADE.replace(b"/graphql", b"/" + b"x" * 20 * KIB) + VERSION + KEY, (414, "URL_TOO_LONG")),
        (UPGRADE.replace(b"/graphql", b"/\xff") + VERSION + KEY, (400, "BAD_REQUEST")),
        (UPGRADE.replace(b"/graphql", b"/nowhere") + VERSION + KEY, (404, "NOT_FOUND")),
        (UPGRADE + VERSION + KEY + b"Origin: http://b.example\r\n", (403, "ORIGIN_NOT_ALLOWED")),
    ],
)
def test_a_failed_handshake_has_an_error_message(
    address: Address, handshake: bytes, expected: tuple[int, str]
) -> None:
    assert refusal(exchange(address, handshake + b"\r\n")) == expected


def test_an_unsupported_upgrade_is_ignored(address: Address) -> None:
    data = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
    assert exchange(address, data).startswith(b"HTTP/1.1 200 ")
