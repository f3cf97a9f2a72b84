"""Other origins: CORS, and the origin check of WebSockets."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message

from gqlnews.app import build_app
from gqlnews.config.settings import HttpSettings, ServerSettings
from gqlnews.server.cors import check_websocket_origin
from gqlnews.server.response import HTTPError

FRIEND, STRANGER = "https://friend.example", "https://stranger.example"
QUERY = {"query": "{ site { articleCount } }"}
VARY = "Accept, Accept-Encoding, Authorization"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
ALLOW = "access-control-allow-origin"


def client_with_origins(settings: ServerSettings, *origins: str) -> TestClient:
    return TestClient(build_app(replace(settings, http=HttpSettings(allow_origins=origins))))


@pytest.fixture(scope="module")
def cors(server_settings: ServerSettings) -> Iterator[TestClient]:
    with client_with_origins(server_settings, FRIEND, "http://localhost:3000") as client:
        yield client


@pytest.fixture(scope="module")
def open_to_all(server_settings: ServerSettings) -> Iterator[TestClient]:
    with client_with_origins(server_settings, "*") as client:
        yield client


@pytest.mark.parametrize("origin", [FRIEND, "http://localhost:3000"])
def test_a_preflight_is_answered(cors: TestClient, origin: str) -> None:
    response = cors.options("/graphql", headers={"origin": origin, **PREFLIGHT})
    assert (response.status_code, response.headers[ALLOW]) == (200, origin)
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, POST"
    assert response.headers["access-control-max-age"] == "7200"
    assert "access-control-allow-credentials" not in response.headers
    assert "Origin" in response.headers["vary"].split(", ")


def test_a_preflight_allows_every_requested_header(cors: TestClient) -> None:
    requested = "content-type,traceparent,baggage,apollographql-client-name"
    headers = {"origin": FRIEND, **PREFLIGHT, "access-control-request-headers": requested}
    response = cors.options("/graphql", headers=headers)
    assert (response.status_code, response.headers["access-control-allow-headers"]) == (200, requested)


@pytest.mark.parametrize("origin", [STRANGER, "null", "https://friend.example.evil.example", ""])
def test_a_preflight_from_another_origin_is_rejected(cors: TestClient, origin: str) -> None:
    response = cors.options("/graphql", headers={"origin": origin, **PREFLIGHT})
    assert (response.status_code, ALLOW in response.headers) == (403, False)
    assert response.json()["errors"][0]["extensions"]["code"] == "ORIGIN_NOT_ALLOWED"
    assert "Origin" in response.headers["vary"].split(", ")


def test_a_preflight_for_another_method_is_rejected(cors: TestClient) -> None:
    headers = {"origin": FRIEND, "access-control-request-method": "DELETE"}
    response = cors.options("/graphql", headers=headers)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")
    assert response.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


def test_options_that_are_no_preflight_are_405(cors: TestClient) -> None:
    assert cors.options("/graphql", headers={"origin": FRIEND}).status_code == 405


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("POST", {"json": QUERY}),
        ("GET", {"params": QUERY}),
        ("GET", {}),  # an error
        ("POST", {"content": b"{"}),
        ("PUT", {}),
    ],
)
def test_responses_and_errors_have_cors_headers(
    cors: TestClient, method: str, options: dict[str, Any]
) -> None:
    response = cors.request(method, "/graphql", headers={"origin": FRIEND}, **options)
    assert response.headers[ALLOW] == FRIEND
    assert response.headers["access-control-expose-headers"] == "ETag, Retry-After, X-Request-Id"
    assert "Origin" in response.headers["vary"].split(", ")


def test_an_event_stream_has_cors_headers(cors: TestClient) -> None:
    headers = {"origin": FRIEND, "accept": "text/event-stream"}
    response = cors.post("/graphql", json=QUERY, headers=headers)
    assert (response.headers["content-type"], response.headers[ALLOW]) == (
        "text/event-stream; charset=utf-8", FRIEND,
    )  # fmt: skip


def test_another_origin_gets_a_response_without_cors_headers(cors: TestClient) -> None:
    response = cors.post("/graphql", json=QUERY, headers={"origin": STRANGER})
    assert (response.status_code, ALLOW in response.headers) == (200, False)
    assert response.headers["vary"] == f"{VARY}, Origin"


def test_any_origin_is_allowed(open_to_all: TestClient) -> None:
    response = open_to_all.post("/graphql", json=QUERY, headers={"origin": STRANGER})
    assert (response.headers[ALLOW], response.headers["vary"]) == (
        "*",
        f"{VARY}, Origin",
    )
    assert open_to_all.options("/graphql", headers={"origin": STRANGER, **PREFLIGHT}).headers[ALLOW] == "*"


@pytest.mark.parametrize("origins", [(FRIEND,), ("*",)])
def test_a_cacheable_response_varies_by_origin_even_without_one(
    server_settings: ServerSettings, origins: tuple[str, ...]
) -> None:
    """Otherwise a cache would send it to a page of another origin, without CORS headers."""
    with client_with_origins(server_settings, *origins) as client:
        response = client.get("/graphql", params=QUERY)
        headers = {"if-none-match": response.headers["etag"]}
        for cacheable in (response, client.get("/graphql", params=QUERY, headers=headers)):
            assert (cacheable.headers["vary"], ALLOW in cacheable.headers) == (
                f"{VARY}, Origin", False,
            )  # fmt: skip


class SingleWriteSender:
    """The `send` of an ASGI server that accepts complete responses."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def respond(self, status: int, headers: object, body: bytes) -> bool:
        self.statuses.append(status)
        return True

    async def send(self, message: Message) -> None:
        raise AssertionError(message)


