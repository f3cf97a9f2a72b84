"""Status codes of the specification by default, and of the newest draft on request."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import HttpSettings, ServerSettings
from gqlnews.config.values import StatusCodePolicy
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.server.negotiation import status_for_response

OLDER, NEWER = "application/json", "application/graphql-response+json"
TWO = "query A { __typename } query B { __typename }"
COUNT = "query ($n: Int) { articles(first: $n) { totalCount } }"
ERRORS = [  # a body, its status in the specification (newer, older), and in the draft
    ("NONSENSE", 400, 400, 400),
    ("[]", 400, 400, 422),
    ('{"query": 1}', 400, 400, 422),
    ('{"query": "{a}", "variables": [7]}', 400, 400, 422),
    ('{"query": "{a}", "extensions": "x"}', 400, 400, 422),
    ('{"query": "{"}', 400, 200, 400),
    ('{"query": "{nope}"}', 400, 200, 422),
    (f'{{"query": "{TWO}"}}', 400, 200, 422),
    ('{"query": "{__typename}", "operationName": "Zz"}', 400, 200, 422),
    (f'{{"query": "{COUNT}", "variables": {{"n": "x"}}}}', 400, 200, 422),
    (f'{{"query": "{COUNT}", "variables": {{"n": -1}}}}', 400, 200, 422),
]


@pytest.fixture(scope="module")
def draft(server_settings: ServerSettings) -> Iterator[TestClient]:
    with TestClient(build_app(replace(server_settings, http=HttpSettings(StatusCodePolicy.DRAFT)))) as client:
        yield client


def post(client: TestClient, body: str, accept: str) -> Any:
    return client.post(
        "/graphql", content=body, headers={"accept": accept, "content-type": "application/json"}
    )


@pytest.mark.parametrize(("body", "newer", "older", "drafted"), ERRORS)
def test_a_rejected_request(
    client: TestClient, draft: TestClient, body: str, newer: int, older: int, drafted: int
) -> None:
    responses = [post(one, body, accept) for one in (client, draft) for accept in (NEWER, OLDER)]
    assert [response.status_code for response in responses] == [newer, older, drafted, drafted]
    for response in responses:
        assert set(response.json()) == {"errors"}


@pytest.mark.parametrize("accept", [NEWER, OLDER])
def test_a_response_is_200(client: TestClient, draft: TestClient, accept: str) -> None:
    body = '{"query": "{ site { articleCount } }"}'
    assert [post(one, body, accept).status_code for one in (client, draft)] == [200, 200]


def test_data_with_errors_is_294_in_the_draft() -> None:
    partial = GraphQLResponse(b'{"data":{"a":null},"errors":[]}', has_data=True)
    assert status_for_response(partial, NEWER, StatusCodePolicy.SPEC) == 200
    assert status_for_response(partial, OLDER, StatusCodePolicy.DRAFT) == 294


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "text/html"])
def test_an_unsupported_media_type_is_406(client: TestClient, accept: str) -> None:
    response = post(client, '{"query": "{ site { articleCount } }"}', accept)
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"
    assert response.headers["content-type"] == "application/json; charset=utf-8"
