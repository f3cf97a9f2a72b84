"""Third-party clients receive what the API guarantees. Each runs as a separate program."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.programs import CLIENTS, HERE, Change, Newsroom, Program, program, programs
from tests.conftest import EXAMPLES
from tests.server.mounted import mounted
from tests.server.support import TOKEN, TOKEN_HASH, Running, serving

LIVE = {"GQLNEWS_WATCH": "1", "GQLNEWS_EDITOR_TOKENS": TOKEN_HASH}
ASTRONOMY = {"topic": {"any": ["astronomy"]}}
COMET, BISCUITS, CHESS = "comet-ilvane-returns", "comet-biscuits", "chess-marathon-ends-in-draw"
COMET_TITLE = "Comet Ilvane returns, brighter than in 1871"
TELESCOPE, NEW = "school-telescope-finds-comet", "second-comet"
ARTICLE = """\
---
title: A second comet
publishedDateTime: 2026-05-05T06:00:00Z
webUrl: https://nightsky-notes.example/second-comet
topics: [Astronomy]
---
"""


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    return Newsroom(shutil.copytree(EXAMPLES, tmp_path / "news"))


@pytest.fixture
def server(tmp_path: Path, newsroom: Newsroom) -> Iterator[tuple[str, Running]]:
    with serving(tmp_path, newsroom.folder, env=LIVE) as (url, run):
        yield f"{url}/graphql", run


def changes(running: dict[str, Program]) -> dict[str, Change]:
    """Return the next change that each client reports."""
    return {name: client.change() for name, client in running.items()}


def same(what: Any) -> dict[str, Any]:
    """Expect the same of every client."""
    return dict.fromkeys(CLIENTS, what)


Step = tuple[Callable[[Newsroom], None], Change | None, Change | None]

STORY: tuple[Step, ...] = (  # an edit, and what the public and an editor receive
    (
        lambda room: room.retitle(f"{COMET}.md", "Brighter"),
        ("UPDATED", COMET, "Brighter"),
        ("UPDATED", COMET, "Brighter"),
    ),
    (
        lambda room: room.save(f"{NEW}.md", ARTICLE),
        ("ADDED", NEW, "A second comet"),
        ("ADDED", NEW, "A second comet"),
    ),
    (lambda room: room.retitle(f"{CHESS}.md", "A draw"), None, None),  # not about astronomy
    (
        lambda room: room.retitle(f"{BISCUITS}.md", "No biscuits"),  # not published
        None,
        ("UPDATED", BISCUITS, "No biscuits"),
    ),
    (
        lambda room: room.edit(f"{CHESS}.md", "  - Games", "  - Astronomy"),
        ("ADDED", CHESS, "A draw"),
        ("ADDED", CHESS, "A draw"),
    ),
    (
        lambda room: room.edit(f"{COMET}.md", "published: true", "published: false"),
        ("REMOVED", COMET, None),
        ("UPDATED", COMET, "Brighter"),
    ),
    (lambda room: room.remove(f"{NEW}.md"), ("REMOVED", NEW, None), ("REMOVED", NEW, None)),
)


@pytest.mark.parametrize("who", ["public", "editor"])
def test_each_change_arrives_once_in_order_and_as_its_reader_may_see_it(
    who: str, tmp_path: Path, newsroom: Newsroom, server: tuple[str, Running]
) -> None:
    arguments = [server[0], TOKEN] if who == "editor" else [server[0]]
    with programs(tmp_path, *arguments) as running:
        for client in running.values():
            client.watch(ASTRONOMY)
        for edit, public, editor in STORY:
            edit(newsroom)
            expected = editor if who == "editor" else public
            if expected is not None:
                assert changes(running) == same(expected)
        assert {name: client.rest() for name, client in running.items()} == same([])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_changes_made_while_the_server_is_down_arrive_once_when_it_is_back(
    how: signal.Signals, tmp_path: Path, newsroom: Newsroom
) -> None:
    database = str(tmp_path / "news.db")
    with serving(tmp_path, newsroom.folder, "--db", database, env=LIVE) as (url, server):
        with programs(tmp_path, f"{url}/graphql") as running:
            for client in running.values():
                client.watch(ASTRONOMY)
            newsroom.retitle(f"{COMET}.md", "Before")
            assert changes(running) == same(("UPDATED", COMET, "Before"))
            server.stop(how)
            newsroom.retitle(f"{COMET}.md", "Away")
            newsroom.save(f"{NEW}.md", ARTICLE)
            newsroom.remove(f"{TELESCOPE}.md")
            again = ("--db", database, "--port", url.rpartition(":")[2])
            with serving(tmp_path, newsroom.folder, *again, env=LIVE):
                missed = [changes(running) for _ in range(3)]
                newsroom.retitle(f"{COMET}.md", "Back")
                assert changes(running) == same(("UPDATED", COMET, "Back"))
                rest = {name: client.rest() for name, client in running.items()}
    assert {name: {one[name] for one in missed} for name in CLIENTS} == same(
        {("UPDATED", COMET, "Away"), ("ADDED", NEW, "A second comet"), ("REMOVED", TELESCOPE, None)}
    )
    assert rest == same([])


def test_a_client_that_resumes_on_a_new_database_must_start_over(tmp_path: Path, newsroom: Newsroom) -> None:
    with serving(tmp_path, newsroom.folder, "--db", str(tmp_path / "one.db"), env=LIVE) as (url, server):
        with programs(tmp_path, f"{url}/graphql") as running:
            for client in running.values():
                client.watch(ASTRONOMY)
            server.stop(signal.SIGKILL)
            other_store = ("--db", str(tmp_path / "other.db"), "--port", url.rpartition(":")[2])
            with serving(tmp_path, newsroom.folder, *other_store, env=LIVE):
                received = {name: client.next() for name, client in running.items()}
    assert received == same({"refused": ["VERSION_TOO_OLD"]})


def test_a_subscription_that_is_not_valid_is_refused(tmp_path: Path, server: tuple[str, Running]) -> None:
    with programs(tmp_path, server[0]) as running:
        for client in running.values():
            client.send("try", "subscription Wrong { articleChanged { nothing } }")
        received = {name: client.next() for name, client in running.items()}
    assert received == same({"refused": ["GRAPHQL_VALIDATION_FAILED"]})


def test_a_token_that_is_not_known_is_said_at_once(tmp_path: Path, server: tuple[str, Running]) -> None:
    with programs(tmp_path, server[0], "another-token") as running:
        for client in running.values():
            client.send("try", "subscription Changes { articleChanged { kind } }")
        received = {name: client.next() for name, client in running.items()}
    assert received == {
        "graphql-ws": {"lost": "4403 Forbidden"},
        "graphql-sse": {"lost": "The token is unknown"},
        "apollo": {"lost": "Socket closed with event 4403 Forbidden"},
        "urql-ws": {"lost": "4403 Forbidden"},
        "urql-sse": {"refused": ["UNAUTHENTICATED"]},
        "gql": {"lost": "received 4403 (private use) Forbidden; then sent 4403 (private use) Forbidden"},
    }


def test_queries_are_answered_over_the_transport_of_the_client(
    tmp_path: Path, server: tuple[str, Running]
) -> None:
    url, log = server
    with programs(tmp_path, url) as running:
        for number, (name, client) in enumerate(running.items()):
            assert client.ask(f"query Q{number} {{ site {{ articleCount }} }}")["site"]["articleCount"] == 15
            log.wait_for(f"operation name=Q{number} .*{CLIENTS[name].asks}")


def test_who_unsubscribes_costs_the_server_nothing_any_more(
    tmp_path: Path, newsroom: Newsroom, server: tuple[str, Running]
) -> None:
    url, log = server
    with programs(tmp_path, url) as running:
        for client in running.values():
            client.watch()
        newsroom.retitle(f"{COMET}.md", "Brighter")
        changes(running)
        for name, client in running.items():
            client.send("stop")
            log.wait_for(f"operation name=Changes .*events=1 {CLIENTS[name].watches}")
            assert client.ask("{ site { articleCount } }")["site"]["articleCount"] == 15


def test_all_clients_work_below_the_path_of_a_mounted_application(tmp_path: Path) -> None:
    newsroom = Newsroom(shutil.copytree(EXAMPLES, tmp_path / "content"))
    with mounted(tmp_path) as (url, host), programs(tmp_path, f"{url}/graphql") as running:
        host.wait_for(" watching ")
        for client in running.values():
            assert client.ask("{ site { articleCount } }")["site"]["articleCount"] == 15
            client.watch(ASTRONOMY)
        newsroom.retitle(f"{COMET}.md", "Brighter")
        assert changes(running) == same(("UPDATED", COMET, "Brighter"))


def test_a_page_in_the_cache_of_apollo_client_follows(
    tmp_path: Path, newsroom: Newsroom, server: tuple[str, Running]
) -> None:
    with program(tmp_path, "node", str(HERE / "apollo-cache.mjs"), server[0]) as page:
        before = page.next()
        newsroom.retitle(f"{COMET}.md", "Brighter")
        after = page.next()
        assert after == ["Brighter" if title == COMET_TITLE else title for title in before]
        newsroom.save(f"{NEW}.md", ARTICLE)
        assert page.next() == ["A second comet", *after]
        newsroom.remove(f"{NEW}.md")
        assert page.next() == after
