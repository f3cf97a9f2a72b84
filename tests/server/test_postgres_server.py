"""`gqlnews serve --db postgresql://…`: requests, published changes, limits, faults."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.postgresql import Cluster, running_cluster
from tests.product import run_ingest
from tests.server.postgres_support import ask, code_of, execute, locked, publish_number, serving_url
from tests.server.support import DEADLINE, environment, run_here, running, write_articles

TIMEOUT = 2.0  # seconds; a statement is stopped after 2.25
TITLE = '{ article(slug: "published") { title } site { version } }'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("news")
    run_ingest(write_articles(folder / "content"), folder / "news.db")
    return folder / "news.db"


@pytest.fixture(scope="module")
def url(postgresql: Cluster, store: Path) -> str:
    return postgresql.copy_of(store)


@pytest.fixture(scope="module")
def endpoint(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    env = {"GQLNEWS_MAX_RESPONSE_MB": "1", "GQLNEWS_QUERY_TIMEOUT": "3"}
    with serving_url(tmp_path_factory.mktemp("home"), url, "--metrics", env=env) as (endpoint, _):
        yield endpoint


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def title_of(response: httpx2.Response) -> str:
    title: str = response.json()["data"]["article"]["title"]
    return title


def test_a_published_change_is_served_with_a_new_etag(url: str, endpoint: str) -> None:
    publish_number(url, 100)
    parameters = {"query": TITLE}
    until(lambda: title_of(httpx2.get(endpoint, params=parameters)) == "Title 100")
    first = httpx2.get(endpoint, params=parameters)
    cached = httpx2.get(endpoint, params=parameters, headers={"if-none-match": first.headers["etag"]})
    assert cached.status_code == 304
    publish_number(url, 101)
    until(lambda: title_of(httpx2.get(endpoint, params=parameters)) == "Title 101")
    second = httpx2.get(endpoint, params=parameters, headers={"if-none-match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.headers["etag"] != first.headers["etag"]
    assert second.json()["data"]["site"]["version"].endswith("-101")


def test_each_answer_is_of_the_version_that_it_names(url: str, endpoint: str) -> None:
    """Also if some of its root fields are cached."""
    last = 0
    for number in range(200, 208):
        publish_number(url, number)
        for query in (TITLE, '{ site { version } article(slug: "published") { title } topics { name } }'):
            data = ask(endpoint, query).json()["data"]
            version = int(data["site"]["version"].rpartition("-")[2])
            assert data["article"]["title"] in {f"Title {version}", "Published"}
            assert version >= last
            last = version


def test_a_since_that_is_ahead_is_behind(url: str, endpoint: str) -> None:
    version = ask(endpoint, "{ site { version } }").json()["data"]["site"]["version"]
    epoch, _, number = version.rpartition("-")
    feed = '{{ changes(since: "{}-{}") {{ version }} }}'
    response = ask(endpoint, feed.format(epoch, int(number) + 5))
    assert (response.status_code, code_of(response)) == (503, "BEHIND")
    assert response.headers["retry-after"] == "1"
    far_ahead = ask(endpoint, feed.format(epoch, int(number) + (1 << 20)))
    assert (far_ahead.status_code, code_of(far_ahead)) == (400, "BAD_VERSION")
    assert code_of(ask(endpoint, feed.format("abc0", 1))) == "VERSION_TOO_OLD"
    assert ask(endpoint, feed.format(epoch, number)).status_code == 200


def test_metrics_show_connections_and_lag(endpoint: str) -> None:
    ask(endpoint, TITLE)
    text = httpx2.get(endpoint.replace("/graphql", "/metrics")).text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values['gqlnews_database_connections{state="idle"}']) >= 1
    assert float(values["gqlnews_database_waiting"]) == 0
    assert float(values["gqlnews_database_standby"]) == 0
    assert float(values["gqlnews_database_replication_lag_seconds"]) == 0
    assert float(values["gqlnews_database_version_age_seconds"]) < DEADLINE
    assert float(values["gqlnews_database_ingester"]) == 0


def test_the_statement_of_a_client_that_leaves_is_cancelled(url: str, endpoint: str) -> None:
    """A lock makes its statement take long."""
    blocked = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database() AND application_name = 'gqlnews serve'"
    )
    address = urlsplit(endpoint)
    with locked(url, "article") as run:
        connection = HTTPConnection(address.hostname or "", address.port)
        body = json.dumps({"query": "{ articles(first: 3) { nodes { title } } }"})
        connection.request("POST", "/graphql", body, {"content-type": "application/json"})
        until(lambda: run(blocked) == 1)
        started = time.monotonic()
        connection.close()
        until(lambda: run(blocked) == 0)
        assert time.monotonic() < started + TIMEOUT  # after which the statement would end by itself
    assert ask(endpoint, TITLE).status_code == 200


def test_a_statement_is_stopped_at_its_timeout(url: str, endpoint: str) -> None:
    with locked(url, "article"):
        response = ask(endpoint, "{ articles(first: 4) { nodes { title } } }")
    assert (response.status_code, code_of(response)) == (400, "TIMED_OUT")


def test_a_response_over_the_size_limit_is_rejected(url: str, endpoint: str) -> None:
    execute(url, "UPDATE article SET excerpt = repeat('x', 2000000) WHERE slug = 'published'")
    try:
        response = ask(endpoint, '{ article(slug: "published") { excerpt } }')
        assert (response.status_code, code_of(response)) == (400, "ANSWER_TOO_LARGE")
    finally:
        execute(url, "UPDATE article SET excerpt = 'A body.' WHERE slug = 'published'")


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\ud800"])
def test_text_that_postgresql_cannot_store_is_no_error(endpoint: str, text: str) -> None:
    for query in (
        f'{{ article(slug: "{text}") {{ title }} }}',
        f'{{ articles(where: {{title: {{contains: "{text}"}}}}) {{ totalCount }} }}',
        f'{{ articles(where: {{topic: {{in: ["{text}", "AI"]}}}}) {{ totalCount }} }}',
        f'{{ search(query: "{text}") {{ totalCount }} }}',
    ):
        response = ask(endpoint, query)
        assert response.status_code in {200, 400}
        assert "INTERNAL_ERROR" not in response.text


def test_a_connection_that_is_terminated_is_replaced(url: str, endpoint: str) -> None:
    terminate = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'gqlnews serve' AND pid <> pg_backend_pid()"
    )
    for number in range(300, 305):
        publish_number(url, number)
        assert execute(url, terminate) >= 1
        response = ask(endpoint, f"{TITLE[:-1]} n{number}: __typename }}")
        assert (response.status_code, "errors" in response.json()) == (200, False)


def test_deferred_fragments_are_delivered(endpoint: str) -> None:
    query = "{ site { version } ... @defer { articles { nodes { slug } } } }"
    response = ask(endpoint, query, accept="multipart/mixed")
    assert "published" in response.text
    assert "errors" not in response.text


def test_a_restart_of_the_database_is_survived(store: Path, tmp_path: Path) -> None:
    with running_cluster() as cluster:
        server = cluster.process
        if server is None:
            pytest.skip("the given cluster cannot be restarted")
        url = cluster.copy_of(store)
        with serving_url(tmp_path, url) as (endpoint, _):
            ready = endpoint.replace("/graphql", "/health/ready")
            assert httpx2.get(ready).status_code == 200
            cached = ask(endpoint, TITLE).json()
            server.stop()
            response = ask(endpoint, "{ topics { name } }")
            assert (response.status_code, code_of(response)) == (503, "UNAVAILABLE")
            assert response.headers["retry-after"] == "1"
            until(lambda: httpx2.get(ready).status_code == 503)
            assert ask(endpoint, TITLE).json() == cached
            server.start()
            until(lambda: httpx2.get(ready).status_code == 200)
            assert ask(endpoint, "{ topics { name } }").status_code == 200


def test_several_workers_and_the_ready_file(url: str, tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with serving_url(tmp_path, url, "--workers", "2", "--ready-file", str(file)) as (endpoint, run):
        assert ask(endpoint, TITLE).status_code == 200
        ready = json.loads(file.read_text())
        assert (ready["folder"], ready["articles"], ready["errors"]) == (None, 1, 1)
        assert [problem["path"] for problem in ready["problems"]] == ["broken.md"]
        run.wait_for("database  postgresql://")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: url.replace("gqlnews_test", "nothing"), "does not exist"),
        (lambda url: "postgresql://postgres@127.0.0.1:1/news", "cannot be reached"),
        (lambda url: "postgresql://nobody@" + url.partition("@")[2], "rejects the login"),
    ],
)
def test_a_database_that_cannot_be_read_is_one_line(
    url: str, change: Callable[[str], str], reason: str, tmp_path: Path
) -> None:
    unset = {"GQLNEWS_WATCH": "", "GQLNEWS_INGEST_WORKERS": ""}  # a warning names those that are ignored
    done = run_here(tmp_path, "serve", "--db", change(url), "--port", "0", **unset)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_password_is_not_shown(postgresql: Cluster, tmp_path: Path) -> None:
    url = "postgresql://writer:s3cret-word@127.0.0.1:1/news"
    refused = run_here(tmp_path, "serve", "--db", url)
    assert refused.returncode == 2
    done = run_here(tmp_path, "serve", "--port", "0", GQLNEWS_DB=url)
    shown = run_here(tmp_path, "config", GQLNEWS_DB=url)
    assert (done.returncode, shown.returncode) == (2, 0)
    assert "postgresql://writer@127.0.0.1:1/news" in shown.stdout
    for output in (refused, done, shown):
        assert "s3cret" not in output.stdout + output.stderr


def test_a_database_without_a_store_is_named(postgresql: Cluster, tmp_path: Path) -> None:
    url = postgresql.create_database()
    done = run_here(tmp_path, "serve", "--db", url, "--port", "0")
    assert done.returncode == 2
    assert "has no store of this version of gqlnews: run `gqlnews ingest" in done.stderr
    postgresql.execute("CREATE SCHEMA gqlnews_999_1", url)
    newer = run_here(tmp_path, "serve", "--db", url, "--port", "0")
    assert newer.returncode == 2
    assert "only the store of a newer gqlnews (gqlnews_999_1)" in newer.stderr


def test_without_a_url_the_folder_is_required(tmp_path: Path) -> None:
    done = run_here(tmp_path, "serve", "--db", str(tmp_path / "news.db"))
    assert done.returncode == 2
    assert done.stderr == "gqlnews: FOLDER is missing: pass it, or set GQLNEWS_FOLDER\n"


WITHOUT_DRIVER = """
import sys
sys.modules["asyncpg"] = None
from importlib import util
find = util.find_spec
util.find_spec = lambda name, package=None: None if name == "asyncpg" else find(name, package)
from gqlnews.cli.app import main
main(sys.argv[1:])
"""


def test_without_the_driver_the_extra_is_named(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", WITHOUT_DRIVER, "serve", "--db", "postgresql:///news"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 2
    assert 'pip install "gqlnews[postgres]"' in done.stderr


def test_a_server_over_sqlite_imports_nothing_of_postgresql(store: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gqlnews.app import build_app;"
        " import gqlnews.cli.serve, gqlnews.cli.worker, gqlnews.cli.show_config;"
        " from gqlnews.config.settings import ServerSettings; from starlette.testclient import TestClient\n"
        "with TestClient(build_app(ServerSettings(Path(sys.argv[1])))) as client:\n"
        "    assert client.post('/graphql', json={'query': '{ site { version } }'}).status_code == 200\n"
        "print(sorted(name for name in sys.modules if 'asyncpg' in name or 'postgresql' in name))"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, store], capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert done.stdout == "[]\n"


def test_a_folder_is_ingested_and_served_in_one_process_group(postgresql: Cluster, tmp_path: Path) -> None:
    url, folder = postgresql.create_database(), write_articles(tmp_path / "content")
    command = [sys.executable, "-m", "gqlnews", "serve", str(folder), "--db", url, "--port", "0"]
    with running(command, environment(tmp_path, {"GQLNEWS_WATCH": "1"})) as run:
        endpoint = run.wait_for(r"http://[^\s\"]+/graphql")
        assert title_of(ask(endpoint, TITLE)) == "Published"
        file = folder / "published.md"
        file.write_text(file.read_text().replace("title: Published", "title: Changed"))
        until(lambda: title_of(ask(endpoint, TITLE)) == "Changed")
    postgresql.drop_database(url)
