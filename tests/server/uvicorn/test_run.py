"""A whole server in a separate process: its output, its responses, and how it stops."""

import json
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.server.conftest import Serve
from tests.server.support import (
    PUBLISHED,
    SOON,
    TOKEN,
    TOKEN_HASH,
    UNPUBLISHED,
    environment,
    run_cli,
    running,
    serving,
    write_articles,
)

COUNT = {"query": "query Count { site { articleCount } }"}
HEAD = b"POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: "


def count(url: str, **headers: str) -> object:
    response = httpx2.post(f"{url}/graphql", json=COUNT, headers=headers)
    return response.json()["data"]["site"]["articleCount"]


def test_the_banner_has_urls_and_counts(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run):
        run.wait_for("Ctrl-C")
        message = "\n".join(run.lines)
    assert f"API       {url}/graphql\n" in message
    assert f"reader    {url}/" in message
    assert f"explorer  {url}/graphql" in message
    assert "articles  1 (published)\n" in message
    assert f"problems  1 (gqlnews check {content})\n" in message


def test_the_server_answers_the_public_and_an_editor(server: Serve, content: Path) -> None:
    with server(content, env={"GQLNEWS_EDITOR_TOKENS": TOKEN_HASH}) as url:
        assert count(url) == 1
        assert count(url, authorization=f"Bearer {TOKEN}") == 2


def test_unpublished_articles_are_served_with_the_option(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content, "--unpublished") as (url, run):
        assert count(url) == 2
        run.wait_for(r"unpublished")
    assert "articles  2 (unpublished ones too)" in "\n".join(run.lines)


def test_a_log_in_json_is_json_from_the_first_line_to_the_last(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content, "--log-format", "json") as (url, run):
        count(url)
        run.stop(signal.SIGTERM)
        entries = [json.loads(line) for line in run.remaining_output().splitlines()]
    assert [entry["message"] for entry in entries] == ["serving", "operation", "stopping", "stopped"]
    assert entries[0]["api"] == f"{url}/graphql"
    assert entries[1]["name"] == "Count"


def test_the_next_run_ingests_changes(server: Serve, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "content")
    with server(folder) as url:
        assert count(url) == 1
    (folder / "unpublished.md").unlink()
    (folder / "published.md").rename(folder / "moved.md")
    with server(folder, "--unpublished") as url:
        assert count(url) == 1


def test_a_concurrent_ingest_is_visible_immediately(tmp_path: Path) -> None:
    folder, database = write_articles(tmp_path / "content"), tmp_path / "news.db"
    with serving(tmp_path, folder, "--db", str(database), "--unpublished") as (url, _):
        (folder / "unpublished.md").unlink()
        assert run_cli(tmp_path, "ingest", folder, "--db", database).returncode == 0
        assert count(url) == 1


@contextmanager
def open_connections(url: str) -> Iterator[socket.socket]:
    """Open connections in each state: silent, half a request line (yielded), half a body, and idle."""
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    with ExitStack() as stack:
        _silent, started, unfinished = (
            stack.enter_context(socket.create_connection(address)) for _ in range(3)
        )
        started.sendall(b"POST /gra")
        unfinished.sendall(HEAD + b"100\r\n\r\n{")
        idle = stack.enter_context(httpx2.Client())
        assert idle.post(f"{url}/graphql", json=COUNT).status_code == 200
        yield started


def test_ctrl_c_stops_at_once_and_aborts_connections(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run), open_connections(url):
        seconds = run.stop(signal.SIGINT)
    assert seconds < SOON
    assert run.process.returncode == 0
    assert "info stopping by=Ctrl-C" in run.remaining_output()


def test_a_client_that_disconnects_before_its_request_is_complete_is_logged(
    content: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, content) as (url, run):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
            client.sendall(HEAD + b"100\r\n\r\n{")
        run.wait_for("operation name=- .* status=499")


