"""The request id, in the response and in the log."""

import logging

import pytest
from starlette.testclient import TestClient

QUERY = {"query": "{ site { articleCount } }"}


@pytest.mark.parametrize("own", ["a", "0f3c-2_b.9", "x" * 64])
def test_a_short_token_of_the_client_is_used(client: TestClient, own: str) -> None:
    response = client.post("/graphql", json=QUERY, headers={"x-request-id": own})
    assert response.headers["x-request-id"] == own


@pytest.mark.parametrize("wrong", ["", "a b", "x" * 65, "a\u00e9", 'a"b', "a,b"])
def test_an_invalid_request_id_is_replaced(client: TestClient, wrong: str) -> None:
    headers = [(b"x-request-id", wrong.encode("latin-1")), (b"accept", b"*/*")]
    ids = [client.post("/graphql", json=QUERY, headers=headers).headers["x-request-id"] for _ in range(2)]
    assert wrong not in ids
    assert len(set(ids)) == 2
    assert all(one.isalnum() for one in ids)


def test_errors_pages_and_streams_have_a_request_id(client: TestClient) -> None:
    for accept in ("text/event-stream", "text/html", "image/png"):
        headers = {"accept": accept, "x-request-id": "mine"}
        response = client.get("/graphql", params=QUERY if "event" in accept else None, headers=headers)
        assert response.headers["x-request-id"] == "mine"


def test_the_log_has_the_request_id(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    for accept in ("*/*", "text/event-stream"):
        client.post("/graphql", json=QUERY, headers={"x-request-id": "mine", "accept": accept})
    assert [record.__dict__["fields"]["id"] for record in caplog.records] == ["mine", "mine"]
