"""The listening address."""

import socket

import pytest

from gqlnews.errors import BindError
from gqlnews.server.uvicorn.run import accept_backlog, base_url, bind, is_loopback


def test_port_0_takes_a_free_one() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert base_url(listener) == f"http://127.0.0.1:{port}"
        socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://"),
        ("0.0.0.0", "http://127.0.0.1:"),  # noqa: S104 - for the length of a test
        ("::1", "http://[::1]:"),
        ("::", "http://[::1]:"),
    ],
)
def test_the_url_is_one_that_this_machine_can_open(host: str, url: str) -> None:
    with bind(host, 0) as listener:
        assert base_url(listener).startswith(url)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.9.10", "localhost", "::1", "::ffff:127.0.0.1")),
        *((host, False) for host in ("0.0.0.0", "::")),  # noqa: S104 - for the length of a test
    ],
)
def test_a_loopback_address_is_recognized(host: str, expected: bool) -> None:
    with bind(host, 0) as listener:
        assert is_loopback(listener) == expected


def test_a_port_in_use_is_reported() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BindError, match=rf"^cannot listen on 127\.0\.0\.1:{port} .*--port"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_unknown_host_is_reported(host: str) -> None:
    with pytest.raises(BindError, match="--host"):
        bind(host, 0)


def test_the_backlog_is_accepted_and_the_port_closed() -> None:
    with bind("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        clients = [socket.create_connection(address) for _ in range(5)]
        taken = accept_backlog(listener)
        assert sorted(one.getpeername() for one in taken) == sorted(one.getsockname() for one in clients)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address).close()
    for one in (*clients, *taken):
        one.close()
