"""The response cache, and the cache headers of GET."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from gqlnews.app import build_app
from gqlnews.config.settings import HttpSettings, ServerSettings
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from gqlnews.query.entities import Audience
from gqlnews.server.response_cache import CacheKey
from tests.ingest.watch_process import until
from tests.server.support import TOKEN, TOKEN_HASH, write_articles

EDITOR = {"authorization": f"Bearer {TOKEN}"}
TITLES = "{ articles { nodes { title } } }"
ARTICLE = "---\ntitle: {title}\npublishedDateTime: 2021-04-16\nwebUrl: https://example.com/new\n{more}---\n"


class Site:
    """A folder, its database, and a server over it."""

    def __init__(self, folder: Path, settings: ServerSettings) -> None:
        self.folder, self.database = folder, settings.database
        self.ingest()
        self.client = TestClient(build_app(settings))

    def ingest(self) -> None:
        with closing(open_writer(self.database)) as db:
            ingest(db, self.folder, ParseOptions(), processes=1)

    def write(self, title: str, more: str = "") -> None:
        (self.folder / "new.md").write_text(ARTICLE.format(title=title, more=more), "utf-8")
        self.ingest()

    def post(self, query: str = TITLES, **headers: str) -> Any:
        return self.client.post("/graphql", json={"query": query}, headers=headers)

    def get(self, query: str = TITLES, **headers: str) -> Any:
        return self.client.get("/graphql", params={"query": query}, headers={"accept": "*/*"} | headers)


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(tmp_path / "news.db", editor_tokens=(bytes.fromhex(TOKEN_HASH),))


@pytest.fixture
def make(tmp_path: Path, settings: ServerSettings) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(**changes: Any) -> Site:
        site = Site(write_articles(tmp_path / "content"), replace(settings, **changes))
        site.client.__enter__()
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.client.__exit__(None, None, None)


@pytest.fixture
def site(make: Callable[..., Site]) -> Site:
    return make()


@pytest.fixture
def cached(caplog: pytest.LogCaptureFixture) -> Callable[[], list[bool]]:
    """Return a function that says for each request since its last call whether it was a cache hit."""
    caplog.set_level(logging.INFO, "gqlnews")

    def since() -> list[bool]:
        hits = [record.__dict__["fields"]["cached"] for record in caplog.records]
        caplog.clear()
        return hits

    return since


def headers_without_request_id(answer: Any) -> dict[str, str]:
    """Return the headers, without the request id."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def titles(answer: Any) -> list[str]:
    return [node["title"] for node in answer.json()["data"]["articles"]["nodes"]]


def test_the_second_response_is_the_cached_first_one(site: Site, cached: Callable[[], list[bool]]) -> None:
    first, second = site.post(), site.post()
    assert cached() == [False, True]
    assert first.content == second.content
    assert headers_without_request_id(first) == headers_without_request_id(second)


def test_different_requests_have_different_responses(site: Site, cached: Callable[[], list[bool]]) -> None:
    responses = [
        site.post(),
        site.post(TITLES + " "),
        site.post(**EDITOR),
        site.get(),
        site.client.post("/graphql", json={"query": TITLES, "variables": {"a": 1}}),
    ]
    assert cached() == [False] * 5
    assert [titles(response) for response in responses] == [
        ["Published"], ["Published"], ["Published", "Unpublished"], ["Published"], ["Published"],
    ]  # fmt: skip


def test_a_change_shows_in_the_next_response(site: Site, cached: Callable[[], list[bool]]) -> None:
    for number in range(5):
        site.write(f"New {number}")
        assert titles(site.post()) == [f"New {number}", "Published"]
        assert titles(site.post()) == [f"New {number}", "Published"]
        assert cached() == [False, True]


def test_invisible_changes_do_not_change_the_public_version(
    site: Site, cached: Callable[[], list[bool]]
) -> None:
    tags = [site.get().headers["etag"], site.get(**EDITOR).headers["etag"]]
    cached()
    site.write("Hidden", more="published: false\n")
    again = [site.get().headers["etag"], site.get(**EDITOR).headers["etag"]]
    assert cached() == [True, False]
    assert (again[0], again[1] == tags[1]) == (tags[0], False)


