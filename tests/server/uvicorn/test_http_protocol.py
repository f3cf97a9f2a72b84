"""Responses over a real socket: each in as few writes as possible, none delayed or lost."""

import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BODY = b'{"query":"{ site { articleCount } }"}'
ANSWER = b'{"data":{"site":{"articleCount":1}}}'
POST = (
    b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    % (len(BODY), BODY)
)
DEADLINE = 20.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(address, DEADLINE) as connection:
        yield connection


def receive_until(connection: socket.socket, until: bytes) -> bytes:
    """Receive until these bytes arrive."""
    data = b""
    while until not in data:
        some = connection.recv(1 << 16)
        assert some, data
        data += some
    return data


def test_a_response_is_written_at_once(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        for _ in range(20):
            connection.sendall(POST)
            piece = connection.recv(1 << 16)
            assert piece.startswith(b"HTTP/1.1 200 OK\r\n")
            assert piece.endswith(ANSWER)


def test_pipelined_requests_are_answered_in_order(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        connection.sendall(POST * 10)
        data = b""
        while data.count(ANSWER) < 10:
            data += receive_until(connection, ANSWER)
        assert data.count(b"HTTP/1.1 200 OK\r\n") == 10


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HEAD /health/live HTTP/1.1\r\nHost: a\r\n\r\n", b"200 OK"),
        (b"HEAD /graphql?query={topics{slug}} HTTP/1.1\r\nHost: a\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"303 See Other"),
    ],
)
def test_a_request_without_a_body_is_answered(
    address: tuple[str, int], request_: bytes, status: bytes
) -> None:
    with connected(address) as connection:
        connection.sendall(request_)
        head = receive_until(connection, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert head.endswith(b"\r\n\r\n")
        connection.sendall(POST)  # and the connection stays usable
        assert receive_until(connection, ANSWER).startswith(b"HTTP/1.1 200 OK\r\n")


def test_connection_close_closes_after_the_response(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        connection.sendall(POST.replace(b"Host: a\r\n", b"Host: a\r\nConnection: close\r\n"))
        data = b""
        while some := connection.recv(1 << 16):
            data += some
        assert data.endswith(ANSWER)


def test_a_large_body_is_received_completely(address: tuple[str, int]) -> None:
    introspection = b'{"query":"{ __schema { types { name description fields { name description } } } }"}'
    post = POST[: POST.index(b"Content-Length")] + b"Content-Length: %d\r\n\r\n%b" % (
        len(introspection), introspection,
    )  # fmt: skip
    with connected(address) as connection:
        connection.sendall(post)
        head, _, body = receive_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(1 << 16)
        assert len(body) == length > 20_000


def test_pipelined_requests_are_read_as_they_are_answered(address: tuple[str, int]) -> None:
    """Few pipelined requests wait in memory, and none is rejected for their total size."""
    count = 20_000
    with socket.create_connection(address, timeout=60.0) as connection:
        sender = threading.Thread(
            target=connection.sendall, args=[b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n" * count]
        )
        sender.start()
        responses = read_statuses(connection, count)
        sender.join(DEADLINE)
    assert responses == {b"200": count}


def test_pipelined_bodies_are_not_counted_together(address: tuple[str, int]) -> None:
    body = json.dumps({"query": "{ __typename }", "extensions": {"padding": "x" * 100_000}}).encode()
    kind, length = b"Content-Type: application/json", b"Content-Length: %d" % len(body)
    request = b"\r\n".join((b"POST /graphql HTTP/1.1", b"Host: a", kind, length, b"", body))
    with socket.create_connection(address, timeout=60.0) as connection:
        sender = threading.Thread(target=connection.sendall, args=[request * 15])
        sender.start()
        responses = read_statuses(connection, 15)
        sender.join(DEADLINE)
    assert responses == {b"200": 15}


def read_statuses(connection: socket.socket, count: int) -> Counter[bytes]:
    """Return the status codes of `count` responses, or of those before the connection ends."""
    statuses: Counter[bytes] = Counter()
    rest = b""
    while statuses.total() < count and (piece := connection.recv(1 << 16)):
        rest += piece
        found = list(STATUS.finditer(rest))
        statuses.update(one[1] for one in found)
        rest = rest[found[-1].end() if found else 0 :][-12:]  # a status line may arrive in two pieces
    return statuses
