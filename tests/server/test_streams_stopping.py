"""Streams of a whole server, in a separate process, when it stops."""

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from gqlnews.app import build_app
from gqlnews.config.settings import ServerSettings
from gqlnews.server.preparation import Preparer
from tests.live import PLAIN
from tests.server.live import Site
from tests.server.support import Running, serving, write_articles
from tests.server.test_events import expect_open, streaming


@contextmanager
def served(home: Path) -> Iterator[tuple[Site, Running]]:
    folder = write_articles(home / "content")
    with serving(home, folder, "--db", str(home / "news.db")) as (url, run):
        yield Site(home, f"{url}/graphql"), run


def test_sigterm_ends_event_streams_without_complete(tmp_path: Path) -> None:
    with served(tmp_path) as (site, run), streaming(site.url, PLAIN) as stream:
        expect_open(stream)
        run.process.send_signal(signal.SIGTERM)
        assert stream.rest() == []
        run.wait_for("stopped")
        assert run.stop(0) < 2


def test_sigterm_closes_sockets_so_that_clients_reconnect(tmp_path: Path) -> None:
    with served(tmp_path) as (site, run), site.socket() as socket:
        socket.subscribe_and_wait("1")
        run.process.send_signal(signal.SIGTERM)
        assert socket.closed()[0] == 1012
        run.wait_for("stopped")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_stops_quickly_with_open_streams(tmp_path: Path, number: signal.Signals) -> None:
    with served(tmp_path) as (site, run), streaming(site.url, PLAIN) as stream, site.socket() as socket:
        expect_open(stream)
        socket.subscribe_and_wait("1")
        assert run.stop(number) < 1
        assert run.process.returncode == 0
        assert "Traceback" not in run.remaining_output()


def test_a_stream_that_is_aborted_before_its_first_response_gets_503(server_settings: ServerSettings) -> None:
    """As at the end of a drain."""
    sent: list[Message] = []

    async def abort_while_running() -> None:
        app: Any = client.app
        running = asyncio.Event()

        async def run_forever(*_: object) -> None:
            running.set()
            await asyncio.Event().wait()

        async def receive() -> Message:
            if running.is_set():
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b'{"query": "{ site { version } }"}'}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json"), (b"accept", b"text/event-stream")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "query_string": b"",
            "headers": headers,
        }
        with patch.object(Preparer, "run", run_forever):
            request = asyncio.create_task(app({**scope, "client": ("127.0.0.1", 1)}, receive, send))
            await running.wait()
            request.cancel()
            await request

    with TestClient(build_app(replace(server_settings, response_cache_bytes=0))) as client:
        assert client.portal is not None
        client.portal.call(abort_while_running)
    assert sent[0]["status"] == 503
    assert b'"code":"STOPPING"' in sent[1]["body"]


def test_each_stream_is_a_line_of_the_log(tmp_path: Path) -> None:
    query = "subscription Watch { articleChanged { slug } }"
    with served(tmp_path) as (site, run):
        with site.socket() as socket:
            socket.subscribe_and_wait("1", query)
            site.change()
            assert json.dumps(socket.receive())
        line = run.wait_for(r"operation name=Watch ms=\S+ events=1 over=websocket")
    assert line
