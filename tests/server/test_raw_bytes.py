"""Arbitrary bytes from fixed seeds: no status over 499 except 501, no delay, no traceback in the log."""

import random
import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from gqlnews.server.uvicorn.transport import LINGER_TIMEOUT
from tests.server.support import SOON, Running, serving, write_articles

ATTEMPTS = 3
CASES = 150  # of each kind
ANSWERED = b'{"data":{"site":{"articleCount":1}}}'
BODY = b'{"query":"{ site { articleCount } }"}'
POST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
SEEDS = (
    POST + b"Content-Length: 37\r\n\r\n" + BODY,
    POST + b"Transfer-Encoding: chunked\r\n\r\n25\r\n" + BODY + b"\r\n0\r\n\r\n",
    POST + b"Expect: 100-continue\r\nContent-Length: 37\r\n\r\n" + BODY,
    b"GET /graphql?query=%7Bsite%7BarticleCount%7D%7D&variables=%7B%7D HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n",
    b"GET /explorer/manifest.json HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS /graphql HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n"
    b"Access-Control-Request-Method: POST\r\n\r\n",
    b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    b"\x81\x9a\x00\x00\x00\x00" + b'{"type":"connection_init"}',
)
TOKENS = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b" ",
    b":",
    b";",
    b",",
    b"%",
    b"%00",
    b"%ff",
    b"../",
    b"//",
    b"?",
    b"#",
    b"[",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT",
    b"Host: [",
    b"Host: \xff",
    b"Upgrade: websocket\r\n",
    b"Upgrade: h2c\r\n",
    b"Connection: upgrade\r\n",
    b"Connection: close\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"Expect: x\r\n",
    b"0\r\nHost: b\r\n\r\n",
    b"Origin: null\r\n",
    b"Accept: text/event-stream\r\n",
    b"Accept: */*;q=0\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Authorization: Bearer \xff\r\n",
    b"X-Request-Id: \x01\r\n",
    b"X: " + b"y" * 70_000 + b"\r\n",
    b"a: b\r\n" * 300,
    b"1e999",
    b"NaN",
    b'"\\ud800"',
    b"[" * 2_000,
    b"9" * 5_000,
    b"documentId=",
    b"extensions=",
    b'{"query":"{' + b"a{" * 500,
)
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "SOURCE")
PATHS = (
    "/",
    "/graphql",
    "/graphql/",
    "/explorer/",
    "/explorer/%00",
    "/explorer/manifest.json",
    "/explorer/" + "a" * 300,
    "/explorer/..%2f..%2f",
    "/health/live",
    "/health/ready",
    "/nowhere",
    "/%ff",
    "/graphql%00",
    "//graphql",
    "/graphql?query",
    "/graphql?%ff=%ff",
    "/graphql?query=%7Ba&variables=%ff",
    "/graphql?documentId=x",
    "/graphql?extensions=%7B%7D",
    "http://[/graphql",
    "http://a/graphql",
    "*",
    "/graphql?query=%00",
    "/graphql?query=%7Bsite%7BarticleCount%7D%7D",
)
HEADERS = (
    "Accept: text/html",
    "Accept: */*;q=0",
    "Accept: ;;;,,q=,",
    "Accept: application/*;q=0.5",
    "Host: [::1",
    "Host: \x80",
    "Content-Type: application/json",
    "Content-Type: text/plain",
    "Content-Encoding: br",
    "Origin: null",
    "Range: bytes=0-",
    "Origin: http://[",
    "Accept: text/event-stream",
    "If-None-Match: \xff",
    "If-None-Match: *",
    "Authorization: x",
    "X-Request-Id: a b",
    "Authorization: Bearer \xe9",
    "Transfer-Encoding: identity",
    "Upgrade: h2c\r\nConnection: Upgrade",
    "Expect: x",
    "Host: a\r\nHost: b",
    "Transfer-Encoding: gzip, chunked",
    "If-Modified-Since: \xff",
    "Range: bytes=9-1",
    "Cookie: " + "a" * 9000,
    "Content-Type: application/json; charset=\xff",
    "Access-Control-Request-Method: POST",
    "Content-Type: multipart/form-data; boundary=",
)
BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    BODY,
    b"\xff",
    b'{"query":1e999}',
    b'{"query":"{a}","variables":{"a":NaN}}',
    b'{"documentId":7}',
    b'{"extensions":{"persistedQuery":[]}}',
    b'{"query":"\\u0000"}',
    b'{"query":"{a(b:9e99999)}"}',
    b'{"query":"query($a:Int){__typename}","variables":{"a":%s}}' % (b"9" * 400),
    b"[" * 3000,
    b" " * 300_000,
    b'{"query":"{ site { articleCount } }","operationName":"\\ud83d\\ude00"}',
    b'{"query":"\xef\xbb\xbf{__typename}"}',
)


Address = tuple[str, int]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Running]]:
    home = tmp_path_factory.mktemp("home")
    with serving(
        home, write_articles(home / "content"), "--no-reader", "--allow-origin", "http://b.example"
    ) as (url, run):
        yield url, run


@pytest.fixture(scope="module")
def server(running: tuple[str, Running]) -> Address:
    parts = urlsplit(running[0])
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def exchange(server: Address, data: bytes) -> bytes:
    """Return the prompt response to these bytes; retry in case the machine was slow."""
    for _ in range(ATTEMPTS):
        start = time.monotonic()
        response = exchanged(server, data)
        if time.monotonic() - start < LINGER_TIMEOUT / 2:
            return response
    raise AssertionError(data[:2000])


