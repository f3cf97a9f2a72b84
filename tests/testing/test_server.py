"""Servers in processes of their own: how fast they start, their addresses, and failures."""

import os
import signal
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from gqlnews.errors import NotServedError, ReadOnlyFolderError, ServerProcessError
from gqlnews.testing import NewsServer, ServerFactory
from tests.live import wait_until
from tests.server.support import DEADLINE

COUNT = "{ site { articleCount } }"


@pytest.fixture
def factory(tmp_path: Path) -> ServerFactory:
    """A factory whose processes a test may kill."""
    numbers = iter(range(9))

    def make_folder() -> Path:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return folder

    return ServerFactory(make_folder, DEADLINE)


def seconds_to_start(factory: ServerFactory) -> float:
    start = time.perf_counter()
    factory.serve().close()
    return time.perf_counter() - start


def is_running(pid: int) -> bool:
    """Whether the process runs; one that has exited may wait for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_second_server_starts_in_under_a_third_of_the_time_of_the_first(factory: ServerFactory) -> None:
    """The best of three: another process of the machine may delay one."""
    first = seconds_to_start(factory)
    others = [seconds_to_start(factory) for _ in range(3)]
    factory.close()
    assert min(others) < first / 3, (first, others)


def test_the_addresses_are_those_of_the_server(gqlnews: NewsServer) -> None:
    assert gqlnews.url == f"{gqlnews.base_url}/graphql"
    assert gqlnews.websocket_url == gqlnews.url.replace("http:", "ws:")
    with urlopen(f"{gqlnews.base_url}/health/ready", timeout=DEADLINE) as response:  # noqa: S310 - http
        assert response.status == 200


def test_a_saved_file_is_served_without_waiting_for_it(gqlnews: NewsServer) -> None:
    """The server has a watcher, as `gqlnews serve` has."""
    with gqlnews.subscribe("subscription { articleChanged { slug } }") as events:
        gqlnews.write("a.md")
        assert next(events) == {"articleChanged": {"slug": "a"}}


def test_servers_are_apart_and_have_their_settings(gqlnews_factory: ServerFactory) -> None:
    first, second = gqlnews_factory.serve(), gqlnews_factory.serve(watch=False, unpublished=True)
    second.write("a.md", published=False)
    second.wait_until_served()
    assert first.query(COUNT) == {"site": {"articleCount": 0}}
    assert second.query(COUNT) == {"site": {"articleCount": 1}}
    assert len(first.pids) == 2
    assert len(second.pids) == 1
    for server in (first, second):
        server.close()
        server.close()  # does nothing
    wait_until(lambda: not any(map(is_running, (*first.pids, *second.pids))))


def test_a_folder_that_is_served_as_it_is_cannot_be_written(
    tmp_path: Path, gqlnews_factory: ServerFactory
) -> None:
    server = gqlnews_factory.serve(tmp_path)
    with pytest.raises(ReadOnlyFolderError, match=str(tmp_path)):
        server.write("a.md")
    (tmp_path / "a.md").write_text("---\ntitle: A\ndate: 2024-01-01\n---\n")
    server.wait_until_served()
    assert server.query(COUNT) == {"site": {"articleCount": 1}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_dept": 1}, "create_app has no setting 'max_dept': did you mean 'max_depth'?"),
        ({"persisted_documents": Path("absent")}, "absent"),
        ({"folder": "absent"}, "absent cannot be read"),
    ],
)
def test_a_server_that_cannot_start_is_an_error(
    gqlnews_factory: ServerFactory, settings: Any, message: str
) -> None:
    with pytest.raises(ServerProcessError) as error:
        gqlnews_factory.serve(**settings)
    assert message in str(error.value)


def test_a_server_that_has_died_is_an_error_with_its_log(factory: ServerFactory) -> None:
    server = factory.serve()
    server.query("query FromATest { site { articleCount } }")
    os.kill(server.pids[0], signal.SIGKILL)
    server.write("a.md")
    with pytest.raises(NotServedError) as error:
        server.wait_until_served()
    assert "the server process has exited: see its log; the log of the server:\n" in str(error.value)
    assert "operation name=FromATest" in str(error.value)
    factory.close()


def test_the_servers_end_with_their_fork_server(factory: ServerFactory) -> None:
    server = factory.serve()
    parent = int(Path(f"/proc/{server.pids[0]}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, server.pids)))
    with pytest.raises(NotServedError, match="the process of the servers has exited; its log:"):
        server.wait_until_served()
    server.is_running = False
    factory.close()


def test_a_fork_server_that_does_not_respond_is_an_error(factory: ServerFactory) -> None:
    server = factory.serve()
    server._timeout = 0.1
    parent = int(Path(f"/proc/{server.pids[0]}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGSTOP)
    with pytest.raises(NotServedError, match=r"did not ingest within 0\.1 s"):
        server.wait_until_served()
    wait_until(lambda: not any(map(is_running, server.pids)))
    server.is_running = False
    factory.close()
