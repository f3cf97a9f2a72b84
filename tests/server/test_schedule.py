"""What a server says about articles that will appear or expire, with and without a watcher."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

import gqlnews
from gqlnews.app import build_app
from gqlnews.cli.banner import Banner
from gqlnews.config.settings import ServerSettings
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.leader_lock import acquire_leadership
from gqlnews.database.sqlite.schedule import MAX_OVERDUE, Schedule
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from gqlnews.ingest.site_summary import FolderSummary
from tests.ingest.folder import Folder, text_of
from tests.server.support import run_cli, serving

READY = {"status": "ready"}
WAITS = {"schedule": "waits for the next ingest"}
NO_WATCHER = "no process watches the folder, so articles appear and expire only at the next ingest: run "


def in_days(days: float) -> str:
    """Return a date of the wall clock, in whole seconds."""
    return datetime.fromtimestamp(int(time.time() + days * 86_400), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def site(tmp_path: Path) -> Folder:
    site = Folder(tmp_path / "site")
    site.write("hugo.toml", 'baseURL = "https://example.org/"\n')
    site.write("content/a.md", text_of({"title": "A", "date": "2021-04-15"}))
    return site


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "news.db"


def schedule(site: Folder, *dates: str) -> None:
    for number, date in enumerate(dates):
        site.write(f"content/{number}.md", text_of({"title": "B", "date": date}))


def fill(site: Folder, store: Path, days_ago: float = 0.0) -> None:
    """Ingest the folder, as if that had been some days ago."""
    now = time.time_ns() - int(days_ago * 86_400) * 1_000_000_000
    with closing(open_writer(store)) as db:
        ingest(db, site.root, ParseOptions(), processes=1, now_ns=lambda: now)


@pytest.fixture
def client(site: Folder, store: Path) -> Iterator[TestClient]:
    """A server of a store without a watcher."""
    fill(site, store)
    with TestClient(build_app(ServerSettings(store, metrics=True)), client=("127.0.0.1", 50000)) as client:
        yield client


def test_ready_says_that_scheduled_articles_wait_for_an_ingest(
    client: TestClient, site: Folder, store: Path
) -> None:
    assert client.get("/health/ready").json() == READY
    due = in_days(1)
    schedule(site, in_days(2), due)
    fill(site, store)
    assert client.get("/health/ready").json() == {**READY, **WAITS, "nextDue": due, "overdue": 0}
    leader = acquire_leadership(store)
    assert client.get("/health/ready").json() == READY
    os.close(leader)


def test_ready_counts_what_is_overdue_and_stays_200(client: TestClient, site: Folder, store: Path) -> None:
    due = in_days(-2)
    schedule(site, in_days(-1), due, in_days(1))
    fill(site, store, days_ago=3)
    for path in ("/health/ready", "/health/ready?ingest=required"):
        response = client.get(path)
        assert (response.status_code, response.json()) == (
            200,
            {**READY, **WAITS, "nextDue": due, "overdue": 2},
        )
    fill(site, store)
    assert client.get("/health/ready").json()["overdue"] == 0


def test_very_many_overdue_articles_are_counted_up_to_a_limit(client: TestClient, store: Path) -> None:
    with closing(open_writer(store)) as db:
        db.executemany(
            "INSERT INTO source (path, slug, size, mtime_ns, ctime_ns, read_ns, due)"
            " VALUES (?, '', 0, 0, 0, 0, '2021')",
            [(str(number),) for number in range(3 * MAX_OVERDUE)],
        )
    for _ in range(3):
        assert client.get("/health/ready").json()["overdue"] == MAX_OVERDUE


def test_the_next_instant_is_a_metric(client: TestClient, site: Folder, store: Path) -> None:
    def values() -> list[float]:
        families = text_string_to_metric_families(client.get("/metrics").text)
        (family,) = [each for each in families if each.name == "gqlnews_next_due_timestamp_seconds"]
        return [sample.value for sample in family.samples]

    assert values() == []
    due = in_days(1)
    schedule(site, due)
    fill(site, store)
    assert values() == [datetime.fromisoformat(due).timestamp()]


# The start.


def test_the_start_line_says_that_articles_wait_for_an_ingest(tmp_path: Path, site: Folder) -> None:
    due = in_days(1)
    schedule(site, due)
    with serving(tmp_path, site.root) as (_, run):
        run.wait_for(f"  next due  {due}: an article appears or expires; {NO_WATCHER}")


@pytest.mark.parametrize(
    ("found", "is_watched", "line"),
    [
        (None, False, None),
        (Schedule(in_days(1), 0), True, "an article appears or expires"),
        (Schedule(in_days(-1), 3), True, "3 overdue"),
        (Schedule(in_days(-1), 3), False, f"3 overdue; {NO_WATCHER}"),
    ],
)
def test_the_start_message_has_the_schedule(
    store: Path, found: Schedule | None, is_watched: bool, line: str | None
) -> None:
    summary = FolderSummary((), 1, None)
    banner = Banner(ServerSettings(store), store.parent, "http://x", 1, None, summary, found, is_watched)
    lines = [each for each in banner.text().splitlines() if each.startswith("  next due")]
    assert [each[: 34 + len(line or "")] for each in lines] == (
        [] if found is None else [f"  next due  {found.next_due}: {line}"]
    )
    fields = banner.fields()
    assert (fields["next_due"], fields["watched"]) == (found and found.next_due, is_watched)


def test_another_asgi_server_logs_it(
    site: Folder, store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GQLNEWS_DB", str(store))
    due = in_days(1)
    schedule(site, due)
    fill(site, store)
    leader = acquire_leadership(store)
    with TestClient(gqlnews.from_environment()):
        assert caplog.messages == []
    os.close(leader)
    with TestClient(gqlnews.from_environment()):
        (message,) = caplog.messages
    assert message.startswith(f"schedule without watcher next_due={due} overdue=0 ")
    assert NO_WATCHER in message


def test_an_application_that_does_not_watch_logs_it(
    site: Folder, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    schedule(site, in_days(1))
    app = gqlnews.create_app(site.root, db=store, watch=False, ingest_workers=1)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        assert any(message.startswith("schedule without watcher") for message in caplog.messages)
        assert client.get("/health/ready").json()["overdue"] == 0


def test_ingest_prints_the_next_instant(tmp_path: Path, site: Folder, store: Path) -> None:
    due = in_days(1)
    schedule(site, due)
    lines = run_cli(tmp_path, "ingest", site.root, "--db", store).stdout.splitlines()
    assert lines[1] == f"next due {due}: an article appears or expires"


def test_the_public_does_not_see_when_a_hidden_article_appears(site: Folder, store: Path) -> None:
    schedule(site, in_days(3))
    app = gqlnews.create_app(site.root, db=store, watch=False)
    with TestClient(app, client=("8.8.8.8", 1)) as client:
        assert client.get("/health/ready").json() == {**READY, **WAITS}
