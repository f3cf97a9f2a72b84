"""GraphQL over HTTP: valid requests, and how invalid ones are rejected.

https://graphql.github.io/graphql-over-http/draft/
"""

from typing import Any

import pytest
from starlette.testclient import TestClient

JSON = "application/json; charset=utf-8"
GRAPHQL = "application/graphql-response+json; charset=utf-8"
COUNT = "{ site { articleCount } }"
ONE = {"data": {"site": {"articleCount": 1}}}
NAMED = "query A($slug: String!) { article(slug: $slug) { title } } query B { site { articleCount } }"


def post(client: TestClient, body: Any, **headers: str) -> Any:
    return client.post("/graphql", json=body, headers={"accept": "*/*"} | headers)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"query": COUNT}, ONE),
        ({"query": COUNT, "variables": None, "operationName": None, "extensions": None}, ONE),
        ({"query": COUNT, "extensions": {"any": 1}, "unknown": [1]}, ONE),
        ({"query": COUNT, "operationName": ""}, ONE),
        ({"query": NAMED, "operationName": "B"}, ONE),
        (
            {"query": NAMED, "operationName": "A", "variables": {"slug": "published"}},
            {"data": {"article": {"title": "Published"}}},
        ),
    ],
)
def test_a_post_is_answered(client: TestClient, body: object, answer: object) -> None:
    assert post(client, body).json() == answer


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ({"query": COUNT}, ONE),
        ({"query": NAMED, "operationName": "B", "variables": "", "extensions": "{}"}, ONE),
        (
            {"query": NAMED, "operationName": "A", "variables": '{"slug": "published"}'},
            {"data": {"article": {"title": "Published"}}},
        ),
    ],
)
def test_a_get_is_answered(client: TestClient, parameters: dict[str, str], answer: object) -> None:
    assert client.get("/graphql", params=parameters).json() == answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b'"text"',
        b"[]",
        b'[{"query": "{ site { articleCount } }"}]',  # a batch
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": "{ a }", "variables": []}',
        b'{"query": "{ a }", "variables": "{}"}',
        b'{"query": "{ a }", "operationName": 1}',
        b'{"query": "{ a }", "extensions": true}',
        b"[" * 2000,
        b'{"query": "{ a }", "variables": {"n": NaN}}',
        b'{"query": "{ a }", "variables": {"n": -Infinity}}',
        b'{"query": "{ a }", "variables": {"n": 1e999}}',
        b'{"query": "\\ud800"}',
    ],
)
def test_a_malformed_body_is_400(client: TestClient, body: bytes) -> None:
    response = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {"query": "{ a }", "variables": "{"},
        {"query": "{ a }", "variables": "[]"},
        {"query": "{ a }", "extensions": "1"},
    ],
)
def test_malformed_parameters_are_400(client: TestClient, parameters: dict[str, str]) -> None:
    response = client.get("/graphql", params=parameters)
    assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/jsonp",
    ],
)
def test_another_content_type_is_415(client: TestClient, content_type: str) -> None:
    response = client.post("/graphql", content=b'{"query": "{ a }"}', headers={"content-type": content_type})
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept-post"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON; Charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_in_utf8_is_accepted_in_any_spelling(client: TestClient, content_type: str) -> None:
    body = b'{"query": "{ site { articleCount } }"}'
    assert client.post("/graphql", content=body, headers={"content-type": content_type}).json() == ONE


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
@pytest.mark.parametrize("accept", ["*/*", "application/graphql-response+json"])
def test_a_post_without_preflight_is_rejected(
    client: TestClient, content_type: str | None, accept: str
) -> None:
    """Cross-site request forgery: these are sent without a preflight, even if the body is JSON."""
    headers = {"accept": accept, "cookie": "a=b", **({"content-type": content_type} if content_type else {})}
    response = client.post("/graphql", content=b'{"query": "{ site { articleCount } }"}', headers=headers)
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, deflate", "x"])
def test_an_encoded_body_is_415(client: TestClient, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    response = client.post("/graphql", content=b"{}", headers=headers)
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept-encoding"] == "identity"


def test_the_last_of_duplicate_keys_counts(client: TestClient) -> None:
    body = b'{"query": "{ nothing }", "query": "{ site { articleCount } }"}'
    assert client.post("/graphql", content=body, headers={"content-type": "application/json"}).json() == ONE


def test_two_operations_without_a_name_are_an_error(client: TestClient) -> None:
    response = post(client, {"query": NAMED}, accept="application/graphql-response+json")
    assert (response.status_code, set(response.json())) == (400, {"errors"})


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_405(client: TestClient, method: str) -> None:
    response = client.request(method, "/graphql")
    assert (response.status_code, code_of(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, HEAD, POST"


def test_head_answers_as_get_without_a_body(client: TestClient) -> None:
    response = client.head("/graphql", params={"query": COUNT})
    assert (response.status_code, response.headers["content-type"]) == (200, JSON)


def test_a_get_runs_no_mutation(client: TestClient) -> None:
    response = client.get("/graphql", params={"query": "mutation { a }"}).json()
    assert "data" not in response


@pytest.mark.parametrize("size", [256 * 1024, 256 * 1024 + 1])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_256_kib_is_413(client: TestClient, size: int, chunked: bool) -> None:
    body = b'{"query": "{ site { articleCount } }"}'.ljust(size)
    parts = (body[start : start + 10_000] for start in range(0, size, 10_000))
    response = client.post(
        "/graphql", content=parts if chunked else body, headers={"content-type": "application/json"}
    )
    expected = 200 if size == 256 * 1024 else 413
    assert response.status_code == expected
    assert response.json() == ONE if expected == 200 else code_of(response) == "BODY_TOO_LARGE"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/json, application/graphql-response+json;q=0.5", JSON),
        ("application/graphql-response+json;q=nonsense", JSON),
    ],
)
def test_the_media_type_is_negotiated(client: TestClient, accept: str, media_type: str) -> None:
    assert post(client, {"query": COUNT}, accept=accept).headers["content-type"] == media_type


@pytest.mark.parametrize(
    ("accept", "query", "status"),
    [
        ("application/json", "{ nothingOfTheKind }", 200),
        ("application/graphql-response+json", "{ nothingOfTheKind }", 400),
        ("application/json", "{ site {", 200),
        ("application/graphql-response+json", "{ site {", 400),
        ("application/graphql-response+json", COUNT, 200),
    ],
)
def test_graphql_errors_are_400_for_graphql_response_json(
    client: TestClient, accept: str, query: str, status: int
) -> None:
    response = post(client, {"query": query}, accept=accept)
    assert response.status_code == status
    assert ("data" in response.json()) == (query == COUNT)


def test_responses_vary_by_accept_and_authorization(client: TestClient) -> None:
    assert post(client, {"query": COUNT}).headers["vary"] == "Accept, Accept-Encoding, Authorization"


def code_of(answer: Any) -> str:
    """Return the code of the response's only error, without data."""
    (error,) = answer.json().pop("errors")
    assert set(error) == {"message", "extensions"}
    return str(error["extensions"]["code"])