def test_a_post_without_an_origin_passes_no_middleware(cors: TestClient) -> None:
    sender = SingleWriteSender()
    body = json.dumps(QUERY).encode()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def post() -> None:
        app: Any = cors.app
        headers = [(b"host", b"news.example"), (b"content-type", b"application/json")]
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "query_string": b"",
            "headers": headers,
        }
        scope |= {"client": ("127.0.0.1", 1), "state": {"app_state": app.state.app_state}}
        await app(scope, receive, sender.send)

    assert cors.portal is not None
    cors.portal.call(post)
    assert sender.statuses == [200]


def test_by_default_no_cors_headers_are_sent(client: TestClient) -> None:
    response = client.post("/graphql", json=QUERY, headers={"origin": FRIEND})
    assert (ALLOW in response.headers, response.headers["vary"]) == (
        False,
        VARY,
    )
    assert client.options("/graphql", headers={"origin": FRIEND, **PREFLIGHT}).status_code == 405


def test_other_paths_get_no_cors_headers(cors: TestClient) -> None:
    assert ALLOW not in cors.get("/health/live", headers={"origin": FRIEND}).headers


def handshake(origin: str | None, host: str = "news.example", *more: str) -> dict[str, Any]:
    given = [("host", host), *(("origin", one) for one in (origin, *more) if one is not None)]
    return {"headers": [(name.encode(), value.encode("latin-1")) for name, value in given]}


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "news.example"),  # not a browser
        ("http://news.example", "news.example"),
        ("http://news.example", "news.example:80"),
        ("https://news.example", "news.example"),  # TLS ends at a proxy
        ("https://news.example:443", "NEWS.example"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://[::1]", "[::1]"),
        (FRIEND, "news.example"),
    ],
)
def test_the_servers_own_pages_may_open_a_websocket(origin: str | None, host: str) -> None:
    check_websocket_origin(handshake(origin, host), (FRIEND,))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (STRANGER, "news.example"),
        ("null", "news.example"),
        ("null", "null"),
        ("", ""),
        ("http://", ""),
        ("news.example", "news.example"),
        ("ftp://news.example", "news.example"),
        ("http://news.example:8001", "news.example:8000"),
        ("http://news.example", "news.example:443"),
        ("https://news.example", "news.example:80"),
        ("http://news.example.evil.example", "news.example"),
        ("http://evil.example@news.example", "news.example"),
        ("http://\xff", "news.example"),
    ],
)
def test_pages_of_other_origins_may_not_open_a_websocket(origin: str, host: str) -> None:
    for allowed in ((), (FRIEND,)):
        with pytest.raises(HTTPError):
            check_websocket_origin(handshake(origin, host), allowed)


def test_two_origin_headers_match_no_origin() -> None:
    with pytest.raises(HTTPError):
        check_websocket_origin(handshake(FRIEND, "news.example", FRIEND), (FRIEND,))


def test_any_origin_is_not_null() -> None:
    check_websocket_origin(handshake(STRANGER), ("*",))
    with pytest.raises(HTTPError):
        check_websocket_origin(handshake("null"), ("*",))


def test_a_rejected_handshake_has_a_graphql_error(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """As behind a proxy that replaces `Host`: the response and the log name both headers and what to do."""
    caplog.set_level(logging.INFO, "gqlnews")
    headers = {"origin": "https://news.example", "host": "backend:8000"}
    with pytest.raises(WebSocketDenialResponse) as error:
        with client.websocket_connect("/graphql", ["graphql-transport-ws"], headers=headers):
            pass
    assert error.value.status_code == 403
    (rejection,) = error.value.json()["errors"]
    assert rejection["extensions"]["code"] == "ORIGIN_NOT_ALLOWED"
    for part in ("'https://news.example'", "'backend:8000'", "let the proxy forward", "`--allow-origin`"):
        assert part in rejection["message"]
    (line,) = caplog.records
    fields = line.__dict__["fields"]
    assert (line.__dict__["event"], fields["code"]) == ("rejected", "ORIGIN_NOT_ALLOWED")
    assert (fields["over"], fields["status"], fields["reason"]) == ("websocket", 403, rejection["message"])


def test_a_long_origin_is_shortened_in_the_message() -> None:
    with pytest.raises(HTTPError) as error:
        check_websocket_origin(handshake("https://" + "a" * 9_000, "b" * 9_000), ())
    assert len(str(error.value)) < 300
    assert str(error.value).endswith("`--allow-origin`.")


def test_a_websocket_at_another_path_is_not_found(client: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as error:
        with client.websocket_connect("/nowhere"):
            pass
    assert error.value.status_code == 404
    assert error.value.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