def exchanged(server: Address, data: bytes) -> bytes:
    """Send these bytes and end the output; return everything that the server sends."""
    response = b""
    with socket.create_connection(server, SOON) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while some := connection.recv(1 << 16):
                response += some
        except TimeoutError:
            raise AssertionError(data[:3_000]) from None
        except OSError:
            pass  # reset, because it sent more than was read
    return response


def send_request(server: Address, data: bytes) -> bytes:
    """Return the response to a complete request after which the server closes."""
    response = b""
    with socket.create_connection(server, SOON) as connection:
        connection.sendall(data)
        while some := connection.recv(1 << 16):
            response += some
    return response


def assert_no_fault(answer: bytes, data: bytes) -> None:
    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert all(int(status) < 500 or status == b"501" for status in statuses), (data[:2000], answer[:500])
    if statuses and int(statuses[0]) >= 400 and not data.startswith((b"HEAD", b"GET /health")):
        assert b'"code":"' in answer, (data[:2000], answer[:500])


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(TOKENS)
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at : at + 1] = chance.randbytes(chance.randint(1, 3))
            case 3:
                line = data.find(b"\r\n") + 2
                data[line:line] = chance.choice(TOKENS)
            case _:
                data += chance.choice(SEEDS)
    return bytes(data)


def complete_request(chance: random.Random) -> bytes:
    headers = chance.sample(HEADERS, chance.randint(0, 4))
    body = chance.choice(BODIES)
    if not any(line.startswith("Host") for line in headers):
        headers.append("Host: a")
    lines = [f"{chance.choice(METHODS)} {chance.choice(PATHS)} HTTP/1.1", *headers, "Connection: close"]
    if not any("Upgrade" in line for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    else:
        body = b""
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


MESSAGES = (
    b'{"type":"connection_init"}',
    b'{"type":"ping"}',
    b'{"type":"pong","payload":[]}',
    b"{}",
    b"[]",
    b"\xff",
    b"",
    b'{"type":"subscribe","id":"1","payload":{"query":"{ site { version } }"}}',
    b'{"type":"complete","id":"1"}',
    b'{"type":"subscribe","id":"","payload":{}}',
    b'{"type":"subscribe","id":"2","payload":{"documentId":[]}}',
    b'{"type":"subscribe","id":"3","payload":{"query":"subscription { articleChanged { kind } }"}}',
    b'{"type":"subscribe","id":"4","payload":{"extensions":{"persistedQuery":{"version":1}}}}',
    b"x" * 70_000,
)


def frame(chance: random.Random) -> bytes:
    """A frame (RFC 6455, section 5.2), in most cases a valid message, whole and masked."""
    unusual = chance.random() < 0.2
    first = (
        chance.randrange(256) if unusual else chance.choice((0x81, 0x81, 0x81, 0x82, 0x89, 0x01, 0x80, 0x88))
    )
    payload = chance.choice(MESSAGES)
    if first & 0x0F > 7:
        payload = payload[:125]
    masked = 0 if unusual and chance.random() < 0.3 else 0x80
    length = len(payload)
    if length < 126:
        head = bytes((first, masked | length))
    elif length < 1 << 16:
        head = bytes((first, masked | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, masked | 127)) + length.to_bytes(8, "big")
    return head + b"\0\0\0\0"[: 4 if masked else 0] + payload


def assert_well(server: Address, run: Running) -> None:
    """Assert that the server responds and its log has no errors."""
    last = SEEDS[0].replace(b"Host: a", b"Host: a\r\nX-Request-Id: last\r\nConnection: close")
    assert send_request(server, last).endswith(ANSWERED)
    run.wait_for("id=last")
    log = "\n".join(run.lines)
    assert "Traceback" not in log, log[log.find("Traceback") :][:3_000]
    assert " error " not in log


def test_arbitrary_bytes(server: Address, running: tuple[str, Running]) -> None:
    chance = random.Random(6)  # noqa: S311 - the same each time
    for _ in range(CASES):
        data = chance.randbytes(chance.randint(1, 2_000))
        assert_no_fault(exchange(server, data), data)
    assert_well(server, running[1])


def test_mutated_requests(server: Address, running: tuple[str, Running]) -> None:
    chance = random.Random(7)  # noqa: S311 - the same each time
    for _ in range(3 * CASES):
        data = mutated(chance)
        assert_no_fault(exchange(server, data), data)
    assert_well(server, running[1])


def test_complete_requests_are_answered(server: Address, running: tuple[str, Running]) -> None:
    chance = random.Random(8)  # noqa: S311 - the same each time
    for _ in range(3 * CASES):
        data = complete_request(chance)
        response = send_request(server, data)
        assert response.startswith(b"HTTP/1.1 "), (data[:2000], response)
        assert_no_fault(response, data)
    assert_well(server, running[1])


def test_mutated_websocket_frames(server: Address, running: tuple[str, Running]) -> None:
    chance = random.Random(9)  # noqa: S311 - the same each time
    for _ in range(CASES):
        frames = [frame(chance) for _ in range(chance.randint(1, 12))]
        data = SEEDS[-1] + b"".join(frames)
        with socket.create_connection(server, SOON) as connection:
            connection.sendall(SEEDS[-1])
            response = connection.recv(1 << 16)
            assert response.startswith(b"HTTP/1.1 101 ")
            try:
                connection.sendall(b"".join(frames))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
            except TimeoutError:
                raise AssertionError(data[:3_000]) from None
            except OSError:
                pass  # cut off, before or after
    assert_well(server, running[1])
