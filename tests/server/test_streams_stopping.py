"""Streams of a whole server, in a separate process, when it stops."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


def test_each_stream_is_a_line_of_the_log(tmp_path: Path) -> None:
    query = "subscription Watch { articleChanged { slug } }"
    with served(tmp_path) as (site, run):
        with site.socket() as socket:
            socket.subscribe_and_wait("1", query)
            site.change()
            assert json.dumps(socket.receive())
        line = run.wait_for(r"operation name=Watch ms=\S+ events=1 over=websocket")
    assert line
