"""Content codings: their negotiation, and responses of a whole server in each of them."""

import gzip
import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.server.compression import (
    CODINGS,
    INLINE_BYTES,
    MIN_BYTES,
    choose_coding,
    compress,
    negotiate_codings,
)
from tests.images import png
from tests.ingest.folder import Folder
from tests.server.support import DEADLINE, TOKEN, TOKEN_HASH, serving

DECODERS = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}

# Accept-Encoding → the acceptable codings, best first
NEGOTIATED = {
    "": ("identity",),
    "gzip": ("gzip", "identity"),
    "gzip, deflate": ("gzip", "identity"),
    "gzip, deflate, br": ("br", "gzip", "identity"),
    "gzip, deflate, br, zstd": ("br", "zstd", "gzip", "identity"),
    "GZIP;Q=0.8 , BR;q=0.9": ("br", "gzip", "identity"),
    "x-gzip": ("gzip", "identity"),
    "deflate": ("identity",),
    "identity": ("identity",),
    "identity, gzip": ("gzip", "identity"),
    "identity, gzip;q=0.5": ("identity", "gzip"),
    "identity;q=0.5, gzip": ("gzip", "identity"),
    "identity;q=0, br": ("br",),
    "gzip;q=0": ("identity",),
    "gzip;q=0.001": ("gzip", "identity"),
    "gzip;q=0, br, identity;q=0": ("br",),
    "*": ("gzip", "identity"),
    "*, gzip;q=0": ("identity",),
    "br, *;q=0.1": ("br", "gzip", "identity"),
    "br, *;q=0": ("br",),
    "identity;q=0": (),
    "*;q=0": (),
    "*;q=0, identity": ("identity",),
    "deflate, identity;q=0": (),
    "gzip;q=x": ("identity",),
    "gzip;q=2": ("gzip", "identity"),
    ",;,": ("identity",),
}


@pytest.mark.parametrize(("header", "codings"), NEGOTIATED.items(), ids=list(NEGOTIATED))
def test_accept_encoding_is_negotiated_by_quality(header: str, codings: tuple[str, ...]) -> None:
    assert negotiate_codings(header) == codings


@given(st.text())
def test_any_header_is_negotiated(header: str) -> None:
    assert set(negotiate_codings(header)) <= {*CODINGS, "identity"}


def test_a_short_body_is_compressed_only_for_a_client_that_rejects_identity() -> None:
    sizes = (MIN_BYTES - 1, MIN_BYTES)
    assert [choose_coding(("br", "identity"), size) for size in sizes] == ["identity", "br"]
    assert [choose_coding(("br",), size) for size in sizes] == ["br", "br"]


@given(st.sampled_from(CODINGS), st.binary())
def test_a_compressed_body_is_decompressed_to_the_same_bytes(coding: str, body: bytes) -> None:
    assert DECODERS[coding](compress(coding, body)) == body


# Responses of a whole server

