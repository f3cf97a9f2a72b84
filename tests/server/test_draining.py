"""SIGTERM (graceful shutdown): what the kernel has accepted or a client has begun to send is answered."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from tests.live import wait_until
from tests.server.support import SOON, Running, serving
from tests.server.uvicorn.test_timeouts import Connection, on_a_loop
from tests.test_live import children

COUNT = 60
DEADLINE = 20.0
BODY = b'{"query":"{ site { articleCount } }"}'
ANSWER = b'{"data":{"site":{"articleCount":1}}}'
POST = (
    b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    % (len(BODY), BODY)
)
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def connect(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), DEADLINE)


def read_all(connection: socket.socket) -> bytes:
    """Read until the server closes. A reset raises ConnectionResetError."""
    data = b""
    while some := connection.recv(1 << 16):
        data += some
    return data


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextmanager
def suspended(pids: list[int]) -> Iterator[None]:
    """Stop the processes for the block, so that the kernel alone accepts connections."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: all(is_stopped(pid) for pid in pids))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def terminate(run: Running, pids: list[int]) -> None:
    """SIGTERM while `pids` are suspended; returns once it is pending in each of them."""
    run.process.send_signal(signal.SIGTERM)
    wait_until(lambda: all(is_pending(pid) for pid in pids))


def is_pending(pid: int) -> bool:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(fields["ShdPnd"], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_connections_that_the_kernel_accepted_are_answered(
    content: Path, tmp_path: Path, workers: int
) -> None:
    with serving(tmp_path, content, "--workers", str(workers)) as (url, run), ExitStack() as stack:
        pids = [run.process.pid] if workers == 1 else children(run.process, "gqlnews.cli.worker")
        assert len(pids) == workers
        with suspended(pids):
            clients = [stack.enter_context(closing(connect(url))) for _ in range(COUNT)]
            for client in clients:
                client.sendall(POST)
            terminate(run, pids)
        responses = [read_all(client) for client in clients]
        run.process.wait(DEADLINE)
    assert [response.endswith(ANSWER) for response in responses] == [True] * COUNT
    assert all(response.startswith(b"HTTP/1.1 200 ") for response in responses)
    assert all(b"\r\nconnection: close\r\n" in response for response in responses)
    assert run.process.returncode == 0


def test_ctrl_c_does_not_answer_queued_connections(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run):
        with suspended([run.process.pid]):
            client = connect(url)
            run.process.send_signal(signal.SIGINT)
        with closing(client), suppress(ConnectionResetError):
            assert read_all(client) == b""  # closed without a response, or reset
        run.process.wait(SOON)
    assert run.process.returncode == 0


def test_each_pipelined_request_is_answered_and_the_last_closes(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run):
        with suspended([run.process.pid]):
            client = connect(url)
            client.sendall(POST * 3)
            terminate(run, [run.process.pid])
        with closing(client):
            response = read_all(client)
        run.process.wait(DEADLINE)
    assert response.count(ANSWER) == 3
    assert response.count(b"connection: close") <= 1  # none if they were read before the signal


def test_an_unread_request_on_an_idle_connection_is_answered(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run), closing(connect(url)) as client:
        client.sendall(POST)
        assert client.recv(1 << 16).endswith(ANSWER)
        with suspended([run.process.pid]):
            client.sendall(POST)
            terminate(run, [run.process.pid])
        response = read_all(client)
        run.process.wait(DEADLINE)
    assert response.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in response


@pytest.mark.parametrize("sent", [9, len(POST) - len(BODY) - 2, len(POST) - 1])
def test_the_drain_waits_for_a_request_that_has_begun(content: Path, tmp_path: Path, sent: int) -> None:
    with serving(tmp_path, content) as (url, run), closing(connect(url)) as client:
        client.sendall(POST)
        assert client.recv(1 << 16).endswith(ANSWER)
        client.sendall(POST[:sent])
        run.process.send_signal(signal.SIGTERM)
        run.wait_for("stopping by=SIGTERM")
        client.settimeout(0.8)  # longer than the keep-alive timeout
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(DEADLINE)
        client.sendall(POST[sent:])
        response = read_all(client)
        assert run.stop(0) < SOON
    assert response.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in response


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hangup_drains(content: Path, tmp_path: Path, workers: int) -> None:
    with serving(tmp_path, content, "--workers", str(workers)) as (url, run), closing(connect(url)) as client:
        client.sendall(POST[:9])
        run.process.send_signal(signal.SIGHUP)
        run.wait_for("stopping by=SIGHUP")
        client.sendall(POST[9:])
        response = read_all(client)
        run.process.wait(DEADLINE)
    assert response.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in response
    assert run.process.returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_under_nohup_a_hangup_is_ignored(content: Path, tmp_path: Path, workers: str) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the child process inherits it
    try:
        with serving(tmp_path, content, "--workers", workers) as (url, run):
            for pid in [run.process.pid, *children(run.process, "gqlnews.cli.worker")]:
                os.kill(pid, signal.SIGHUP)
            with closing(connect(url)) as client:
                client.sendall(POST)
                assert client.recv(1 << 16).endswith(ANSWER)
            assert run.stop(signal.SIGTERM) < SOON
            assert run.process.returncode == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def status_of(url: str, path: str) -> int:
    return httpx2.get(f"{url}{path}").status_code


@pytest.mark.parametrize("workers", ["1", "2"])
def test_during_the_drain_delay_requests_are_answered_but_the_server_is_not_ready(
    content: Path, tmp_path: Path, workers: str
) -> None:
    options = ("--workers", workers, "--drain-delay", "2")
    with serving(tmp_path, content, *options) as (url, run), closing(connect(url)) as client:
        assert status_of(url, "/health/ready") == 200
        start = time.monotonic()
        run.process.send_signal(signal.SIGTERM)
        wait_until(lambda: status_of(url, "/health/ready") == 503)
        assert status_of(url, "/health/live") == 200  # over a new connection
        for _ in range(2):
            client.sendall(POST)
            response = client.recv(1 << 16)
            assert response.endswith(ANSWER)
            assert b"connection: close" not in response
        run.process.wait(DEADLINE)
        assert time.monotonic() - start >= 2.0
    assert run.process.returncode == 0


def test_ctrl_c_ends_the_drain_delay(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content, "--drain-delay", "3600") as (url, run):
        run.process.send_signal(signal.SIGTERM)
        wait_until(lambda: status_of(url, "/health/ready") == 503)
        assert run.stop(signal.SIGINT) < SOON
    assert run.process.returncode == 0


def test_a_silent_connection_does_not_delay_the_shutdown(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run), closing(connect(url)), closing(connect(url)) as client:
        client.sendall(POST)
        assert client.recv(1 << 16).endswith(ANSWER)
        assert run.stop(signal.SIGTERM) < SOON
        assert read_all(client) == b""


def test_a_websocket_handshake_is_rejected_while_draining(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run):
        with suspended([run.process.pid]):
            client = connect(url)
            client.sendall(UPGRADE)
            terminate(run, [run.process.pid])
        with closing(client):
            response = read_all(client)
        run.process.wait(DEADLINE)
    assert response.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"STOPPING"' in response


@on_a_loop
async def test_an_incomplete_head_is_rejected_at_the_end_of_the_drain(one: Connection) -> None:
    await one.after(0, b"POST /gra")
    one.protocol.reject_incomplete()
    assert one.wire.written.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"STOPPING"' in one.wire.written
    assert one.wire.closed


@on_a_loop
async def test_an_idle_connection_is_not_rejected_at_the_end_of_the_drain(one: Connection) -> None:
    one.protocol.reject_incomplete()
    assert one.wire.written == b""