def test_sigterm_finishes_what_is_in_flight(content: Path, tmp_path: Path) -> None:
    body = json.dumps(COUNT).encode()
    with serving(tmp_path, content) as (url, run):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with closing(socket.create_connection(address)) as client:
            client.sendall(HEAD + f"{len(body)}\r\nexpect: 100-continue\r\n\r\n".encode())
            assert client.recv(1024).startswith(b"HTTP/1.1 100")  # now it is in flight
            run.process.send_signal(signal.SIGTERM)
            run.wait_for("stopping by=SIGTERM")
            run.process.send_signal(signal.SIGTERM)  # a second one changes nothing
            client.sendall(body)
            response = client.recv(65536)
            while part := client.recv(65536):
                response += part
        run.process.wait(10)
    assert response.startswith(b"HTTP/1.1 200")
    assert response.endswith(b'{"data":{"site":{"articleCount":1}}}')
    assert run.process.returncode == 0


def test_sigterm_accepts_nothing_new(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with closing(socket.create_connection(address)) as client:
            client.sendall(HEAD + b"10\r\nexpect: 100-continue\r\n\r\n")
            client.recv(1024)
            run.process.send_signal(signal.SIGTERM)
            run.wait_for("stopping by=SIGTERM")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address).close()
            assert run.stop(signal.SIGINT) < SOON  # Ctrl-C ends a drain at once


def test_sigterm_ends_within_ten_seconds_whatever_is_in_flight(content: Path, tmp_path: Path) -> None:
    with serving(tmp_path, content) as (url, run), open_connections(url) as started:
        seconds = run.stop(signal.SIGTERM)
        assert started.recv(1 << 16).startswith(b"HTTP/1.1 503 ")
    assert (seconds < 10.0, run.process.returncode) == (True, 0)
    assert "status=503" in run.remaining_output()


def test_a_port_in_use_is_rejected_before_anything_is_read(content: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_cli(tmp_path, "serve", content, "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"gqlnews: cannot listen on 127.0.0.1:{port} (Address already in use): "
        "choose another with --port or --host\n"
    )
    assert not list(tmp_path.rglob("*.db"))


def test_a_second_server_shares_the_database(server: Serve, content: Path) -> None:
    with server(content) as one, server(content) as other:
        assert count(one) == count(other) == 1


def test_ingest_rejects_a_locked_database_and_serve_waits_for_it(content: Path, tmp_path: Path) -> None:
    database = tmp_path / "news.db"
    assert run_cli(tmp_path, "ingest", content, "--db", database).returncode == 0
    line = [sys.executable, "-m", "gqlnews", "serve", str(content), "--db", str(database), "--port", "0"]
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = run_cli(tmp_path, "ingest", content, "--db", database)
        assert done.returncode == 2
        assert done.stderr.startswith(f"gqlnews: database {database} is in use")
        assert done.stderr.count("\n") == 1
        with running(line, environment(tmp_path)) as run:
            run.wait_for("warning ingest failed .*is in use by another process")
            other.execute("ROLLBACK")
            run.wait_for("info ingest recovered")
            run.wait_for("Ctrl-C stops it")


def test_every_option_can_be_set_by_environment(server: Serve, tmp_path: Path) -> None:
    article = PUBLISHED.replace("https://example.com/published", "/published").replace(
        "topics:", "featuredContent: '<iframe src=\"https://video.example/1\"></iframe>'\ntopics:"
    )
    folder = write_articles(tmp_path / "content", {"a.md": article, "b.md": UNPUBLISHED})
    env = {
        "GQLNEWS_DB": str(tmp_path / "named.db"),
        "GQLNEWS_HOST": "localhost",
        "GQLNEWS_UNPUBLISHED": "yes",
        "GQLNEWS_BASE_URL": "https://news.example/",
        "GQLNEWS_ALLOWED_IFRAME_HOSTS": "other.example video.example",
        "GQLNEWS_EXPLORER": "no",
        "GQLNEWS_INGEST_WORKERS": "1",
    }
    query = {"query": '{ site { articleCount } article(slug: "a") { url featuredContent } }'}
    with server(folder, env=env) as url:
        response = httpx2.post(f"{url}/graphql", json=query).json()["data"]
        page = httpx2.get(f"{url}/graphql", headers={"accept": "text/html"})
    assert response["site"]["articleCount"] == 2
    assert response["article"]["url"] == "https://news.example/published"
    assert "video.example" in response["article"]["featuredContent"]
    assert page.status_code == 406  # no page is loaded, nor anything else
    assert (tmp_path / "named.db").is_file()
