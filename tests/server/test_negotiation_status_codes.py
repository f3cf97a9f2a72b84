"""Status codes of the specification by default, and of the newest draft on request."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from gqlnews.app import create_app
from gqlnews.config.settings import HttpSettings, ServerSettings, StatusCodePolicy
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.server.negotiation import status_of

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
    with TestClient(
        create_app(replace(server_settings, http=HttpSettings(StatusCodePolicy.DRAFT)))
    ) as client:
        yield client


def post(client: TestClient, body: str, accept: str) -> Any:
    return client.post(
        "/graphql", content=body, headers={"accept": accept, "content-type": "application/json"}
    )


@pytest.mark.parametrize(("body", "newer", "older", "drafted"), ERRORS)
def test_a_refused_request(
    client: TestClient, draft: TestClient, body: str, newer: int, older: int, drafted: int
) -> None:
    answers = [post(one, body, accept) for one in (client, draft) for accept in (NEWER, OLDER)]
    assert [answer.status_code for answer in answers] == [newer, older, drafted, drafted]
    for answer in answers:
        assert set(answer.json()) == {"errors"}


@pytest.mark.parametrize("accept", [NEWER, OLDER])
def test_an_answer_is_200(client: TestClient, draft: TestClient, accept: str) -> None:
    body = '{"query": "{ site { articleCount } }"}'
    assert [post(one, body, accept).status_code for one in (client, draft)] == [200, 200]


def test_data_with_errors_is_294_in_the_draft() -> None:
    partial = GraphQLResponse(b'{"data":{"a":null},"errors":[]}', ok=True)
    assert status_of(partial, NEWER, StatusCodePolicy.SPEC) == 200
    assert status_of(partial, OLDER, StatusCodePolicy.DRAFT) == 294


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "text/html"])
def test_what_is_not_served_is_406(client: TestClient, accept: str) -> None:
    answer = post(client, '{"query": "{ site { articleCount } }"}', accept)
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