def test_an_older_copy_of_the_database_revives_no_cached_response(make: Callable[..., Site]) -> None:
    """The copy reaches the same version number as before, with other content."""
    for cache_bytes in (0, 1 << 20):
        site = make(response_cache_bytes=cache_bytes)
        copy = site.database.with_name("copy.db")
        with closing(sqlite3.connect(site.database)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        site.write("One")
        before = site.get()
        assert titles(before) == ["One", "Published"]
        for name in ("news.db-wal", "news.db-shm"):
            site.database.with_name(name).unlink(missing_ok=True)
        copy.replace(site.database)
        site.write("Two")
        after = _wait_for(site, TITLES, '"Two"')
        assert titles(after) == ["Two", "Published"]
        assert after.headers["etag"] == before.headers["etag"]
        (site.folder / "new.md").unlink()
        site.ingest()


CLOCK = [
    '{ articles(where: {publishedDateTime: {withinLast: "P20000D"}}) { totalCount } }',
    '{ articles { nodes { referencedBy(where: {publishedDateTime: {withinLast: "P2D"}}) { totalCount } } } }',
    '{ search(query: "a", where: {publishedDateTime: {withinLast: "P2D"}}) { totalCount } }',
    "{ trending { totalCount } }",
    '{ articles(where: {not: {or: [{publishedDateTime: {withinLast: "P2D"}}]}}) { totalCount } }',
]
REFUSED = [
    "{ nothing }",
    "{",
    "{ articles(first: -1) { totalCount } }",
    'query ($s: String = "x") { article(slug: $s) { slug } }',
    '{ changes(since: "000000000000-9") { version } }',
]


@pytest.mark.parametrize("query", CLOCK)
def test_clock_dependent_responses_are_not_cached(
    site: Site, cached: Callable[[], list[bool]], query: str
) -> None:
    assert "errors" not in site.get(query).json()
    response = site.get(query)
    assert cached() == [False, False]
    assert "etag" not in response.headers
    assert response.headers["cache-control"] == "no-store"


def test_a_prepared_request_is_cached_unless_it_reads_the_clock(site: Site) -> None:
    app_state = site.client.app.state.app_state  # type: ignore[attr-defined]
    for query, cached in [(TITLES, True), (CLOCK[0], False), (CLOCK[3], False)]:
        request = CacheKey(orjson.dumps({"query": query}), False, Audience.PUBLIC, app_state.engine.schema_id)
        for _ in range(2):
            site.client.post("/graphql", content=request.text, headers={"content-type": "application/json"})
        found = app_state.engine.cache.get_request(request)
        assert (found is not None) is cached
        assert found is app_state.engine.cache.get_request(request)


def test_trending_as_of_an_instant_reads_no_clock(site: Site, cached: Callable[[], list[bool]]) -> None:
    query = '{ trending(asOf: "2022-01-01") { totalCount } }'
    assert [site.get(query).json(), site.get(query).json()] == [{"data": {"trending": {"totalCount": 1}}}] * 2
    assert cached() == [False, True]


@pytest.mark.parametrize("query", REFUSED)
def test_an_error_is_never_cached(site: Site, cached: Callable[[], list[bool]], query: str) -> None:
    sent = {"query": query, "variables": '{"s": null}'}
    for _ in range(2):
        response = site.client.get("/graphql", params=sent)
        assert response.json()["errors"]
        assert "etag" not in response.headers
        assert response.headers["cache-control"] == "no-store"
    assert cached() == [False, False]


@pytest.mark.parametrize("cache_bytes", [0, 1 << 20])
def test_a_matching_etag_gets_304(make: Callable[..., Site], cache_bytes: int) -> None:
    site = make(response_cache_bytes=cache_bytes)
    first = site.get()
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        response = site.get(**{"if-none-match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
        assert response.headers["vary"] == first.headers["vary"]
        assert response.headers["cache-control"] == first.headers["cache-control"]
    site.write("New")
    response = site.get(**{"if-none-match": tag})
    assert (response.status_code, titles(response)) == (200, ["New", "Published"])


@pytest.mark.parametrize(("headers", "status"), [({}, 400), ({"authorization": "Bearer nobody"}, 401)])
def test_http_errors_are_not_cacheable(site: Site, headers: dict[str, str], status: int) -> None:
    response = site.get("", **headers)
    assert (response.status_code, response.headers["cache-control"]) == (status, "no-store")


def test_a_star_matches_no_etag(site: Site) -> None:
    """A request that has not run may be an error, so the client cannot have its response."""
    assert site.get(**{"if-none-match": "*"}).status_code == 200


def test_an_etag_depends_on_representation_and_audience(site: Site) -> None:
    tags = {
        site.get().headers["etag"],
        site.get(accept="application/graphql-response+json").headers["etag"],
        site.get(**EDITOR).headers["etag"],
        site.get("{ topics { slug } }").headers["etag"],
    }
    assert len(tags) == 4
    assert site.get(**{"if-none-match": '"none of these"'}).status_code == 200


def test_a_post_never_gets_304(site: Site) -> None:
    tag = site.get().headers["etag"]
    response = site.post(**{"if-none-match": tag})
    assert response.status_code == 200
    assert "etag" not in response.headers


@pytest.mark.parametrize(
    ("headers", "changes", "rule"),
    [
        ({}, {}, "public, no-cache"),
        (EDITOR, {}, "private, no-store"),
        ({}, {"unpublished": True}, "private, no-store"),
    ],
)  # fmt: skip
def test_only_public_responses_are_cacheable_by_proxies(
    make: Callable[..., Site], headers: dict[str, str], changes: dict[str, Any], rule: str
) -> None:
    assert make(**changes).get(**headers).headers["cache-control"] == rule


def test_with_a_size_of_0_no_response_is_cached(
    make: Callable[..., Site], cached: Callable[[], list[bool]]
) -> None:
    for site in (make(response_cache_bytes=0), make(response_cache_bytes=500)):
        assert titles(site.post()) == titles(site.post()) == ["Published"]
        assert cached() == [False, False]


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        ('{ article(slug: "new") { sponsor } }', '"ACME"', "null"),
        ('{ __type(name: "Article") { fields { description } } }', "Open.", "Closed."),
    ],
    ids=["a value that becomes one for editors only", "introspection"],
)
def test_a_changed_field_invalidates_responses_to_the_same_content(
    site: Site, query: str, before: str, after: str
) -> None:
    config = site.folder / "gqlnews.toml"
    config.write_text('[fields.sponsor]\ndescription = "Open."\n')
    site.write("New", "sponsor: ACME\n")
    old = _wait_for(site, query, before)
    version = site.post("{ site { version } }").json()
    config.write_text('[fields.sponsor]\ndescription = "Closed."\nvisible-to = "editors"\n')
    site.ingest()
    _wait_for(site, query, after)
    assert site.post("{ site { version } }").json() == version
    assert after in site.get(query, **{"if-none-match": old.headers["etag"]}).text


def _wait_for(site: Site, query: str, text: str) -> Any:
    """Return the first response that contains the text: a server looks for changed fields twice a second."""
    until(lambda: text in site.get(query).text, f"no response contains {text}")
    return site.get(query)


MAX_AGE = "public, max-age=10, stale-while-revalidate=60"


def test_cache_control_is_for_anonymous_get_requests_that_read_no_clock(make: Callable[..., Site]) -> None:
    site = make(http=HttpSettings(cache_control=MAX_AGE))
    expected = {
        MAX_AGE: [site.get(), site.get(), site.get(**{"if-none-match": site.get().headers["etag"]})],
        "private, no-store": [site.get(**EDITOR)],
        "no-store": [site.get(CLOCK[0]), site.get(REFUSED[0])],
        "": [site.post()],
    }
    for value, responses in expected.items():
        assert {response.headers.get("cache-control", "") for response in responses} == {value}
    local = make(unpublished=True, http=HttpSettings(cache_control=MAX_AGE))
    assert local.get().headers["cache-control"] == "private, no-store"


def test_the_etag_of_a_document_by_id_changes_with_the_document(
    make: Callable[..., Site], tmp_path: Path
) -> None:
    tags = []
    for query in (TITLES, "{ articles { nodes { slug } } }", TITLES):
        manifest = tmp_path / "documents.json"
        manifest.write_bytes(orjson.dumps({"front": query}))
        site = make(http=HttpSettings(persisted_documents=(manifest,), cache_control=MAX_AGE))
        answer = site.client.get("/graphql", params={"documentId": "front"})
        assert answer.headers["cache-control"] == MAX_AGE
        tags.append(answer.headers["etag"])
    assert tags[0] == tags[2] != tags[1]