SHORT = "{ site { articleCount } }"
MEDIUM = "{ articles(first: 20) { nodes { title excerpt } } }"
LARGE = "{ articles(first: 100) { nodes { title excerpt a: excerpt } } }"
CLOCK = '{ articles(where: {publishedDateTime: {withinLast: "P9000D"}}) { nodes { title excerpt } } }'
EDITOR = {"authorization": f"Bearer {TOKEN}"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def coding(self) -> str:
        return self.headers.get("content-encoding", "identity")

    @property
    def data(self) -> object:
        return json.loads(DECODERS[self.coding](self.body))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("compression")
    folder = Folder(home / "content")
    for number in range(100):
        folder.article(
            f"{number}.md",
            f"https://x.example/{number}",
            excerpt=f"Excerpt {number} " + "of many words " * 20,
        )
    tokens = {"GQLNEWS_EDITOR_TOKENS": TOKEN_HASH, "GQLNEWS_METRICS": "1"}
    with serving(home, folder.root, env=tokens) as (base, _):
        yield base


def ask(url: str, query: str, method: str = "GET", path: str = "/graphql", **headers: str) -> Answer:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        if method == "POST":
            body = json.dumps({"query": query})
            connection.request(method, path, body, {"content-type": "application/json", **sent})
        else:
            connection.putrequest(method, f"{path}?query={quote(query)}", skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
        return _read(connection.getresponse())
    finally:
        connection.close()


def _read(response: HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


@pytest.mark.parametrize("coding", ["identity", *CODINGS])
@pytest.mark.parametrize("query", [MEDIUM, LARGE, CLOCK], ids=["medium", "large", "clock"])
def test_the_response_is_the_same_in_each_coding(url: str, query: str, coding: str) -> None:
    plain = ask(url, query)
    for method in ("GET", "POST", "GET", "POST"):  # the second of each is cached, if it can be
        answer = ask(url, query, method, accept_encoding=f"{coding}, *;q=0")
        assert (answer.status, answer.coding, answer.data) == (200, coding, plain.data)
        assert answer.headers["vary"] == "Accept, Accept-Encoding, Authorization"
        assert coding == "identity" or len(answer.body) < len(plain.body) / 2
    assert (len(plain.body) > INLINE_BYTES) == (query == LARGE)


@pytest.mark.parametrize("coding", ["identity", *CODINGS])
def test_each_coding_has_its_own_etag_and_304(url: str, coding: str) -> None:
    accepted = f"{coding}, identity;q=0.1"
    first = ask(url, MEDIUM, accept_encoding=accepted)
    again = ask(url, MEDIUM, accept_encoding=accepted, if_none_match=first.headers["etag"])
    weak = ask(url, MEDIUM, accept_encoding=accepted, if_none_match=f'"x", W/{first.headers["etag"]}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert "content-encoding" not in again.headers
    assert weak.status == 304
    others = {ask(url, MEDIUM, accept_encoding=other).headers["etag"] for other in ("identity", *CODINGS)}
    assert len(others) == 1 + len(CODINGS)
    for etag in others - {first.headers["etag"]}:
        if "-" in etag:  # not that of the uncompressed response, which is acceptable to this client
            assert ask(url, MEDIUM, accept_encoding=accepted, if_none_match=etag).status == 200


def test_a_short_response_has_one_etag_for_all_codings(url: str) -> None:
    answers = [ask(url, SHORT, accept_encoding=coding) for coding in ("identity", *CODINGS)]
    assert {answer.coding for answer in answers} == {"identity"}
    assert len({answer.headers["etag"] for answer in answers}) == 1
    etag = answers[0].headers["etag"]
    assert {ask(url, SHORT, accept_encoding=coding, if_none_match=etag).status for coding in CODINGS} == {304}


@pytest.mark.parametrize("coding", ["identity", *CODINGS])
def test_head_has_the_headers_of_get(url: str, coding: str) -> None:
    get, head = (ask(url, MEDIUM, method, accept_encoding=coding) for method in ("GET", "HEAD"))
    own = {"date", "x-request-id"}
    assert {name: value for name, value in head.headers.items() if name not in own} == {
        name: value for name, value in get.headers.items() if name not in own
    }
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("coding", ["identity", *CODINGS])
def test_a_range_is_ignored_in_each_coding(url: str, coding: str) -> None:
    whole = ask(url, MEDIUM, accept_encoding=coding)
    part = ask(url, MEDIUM, accept_encoding=coding, range="bytes=0-9", if_range=whole.headers["etag"])
    assert (part.status, part.body) == (200, whole.body)
    assert "accept-ranges" not in part.headers


@pytest.mark.parametrize("accepted", ["identity;q=0", "*;q=0", "deflate, identity;q=0"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_without_an_acceptable_coding_the_request_is_rejected(url: str, method: str, accepted: str) -> None:
    answer = ask(url, SHORT, method, accept_encoding=accepted)
    assert answer.status == 406
    if method != "HEAD":
        assert "NOT_ACCEPTABLE" in str(answer.data)
        assert "br, zstd, gzip or identity" in str(answer.data)


@pytest.mark.parametrize("query", [SHORT, "{ unknown }", "{"])
def test_short_responses_and_errors_are_compressed_if_identity_is_rejected(url: str, query: str) -> None:
    answer = ask(url, query, "POST", accept_encoding="gzip, identity;q=0")
    assert answer.coding == "gzip"
    assert answer.data == ask(url, query, "POST").data


def test_an_editors_response_is_compressed_and_stays_private(url: str) -> None:
    answer = ask(url, MEDIUM, accept_encoding="br", **EDITOR)
    assert (answer.coding, answer.headers["cache-control"]) == ("br", "private, no-store")


def test_streams_are_not_compressed(url: str) -> None:
    accepted = {"accept_encoding": "gzip, br, zstd", "accept": "text/event-stream"}
    answer = ask(url, MEDIUM, **accepted)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.coding == "identity"
    assert b"event: complete" in answer.body


@pytest.mark.parametrize("coding", CODINGS)
def test_the_metrics_are_compressed_and_count_compressed_bodies(url: str, coding: str) -> None:
    ask(url, MEDIUM, accept_encoding=coding)
    answer = ask(url, "", path="/metrics", accept_encoding=coding)
    text = DECODERS[answer.coding](answer.body).decode()
    assert (answer.coding, answer.headers["vary"]) == (coding, "Accept-Encoding")
    assert f'gqlnews_compressions_total{{coding="{coding}"}} ' in text


def test_the_explorer_is_compressed(url: str) -> None:
    page, compressed = (ask(url, "", accept="text/html", **more) for more in ({}, {"accept_encoding": "br"}))
    assert DECODERS[compressed.coding](compressed.body) == page.body
    assert "Accept-Encoding" in page.headers["vary"]


ASSET = "/explorer/LICENSES.txt"


@pytest.mark.parametrize("coding", ["identity", *CODINGS])
def test_built_files_are_sent_as_the_build_has_compressed_them(url: str, coding: str) -> None:
    plain = ask(url, "", path=ASSET)
    answer = ask(url, "", path=ASSET, accept_encoding=coding)
    ranged = ask(url, "", path=ASSET, accept_encoding=coding, range="bytes=0-9")
    head = ask(url, "", "HEAD", path=ASSET, accept_encoding=coding)
    again = ask(url, "", path=ASSET, accept_encoding=coding, if_none_match=answer.headers["etag"])
    assert DECODERS[answer.coding](answer.body) == plain.body
    assert (answer.coding, answer.headers["vary"]) == (coding, "Accept-Encoding")
    assert answer.headers["content-type"] == plain.headers["content-type"]
    assert (ranged.status, ranged.body) == (200, answer.body)
    assert (head.body, head.headers["content-length"]) == (b"", str(len(answer.body)))
    assert (again.status, again.body) == (304, b"")
    assert (again.headers["etag"] == plain.headers["etag"]) == (coding == "identity")


def test_a_built_file_without_an_acceptable_coding_is_406(url: str) -> None:
    answer = ask(url, "", path=ASSET, accept_encoding="deflate, identity;q=0")
    assert (answer.status, "NOT_ACCEPTABLE" in str(answer.data)) == (406, True)


def test_images_are_not_compressed(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "content")
    image = png(40, 40, padding=3 * MIN_BYTES)
    (folder.root / "a.png").write_bytes(image)
    folder.article("a.md", "https://x.example/a", images=[{"url": "a.png"}])
    with serving(tmp_path, folder.root) as (base, _):
        answer = ask(base, "", path="/media/a.png", accept_encoding="br")
    assert (answer.coding, answer.body) == ("identity", image)


def test_compression_can_be_turned_off(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "content")
    folder.article("long.md", "https://x.example/long", title="A long title " * 90)
    with serving(tmp_path, folder.root, "--no-compression") as (base, _):
        answer = ask(base, MEDIUM, accept_encoding="gzip, identity;q=0")
    assert (answer.coding, len(answer.body) > MIN_BYTES) == ("identity", True)
