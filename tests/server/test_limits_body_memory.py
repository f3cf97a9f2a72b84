"""Large bodies take a bounded amount of memory, however many clients send them."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from gqlnews.server import limits
from gqlnews.server.limits import BodyMemory
from gqlnews.server.response import HTTPError
from tests.server.live import COUNT, Site, running_site
from tests.server.support import DEADLINE

BODY = json.dumps({"query": COUNT, "extensions": {"padding": "x" * 100_000}}).encode()


@pytest.fixture
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that holds three large bodies of one client."""
    monkeypatch.setattr(limits, "MAX_BODY_BYTES_PER_CLIENT", 3 * len(BODY))
    with running_site(tmp_path) as site:
        yield site


def half_a_request(site: Site) -> socket.socket:
    """A connection that has sent all of a body except the last byte."""
    parts = urlsplit(site.url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=DEADLINE)
    head = (
        "POST /graphql HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
    )
    connection.sendall("\r\n".join((*head, "", "")).encode() + BODY[:-1])
    return connection


def wait_for(site: Site, held: int) -> None:
    """Wait until the server holds this many bytes; each request gives its loop a turn."""
    for _ in range(10_000):
        if site.app_state.body_memory.total == held:
            return
        httpx2.get(site.url.replace("/graphql", "/health/live"))
    raise AssertionError(site.app_state.body_memory.total)


def test_past_the_body_memory_only_large_bodies_are_503(narrow: Site) -> None:
    waiting = [half_a_request(narrow) for _ in range(3)]
    wait_for(narrow, 3 * (len(BODY) - 1))
    error = httpx2.post(narrow.url, content=BODY, headers={"content-type": "application/json"})
    assert (error.status_code, error.headers["retry-after"]) == (503, "1")
    assert error.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
    assert httpx2.post(narrow.url, json={"query": COUNT}).status_code == 200
    for connection in waiting:
        connection.sendall(BODY[-1:])
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()
    wait_for(narrow, 0)
    again = httpx2.post(narrow.url, content=BODY, headers={"content-type": "application/json"})
    assert again.status_code == 200


def test_body_memory_is_released_when_the_client_disconnects(narrow: Site) -> None:
    connection = half_a_request(narrow)
    wait_for(narrow, len(BODY) - 1)
    connection.close()
    wait_for(narrow, 0)


def test_body_memory_is_limited_per_client_and_in_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_TOTAL_BODY_BYTES", 25)
    monkeypatch.setattr(limits, "MAX_BODY_BYTES_PER_CLIENT", 10)
    memory = BodyMemory()
    memory.reserve("a", 10)
    with pytest.raises(HTTPError):
        memory.reserve("a", 1)
    memory.reserve("b", 10)
    with pytest.raises(HTTPError):
        memory.reserve("c", 6)
    memory.release("a", 10)
    memory.reserve("c", 6)
    memory.release("b", 10)
    memory.release("c", 6)
    assert (memory.total, dict(memory._by_client)) == (0, {})
