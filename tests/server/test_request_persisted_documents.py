"""Documents referenced by requests: Apollo's automatic persisted queries, and trusted documents."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import HttpSettings, ServerSettings
from gqlnews.server import request

COUNT = "{ site { articleCount } }"
BY_SLUG = "query BySlug($slug: String!) { article(slug: $slug) { title } }"
ONE = {"data": {"site": {"articleCount": 1}}}
TITLED = {"data": {"article": {"title": "Published"}}}
PUBLISHED = {"slug": "published"}
SUBPROTOCOL = ["graphql-transport-ws"]
OLDER, NEWER = "application/json", "application/graphql-response+json"


def named(query: str, version: Any = 1) -> dict[str, Any]:
    digest = sha256(query.encode()).hexdigest()
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": digest}}}


@pytest.fixture
def client(server_settings: ServerSettings) -> Iterator[TestClient]:
    """A server without registered documents."""
    with TestClient(build_app(server_settings)) as client:
        yield client


@pytest.fixture
def trusting(server_settings: ServerSettings, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "slug.graphql").write_text(BY_SLUG)
    clients: list[TestClient] = []

    def make(*, only: bool) -> TestClient:
        http = HttpSettings(persisted_documents=(tmp_path,), persisted_only=only)
        client = TestClient(build_app(replace(server_settings, http=http)))
        client.__enter__()
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)


def post(client: TestClient, body: dict[str, Any], accept: str = OLDER) -> Any:
    return client.post("/graphql", json=body, headers={"accept": accept})


def get(client: TestClient, **parameters: Any) -> Any:
    texts = {key: one if isinstance(one, str) else json.dumps(one) for key, one in parameters.items()}
    return client.get("/graphql", params=texts, headers={"accept": OLDER})


def code(answer: Any) -> str:
    (error,) = answer.json()["errors"]
    return str(error["extensions"]["code"])


def test_unknown_hashes_get_the_error_that_apollo_clients_expect(client: TestClient) -> None:
    response = post(client, named(COUNT))
    assert response.status_code == 200
    assert response.json() == {
        "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
    }
    assert post(client, named(COUNT), NEWER).status_code == 400


def test_a_document_is_registered_and_then_resolved_by_its_hash(client: TestClient) -> None:
    assert post(client, {"query": COUNT, **named(COUNT)}).json() == ONE
    assert post(client, named(COUNT)).json() == ONE
    assert get(client, **named(COUNT)).json() == ONE


def test_a_get_registers_too(client: TestClient) -> None:
    assert get(client, query=COUNT, **named(COUNT)).json() == ONE
    response = get(client, **named(COUNT))
    assert (response.json(), response.headers["cache-control"]) == (ONE, "public, no-cache")
    assert {"etag", "vary"} <= set(response.headers)
    assert get(client, **named(BY_SLUG)).headers["cache-control"] == "no-store"


def test_variables_may_be_sent_with_each_request(client: TestClient) -> None:
    post(client, {"query": BY_SLUG, "variables": {"slug": "none"}, **named(BY_SLUG)})
    assert post(client, {"variables": PUBLISHED, **named(BY_SLUG)}).json() == TITLED


def test_a_wrong_hash_is_rejected_and_not_registered(client: TestClient) -> None:
    response = post(client, {"query": COUNT, **named(BY_SLUG)})
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert code(post(client, named(BY_SLUG))) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("wrong", ["{", "{ nothing }", ""])
def test_only_valid_documents_are_registered(client: TestClient, wrong: str) -> None:
    post(client, {"query": wrong, **named(wrong)})
    assert code(post(client, named(wrong))) == "PERSISTED_QUERY_NOT_FOUND"


def test_least_recently_used_documents_are_evicted_and_can_be_registered_again(
    monkeypatch: pytest.MonkeyPatch, server_settings: ServerSettings
) -> None:
    monkeypatch.setattr(request, "MAX_APQ_BYTES", 2 * request.ENTRY_OVERHEAD + 400)
    with TestClient(build_app(server_settings)) as client:
        documents = [f"{{ site {{ articleCount }} }} #{number}" for number in range(3)]
        for _ in range(2):  # the second time with a cached response
            for document in documents:
                assert post(client, {"query": document, **named(document)}).json() == ONE
                assert post(client, named(document)).json() == ONE
        assert code(post(client, {**named(documents[0]), "variables": {}})) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"extensions": {"persistedQuery": []}}, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": {}}}, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": {"version": True, "sha256Hash": "0" * 64}}}, "BAD_REQUEST"),
        (named(COUNT, version="1"), "BAD_REQUEST"),
        (named(COUNT, version=2), "PERSISTED_QUERY_NOT_SUPPORTED"),
        ({"documentId": 7}, "BAD_REQUEST"),
        ({"documentId": ""}, "BAD_REQUEST"),
        ({"documentId": "x" * 1001}, "BAD_REQUEST"),
        ({"documentId": "a", "query": COUNT}, "BAD_REQUEST"),
        ({"documentId": "a", **named(COUNT)}, "BAD_REQUEST"),
        ({"documentId": "sha256:" + "0" * 64}, "DOCUMENT_NOT_FOUND"),
    ],
)
def test_a_request_without_a_document_is_rejected(
    client: TestClient, wrong: dict[str, Any], expected: str
) -> None:
    response = post(client, wrong, NEWER)
    assert (response.status_code, code(response)) == (400, expected)


def test_events_find_documents_too(client: TestClient) -> None:
    events = "text/event-stream"
    response = post(client, named(COUNT), events)
    assert (response.status_code, code(response)) == (400, "PERSISTED_QUERY_NOT_FOUND")
    post(client, {"query": COUNT, **named(COUNT)}, events)
    assert json.dumps(ONE, separators=(",", ":")) in post(client, named(COUNT), events).text


def test_websockets_find_documents_too(client: TestClient) -> None:
    with client.websocket_connect("/graphql", SUBPROTOCOL) as socket:
        socket.send_json({"type": "connection_init"})
        socket.receive_json()

        def ask(payload: dict[str, Any]) -> Any:
            socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            response = socket.receive_json()
            if response["type"] == "next":
                socket.receive_json()
            return response["payload"]

        assert ask(named(COUNT))[0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        assert ask({"query": COUNT, **named(COUNT)}) == ONE
        assert ask(named(COUNT)) == ONE
        socket.send_json({"id": "1", "type": "subscribe", "payload": {"documentId": 7}})
        assert socket.receive()["code"] == 4400


@pytest.mark.parametrize("only", [False, True])
def test_trusted_documents_are_found_by_id_and_by_hash(
    trusting: Callable[..., TestClient], only: bool
) -> None:
    client = trusting(only=only)
    digest = sha256(BY_SLUG.encode()).hexdigest()
    for key in ("pages/slug", digest, f"sha256:{digest}"):
        assert post(client, {"documentId": key, "variables": PUBLISHED}).json() == TITLED
        assert get(client, documentId=key, variables=PUBLISHED).json() == TITLED
    assert post(client, {"variables": PUBLISHED, **named(BY_SLUG)}).json() == TITLED
    response = get(client, documentId="pages/slug", variables=PUBLISHED)
    assert response.headers["cache-control"] == "public, no-cache"
    known = client.get(response.request.url.path + "?" + response.request.url.query.decode(), headers={
        "accept": OLDER, "if-none-match": response.headers["etag"]
    })  # fmt: skip
    assert known.status_code == 304


def test_other_documents_run_unless_persisted_only(trusting: Callable[..., TestClient]) -> None:
    assert post(trusting(only=False), {"query": COUNT}).json() == ONE
    client = trusting(only=True)
    for body in ({"query": COUNT}, {"query": BY_SLUG}, named(COUNT), {"query": COUNT, **named(COUNT)}):
        assert code(post(client, body)) == "DOCUMENT_NOT_TRUSTED"
        assert post(client, body, NEWER).status_code == 400
    assert code(post(client, {"documentId": "none"})) == "DOCUMENT_NOT_FOUND"


def test_an_unknown_hash_or_id_is_explained(trusting: Callable[..., TestClient]) -> None:
    """A developer has changed a query, but the server runs with the documents of before."""
    client = trusting(only=True)
    for body in (named(COUNT), {"documentId": "none"}):
        [error] = post(client, body).json()["errors"]
        assert "--persisted-documents did not contain it when the server started" in error["message"]
    [error] = post(client, {"query": COUNT}).json()["errors"]
    assert error["message"].endswith("so send the `documentId` or the hash of one.")
