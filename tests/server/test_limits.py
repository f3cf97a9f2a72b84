"""Limits as a client meets them: the same refusal by every way in, and the cost where it is asked for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gqlnews.limits import Limits
from gqlnews.server.app import create_app
from gqlnews.settings import ServerSettings
from tests.product import take_in
from tests.server.support import write_articles

QUERY = "{ articles(first: 20) { nodes { related { title } } } }"
ASKS = {"cost": True}
NEWER = "application/graphql-response+json"


@pytest.fixture(params=[221, 220])
def limit(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


@pytest.fixture
def client(tmp_path: Path, limit: int) -> Iterator[TestClient]:
    take_in(write_articles(tmp_path / "content"), tmp_path / "store.db")
    settings = ServerSettings(tmp_path / "store.db", explorer=False, limits=Limits(cost=limit))
    with TestClient(create_app(settings)) as made:
        yield made


def check(answer: dict[str, Any], limit: int) -> None:
    assert answer["extensions"] == {"cost": {"requested": 221, "limit": limit}}
    assert ("data" in answer, "errors" in answer) == (limit >= 221, limit < 221)


def test_by_post_again_and_again(client: TestClient, limit: int) -> None:
    for _ in range(2):
        check(client.post("/graphql", json={"query": QUERY, "extensions": ASKS}).json(), limit)
    assert "extensions" not in client.post("/graphql", json={"query": QUERY}).json()


def test_by_get(client: TestClient, limit: int) -> None:
    parameters = {"query": QUERY, "extensions": json.dumps(ASKS)}
    check(client.get("/graphql", params=parameters).json(), limit)


@pytest.mark.parametrize(("accept", "status"), [(NEWER, 400), ("application/json", 200)])
def test_a_refusal_has_the_status_of_every_refusal(
    client: TestClient, limit: int, accept: str, status: int
) -> None:
    answer = client.post("/graphql", json={"query": QUERY}, headers={"accept": accept})
    assert answer.status_code == (200 if limit >= 221 else status)


def test_over_a_websocket(client: TestClient, limit: int) -> None:
    with client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}
        payload = {"query": QUERY, "extensions": ASKS}
        socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        told = socket.receive_json()
        if limit >= 221:
            check(told["payload"], limit)
        else:  # the protocol has room for the errors alone
            assert [error["extensions"]["code"] for error in told["payload"]] == ["TOO_COSTLY"]
