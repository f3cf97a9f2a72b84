"""Authentication: the public, an editor, and rejected credentials."""

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from gqlnews.config.settings import ServerSettings
from gqlnews.query.entities import Audience
from gqlnews.server.negotiation import authenticate
from gqlnews.server.response import HTTPError
from tests.server.support import TOKEN

COUNT = {"query": "{ site { articleCount } }"}


def articles(client: TestClient, **headers: str) -> int:
    response = client.post("/graphql", json=COUNT, headers=headers)
    return int(response.json()["data"]["site"]["articleCount"])


@pytest.mark.parametrize(
    ("headers", "count"),
    [({}, 1), ({"authorization": f"Bearer {TOKEN}"}, 2), ({"authorization": f"bearer  {TOKEN}"}, 2)],
)
def test_a_token_gives_access_to_unpublished_articles(
    client: TestClient, headers: dict[str, str], count: int
) -> None:
    assert articles(client, **headers) == count


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        TOKEN,
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer ä",
    ],
)
def test_wrong_credentials_are_401(client: TestClient, credentials: str) -> None:
    response = client.post("/graphql", json=COUNT, headers={b"authorization": credentials.encode()})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert [error["extensions"] for error in response.json()["errors"]] == [{"code": "UNAUTHENTICATED"}]
    assert set(response.json()) == {"errors"}


@pytest.mark.parametrize("credentials", ["", "  ", f"Basic {TOKEN}", 'Digest username="a", realm="b"'])
def test_empty_credentials_and_those_of_other_schemes_are_ignored(
    client: TestClient, credentials: str
) -> None:
    assert articles(client, authorization=credentials) == 1


def test_a_token_counts_beside_credentials_of_another_scheme(server_settings: ServerSettings) -> None:
    headers = ["Basic dTpw", f"Bearer {TOKEN}"]
    assert authenticate(headers, server_settings) is Audience.EDITOR


def test_two_authorization_headers_are_rejected(server_settings: ServerSettings) -> None:
    pair = f"Bearer {TOKEN}"
    with pytest.raises(HTTPError, match="exactly one"):
        authenticate([pair, pair], server_settings)


def test_unpublished_opens_articles_to_everyone_but_makes_nobody_an_editor(
    server_settings: ServerSettings,
) -> None:
    opened = replace(server_settings, unpublished=True)
    assert authenticate((), opened) is Audience.OPEN
    assert authenticate([f"Bearer {TOKEN}"], opened) is Audience.EDITOR


@given(
    known=st.lists(st.text("abcXYZ019-._~+/", min_size=1, max_size=4), max_size=4),
    given=st.text("abcXYZ019-._~+/", min_size=1, max_size=4),
)
def test_a_token_is_valid_only_if_its_hash_is_configured(
    server_settings: ServerSettings, known: list[str], given: str
) -> None:
    hashes = tuple(sha256(token.encode()).digest() for token in known)
    settings = replace(server_settings, editor_tokens=hashes)
    headers = [f"Bearer {given}"]
    if given in known:
        assert authenticate(headers, settings) is Audience.EDITOR
    else:
        with pytest.raises(HTTPError, match="unknown"):
            authenticate(headers, settings)


@pytest.mark.parametrize("token", ["first", "second", "third", "none"])
def test_every_hash_is_compared_in_constant_time(
    server_settings: ServerSettings, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    hashes = tuple(sha256(one.encode()).digest() for one in ("first", "second", "third"))
    compared: list[bytes] = []

    def compare(given: bytes, known: bytes) -> bool:
        compared.append(known)
        return given == known

    monkeypatch.setattr("hmac.compare_digest", compare)
    with suppress(HTTPError):
        authenticate([f"Bearer {token}"], replace(server_settings, editor_tokens=hashes))
    assert compared == list(hashes)
