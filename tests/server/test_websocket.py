"""GraphQL over WebSocket: the messages of each operation."""

from typing import Any

import httpx2
import pytest

from tests.live import PLAIN
from tests.server.live import COUNT, HEAT, Site, Socket, heat
from tests.server.support import TOKEN

EDITOR = {"authorization": f"Bearer {TOKEN}"}

pytestmark = pytest.mark.usefixtures("quiet")


def test_an_event_is_a_next(site: Site) -> None:
    with site.socket() as socket:
        socket.subscribe_and_wait("one", HEAT)
        changed = site.change()
        assert socket.receive() == {
            "id": "one",
            "type": "next",
            "payload": {"data": {"articleChanged": {"article": {"heat": changed}}}},
        }


def test_several_subscriptions_of_one_socket_are_distinguished_by_id(site: Site) -> None:
    with site.socket() as socket:
        for key in ("a", "b", "c"):
            socket.subscribe_and_wait(key, HEAT)
        site.change()
        assert {socket.receive()["id"] for _ in range(3)} == {"a", "b", "c"}


def test_a_query_gets_next_and_complete(site: Site) -> None:
    with site.socket() as socket:
        socket.subscribe("q", COUNT)
        given = httpx2.post(site.url, json={"query": COUNT}).json()
        assert socket.receive_for("q") == [
            {"id": "q", "type": "next", "payload": given},
            {"id": "q", "type": "complete"},
        ]


def test_the_error_of_a_field_leaves_the_rest(site: Site) -> None:
    query = 'query ($slug: String = "first") { article(slug: $slug) { slug } __typename }'
    with site.socket() as socket:
        socket.subscribe("q", query, slug=None)
        following, end = socket.receive_for("q")
    assert following["payload"]["data"] == {"article": None, "__typename": "Query"}
    assert following["payload"]["errors"][0]["path"] == ["article"]
    assert end["type"] == "complete"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        (
            {"query": "subscription { a: articleChanged { slug } b: articleChanged { slug } }"},
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ({"query": "subscription { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_USER_INPUT"),
        ({"query": "query A { __typename }", "operationName": "B"}, "BAD_USER_INPUT"),
        ({"query": PLAIN, "variables": {"where": 1}}, "BAD_USER_INPUT"),
        ({"query": PLAIN, "variables": {"since": "yesterday"}}, "BAD_VERSION"),
        ({"query": PLAIN, "variables": {"since": "abc0-1"}}, "VERSION_TOO_OLD"),
        ({"query": PLAIN, "variables": {"where": {"publishedDateTime": {"gt": "x"}}}}, "BAD_DATE"),
        ({"query": "{ articles(first: 101) { totalCount } }"}, "BAD_PAGE"),
    ],
)
def test_a_rejected_operation_is_an_error_and_the_socket_stays_open(
    site: Site, payload: dict[str, Any], code: str
) -> None:
    with site.socket() as socket:
        socket.send("subscribe", id="x", payload=payload)
        (error,) = socket.receive_for("x")
        assert error["type"] == "error"
        assert error["payload"][0]["extensions"]["code"] == code
        socket.subscribe("x", COUNT)
        assert socket.receive_for("x")[-1]["type"] == "complete"


def test_operation_name_selects_the_operation(site: Site) -> None:
    query = f"{COUNT} query Other {{ __typename }}"
    with site.socket() as socket:
        socket.send("subscribe", id="x", payload={"query": query, "operationName": "Other"})
        assert socket.receive()["payload"] == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("authorization", ["", " ", "Basic dTpw"])
def test_no_token_in_connection_init_is_anonymous(site: Site, authorization: str) -> None:
    with site.raw(additional_headers=EDITOR) as socket:
        socket.send("connection_init", payload={"authorization": authorization})
        assert socket.receive() == {"type": "connection_ack"}
        socket.subscribe_and_wait("1", HEAT)
        site.change("hidden", published=False)
        changed = site.change()
        assert heat(socket.receive()) == changed


@pytest.mark.parametrize("init", [{}, {"authorization": None}])
def test_a_token_may_be_in_the_handshake(site: Site, init: dict[str, Any]) -> None:
    with site.raw(additional_headers=EDITOR) as socket:
        socket.send("connection_init", payload=init)
        socket.receive()
        assert_editor(socket, site)


def test_a_token_may_be_in_connection_init(site: Site) -> None:
    with site.socket(**EDITOR) as socket:
        assert_editor(socket, site)


def assert_editor(socket: Socket, site: Site) -> None:
    socket.subscribe_and_wait("1", HEAT)
    assert expect_change(socket, site, published=False) > 0


def expect_change(socket: Socket, site: Site, **keys: Any) -> int:
    changed = site.change("hidden", **keys)
    assert heat(socket.receive()) == changed
    return changed


def test_the_public_gets_no_events_of_unpublished_articles(site: Site) -> None:
    with site.socket() as socket:
        socket.subscribe_and_wait("1", HEAT)
        site.change("hidden-too", published=False)
        changed = site.change()
        assert heat(socket.receive()) == changed


def test_a_completed_subscription_gets_no_more_events_and_its_id_is_free_at_once(site: Site) -> None:
    with site.socket() as socket:
        socket.subscribe_and_wait("1", HEAT)
        socket.send("complete", id="1")
        socket.subscribe("1", COUNT)
        assert socket.receive_for("1")[-1]["type"] == "complete"
        site.change()
        socket.send("ping")
        assert socket.receive() == {"type": "pong"}


def test_an_id_is_free_once_its_operation_is_complete(site: Site) -> None:
    with site.socket() as socket:
        for _ in range(3):
            socket.subscribe("1", COUNT)
            assert [one["type"] for one in socket.receive_for("1")] == ["next", "complete"]


def test_completing_an_operation_before_its_response_is_harmless(site: Site) -> None:
    with site.socket() as socket:
        for number in range(20):
            socket.subscribe(f"{number}", COUNT if number % 2 else HEAT)
            socket.send("complete", id=f"{number}")
        socket.send("complete", id="never there")
        socket.subscribe("last", COUNT)
        while socket.receive().get("id") != "last":
            pass
