"""Subscriptions and `gqlnews changes` over PostgreSQL, from an edited file to the event."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.live import PLAIN
from tests.postgresql import Cluster
from tests.server.live import Message, Site, Socket
from tests.server.postgres_support import ENDPOINT, ask, execute
from tests.server.support import environment, run_cli, running, write_articles

TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'gqlnews serve%'
"""


class PostgresSite(Site):
    """A server that ingests `folder` into the database `postgres`, and serves that."""

    def __init__(self, root: Path, url: str, postgres: str) -> None:
        super().__init__(root, url)
        self.root, self.postgres = root, postgres

    def ingest(self) -> None:
        """The server watches the folder."""

    def version(self) -> str:
        version: str = ask(self.url, "{ site { version } }").json()["data"]["site"]["version"]
        return version


@pytest.fixture(scope="module")
def site(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresSite]:
    root, url = tmp_path_factory.mktemp("site"), postgresql.create_database()
    folder = write_articles(root / "content")
    command = [sys.executable, "-m", "gqlnews", "serve", str(folder), "--db", url, "--port", "0"]
    with running(command, environment(root, {"GQLNEWS_WATCH": "1"})) as process:
        yield PostgresSite(root, process.wait_for(ENDPOINT), url)


def event(socket: Socket) -> Message:
    message = socket.receive()
    assert message["type"] == "next", message
    changed: Message = message["payload"]["data"]["articleChanged"]
    return changed


def test_an_edited_file_becomes_an_event_also_after_a_lost_connection(site: PostgresSite) -> None:
    start = site.version()
    with site.socket() as socket:
        socket.subscribe_and_wait("1", where={"matches": "Mill"})
        site.write("mill", title="Mill")
        assert event(socket)["kind"] == "ADDED"
        execute(site.postgres, TERMINATE)
        site.write("mill", title="Mill again")
        site.write("other", title="Other")
        site.write("mill", title="None")
        kinds = [event(socket)["kind"]]
        while kinds[-1] != "REMOVED":
            kinds.append(event(socket)["kind"])
        assert kinds in (["UPDATED", "REMOVED"], ["REMOVED"])  # the ingest may combine edits
    output = run_cli(
        site.root, "changes", "--db", site.postgres, "--since", start, "--fields", "title"
    ).stdout
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["after"] for line in lines if line["slug"] == "mill"][-1] == {"title": "None"}
    assert {line["slug"] for line in lines} == {"mill", "other"}


def test_a_version_that_is_ahead_may_appear_soon(site: PostgresSite) -> None:
    epoch, _, number = site.version().rpartition("-")
    with site.socket() as socket:
        for key, ahead, code in (("1", 5, "BEHIND"), ("2", 1 << 20, "BAD_VERSION")):
            socket.subscribe(key, since=f"{epoch}-{int(number) + ahead}")
            message = socket.receive()
            assert message["payload"][0]["extensions"]["code"] == code
    response = httpx2.post(
        site.url,
        json={"query": PLAIN, "variables": {"since": f"{epoch}-{int(number) + 5}"}},
        headers={"accept": "text/event-stream"},
        timeout=30,
    )
    assert '"BEHIND"' in response.text
