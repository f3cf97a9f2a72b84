"""What the fixtures return, both variants: a server in another process, and the application in this one."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gqlnews.errors import FileRejectedError, NotServedError, QueryFailedError
from gqlnews.testing import NewsClient, ServerFactory

TITLES = "query Titles($first: Int) { articles(first: $first) { nodes { title } } }"
CHANGES = "subscription { articleChanged { kind slug } }"


@pytest.fixture(params=["gqlnews", "gqlnews_in_process"])
def news(request: pytest.FixtureRequest) -> NewsClient:
    client: NewsClient = request.getfixturevalue(request.param)
    return client


def titles(news: NewsClient, **options: Any) -> list[str]:
    return [article["title"] for article in news.query(TITLES, **options)["articles"]["nodes"]]


# Files.


def test_what_is_written_and_removed_is_served(news: NewsClient) -> None:
    news.write("a.md", title="Old")
    news.write("b/c.md", title="Other", publishedDateTime="2023-01-01")
    news.wait_until_served()
    assert titles(news) == ["Old", "Other"]
    news.write("a.md", title="New")  # of the same size
    news.remove("b")
    assert news.wait_until_served() == ()
    assert titles(news) == ["New"]


def test_files_of_the_test_itself_are_served(news: NewsClient) -> None:
    (news.folder / "a.md").write_text("---\ntitle: A\ndate: 2024-01-01\n---\n")
    news.wait_until_served()
    assert titles(news) == ["A"]


def test_a_configuration_applies_at_once(news: NewsClient) -> None:
    news.write_text("gqlnews.toml", '[fields.sponsor]\ntype = "String"\n')
    news.write("a.md", sponsor="Acme")
    news.wait_until_served()
    assert news.query("{ articles { nodes { sponsor } } }") == {"articles": {"nodes": [{"sponsor": "Acme"}]}}


def test_rejected_files_are_an_error_that_shows_their_problems(news: NewsClient) -> None:
    news.write("a.md")
    news.write("bad.md", publishedDateTime="yesterday")
    news.write_text("worse.md", "---\ntitle: [\n---\n")
    with pytest.raises(FileRejectedError) as error:
        news.wait_until_served()
    message = str(error.value)
    assert message.startswith("2 files are not served because of errors:\n  bad.md:3:20: error bad-date: ")
    assert "\n  worse.md:" in message
    assert message.endswith("use wait_until_served(allow_rejected=True) if the test is about them.")
    problems = news.wait_until_served(allow_rejected=True)
    assert error.value.problems == problems
    assert [problem.path for problem in problems] == ["bad.md", "worse.md"]
    assert titles(news) == ["A"]
    news.write("bad.md")
    news.remove("worse.md")
    news.wait_until_served()


def test_a_folder_that_is_gone_is_an_error(news: NewsClient) -> None:
    shutil.rmtree(news.folder)
    with pytest.raises(NotServedError, match=r"the content is not served: There is no folder"):
        news.wait_until_served()


# Operations.


def test_variables_token_and_operation_name_are_sent(news: NewsClient) -> None:
    news.write("a.md", published=False)
    news.write("b.md", published=False)
    news.wait_until_served()
    assert titles(news) == []
    assert len(titles(news, token=news.token)) == 2
    assert len(titles(news, token=news.token, variables={"first": 1})) == 1
    two = f"{TITLES} query Count {{ site {{ articleCount }} }}"
    assert news.query(two, operation_name="Count") == {"site": {"articleCount": 0}}


@pytest.mark.anyio
async def test_a_query_does_not_block_the_event_loop(news: NewsClient) -> None:
    assert await news.query_async("{ site { articleCount } }") == {"site": {"articleCount": 0}}


def test_errors_of_an_operation_are_raised(news: NewsClient) -> None:
    with pytest.raises(QueryFailedError) as error:
        news.query("{ articles { total } }")
    assert str(error.value) == (
        "1 error in the response (HTTP 200):\n"
        "  GRAPHQL_VALIDATION_FAILED at 1:14: Cannot query field 'total' on type 'ArticleConnection'."
    )
    assert error.value.response.errors[0]["locations"] == [{"line": 1, "column": 14}]  # type: ignore[attr-defined]


def test_the_whole_response_is_accessible(news: NewsClient) -> None:
    response = news.execute("{ site { articleCount } }", headers={"x-request-id": "of-a-test"})
    assert (response.status, response.errors, response.extensions) == (200, [], {})
    assert response.headers["x-request-id"] == "of-a-test"
    assert response.body == {"data": response.data} == {"data": {"site": {"articleCount": 0}}}
    assert news.execute("{").status == 200
    assert news.execute("{ x }", token="wrong").status == 401  # noqa: S106 - opens nothing
    assert news.client.get("/health/ready").json() == {"status": "ready"}


# Subscriptions.


def test_events_arrive_in_order(news: NewsClient) -> None:
    with news.subscribe(CHANGES) as events:
        for path in ("a.md", "b.md"):
            news.write(path)
            news.wait_until_served()
        news.remove("a.md")
        news.wait_until_served()
        changes = [next(events)["articleChanged"] for _ in range(3)]
    assert [(change["kind"], change["slug"]) for change in changes] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
        ("REMOVED", "a"),
    ]


def test_earlier_events_and_those_of_editors_arrive(news: NewsClient) -> None:
    version = news.query("{ site { version } }", token=news.token)["site"]["version"]
    news.write("a.md", published=False)
    news.wait_until_served()
    query = "subscription ($since: String) { articleChanged(since: $since) { slug } }"
    with news.subscribe(query, {"since": version}, token=news.token) as events:
        assert next(events) == {"articleChanged": {"slug": "a"}}


def test_a_subscription_without_events_ends_after_its_timeout(news: NewsClient) -> None:
    with news.subscribe(CHANGES, timeout=0.1) as events:
        with pytest.raises(TimeoutError, match=r"no event of the subscription within 0\.1 s"):
            next(iter(events))


def test_a_subscription_that_is_invalid_is_an_error(news: NewsClient) -> None:
    with news.subscribe("subscription { articleChanged { none } }") as events:
        with pytest.raises(QueryFailedError, match=r"1 error in the response \(the subscription\)"):
            next(events)


def test_a_query_over_a_socket_ends(news: NewsClient) -> None:
    with news.subscribe("{ site { articleCount } }") as events:
        assert list(events) == [{"site": {"articleCount": 0}}]


# Folders and settings.


@pytest.mark.parametrize("variant", ["serve", "in_process"])
def test_a_copy_of_a_folder_may_be_written(
    tmp_path: Path, gqlnews_factory: ServerFactory, variant: str
) -> None:
    """Files that are rejected at the start are no error, as the test did not write them."""
    (tmp_path / "a.md").write_text("---\ntitle: A\ndate: 2024-01-01\n---\n")
    (tmp_path / "bad.md").write_text("---\ntitle: [\n---\n")
    news: NewsClient = getattr(gqlnews_factory, variant)(tmp_path, copy=True, provider="Example <e.example>")
    news.write("b.md")
    news.wait_until_served()
    assert sorted(titles(news)) == ["A", "B"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md", "bad.md"]
    news.write_text("bad.md", "---\ntitle: {\n---\n")
    with pytest.raises(FileRejectedError, match=r"1 file is not served"):
        news.wait_until_served()
    news.close()
