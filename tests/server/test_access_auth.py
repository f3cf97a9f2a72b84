"""Authentication: the public, an editor, and rejected credentials."""

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from gqlnews.config.settings import ServerSettings
from gqlnews.query.fields import Audience
from gqlnews.server.access import audience
from gqlnews.server.response import HTTPError
from tests.server.support import TOKEN

COUNT = {"query": "{ site { articleCount } }"}


def articles(client: TestClient, **headers: str) -> int:
    answer = client.post("/graphql", json=COUNT, headers=headers)
    return int(answer.json()["data"]["site"]["articleCount"])


@pytest.mark.parametrize(
    ("headers", "count"),
    [({}, 1), ({"authorization": f"Bearer {TOKEN}"}, 2), ({"authorization": f"bearer  {TOKEN}"}, 2)],
)
def test_a_token_opens_what_is_unpublished(client: TestClient, headers: dict[str, str], count: int) -> None:
    assert articles(client, **headers) == count


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer ä",
    ],
)
def test_wrong_credentials_are_401(client: TestClient, credentials: str) -> None:
    answer = client.post("/graphql", json=COUNT, headers={b"authorization": credentials.encode()})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert [error["extensions"] for error in answer.json()["errors"]] == [{"code": "UNAUTHENTICATED"}]
    assert set(answer.json()) == {"errors"}


def test_two_credentials_are_refused(server_settings: ServerSettings) -> None:
    pair = f"Bearer {TOKEN}"
    with pytest.raises(HTTPError, match="once"):
        audience([pair, pair], server_settings)


def test_unpublished_opens_articles_to_everyone_but_makes_nobody_an_editor(
    server_settings: ServerSettings,
) -> None:
    opened = replace(server_settings, unpublished=True)
    assert audience((), opened) is Audience.OPEN
    assert audience([f"Bearer {TOKEN}"], opened) is Audience.EDITOR


@given(
    known=st.lists(st.text("abcXYZ019-._~+/", min_size=1, max_size=4), max_size=4),
    given=st.text("abcXYZ019-._~+/", min_size=1, max_size=4),
)
def test_a_token_is_known_exactly_where_its_hash_is(
    server_settings: ServerSettings, known: list[str], given: str
) -> None:
    hashes = tuple(sha256(token.encode()).digest() for token in known)
    settings = replace(server_settings, editor_tokens=hashes)
    headers = [f"Bearer {given}"]
    if given in known:
        assert audience(headers, settings) is Audience.EDITOR
    else:
        with pytest.raises(HTTPError, match="not known"):
            audience(headers, settings)


@pytest.mark.parametrize("token", ["first", "second", "third", "none"])
def test_every_hash_is_compared_in_constant_time_whichever_fits(
    server_settings: ServerSettings, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    hashes = tuple(sha256(one.encode()).digest() for one in ("first", "second", "third"))
    compared: list[bytes] = []

    def compare(given: bytes, known: bytes) -> bool:
        compared.append(known)
        return given == known

    monkeypatch.setattr("hmac.compare_digest", compare)
    with suppress(HTTPError):
        audience([f"Bearer {token}"], replace(server_settings, editor_tokens=hashes))
    assert compared == list(hashes)
