"""The history of changes is the same on PostgreSQL as in the SQLite store that it is made of."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gqlnews.cli.changes import to_line
from gqlnews.config.values import PostgresUrl
from gqlnews.database import change_history
from gqlnews.database.change_history import ChangeHistory, RecordedChange
from gqlnews.database.postgresql import history_source
from gqlnews.database.postgresql.history_source import PostgresHistory
from gqlnews.database.sqlite.history_source import SqliteHistory
from gqlnews.database.state_fields import known_fields
from gqlnews.errors import Code, DatabaseError, SettingsError, UnknownDatabaseError, VersionError
from gqlnews.ingest import change_log
from tests.database.sqlite.test_change_history import CONFIG, CUSTOM, ingest_all, read_on
from tests.ingest.folder import Folder
from tests.postgresql import Cluster
from tests.published import PublishedStore
from tests.subscriptions.test_before_images import BARE, FULL

NAMES = tuple(known_fields(()))
TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Content:
    """A content folder with its SQLite store, and a database to which each ingest is published."""

    def __init__(self, root: Path, url: str) -> None:
        self.folder, self.store = Folder(root / "content"), root / "news.db"
        self.folder.article("a.md", **FULL)
        self.folder.article("b.md", url="https://example.com/b")
        ingest_all(self.store, self.folder)
        self.published = PublishedStore(self.store, url)

    def ingest(self) -> None:
        ingest_all(self.store, self.folder)
        self.published.publish()

    def open(self, scope: int = 0, names: tuple[str, ...] = NAMES, since: str | None = None) -> ChangeHistory:
        return ChangeHistory(PostgresHistory(self.published.url), scope, names, since)

    def read(
        self, scope: int = 0, names: tuple[str, ...] = NAMES, since: str | None = None
    ) -> list[RecordedChange]:
        with closing(self.open(scope, names, since)) as history:
            return read_on(history)

    def read_stored(
        self, scope: int = 0, names: tuple[str, ...] = NAMES, since: str | None = None
    ) -> list[RecordedChange]:
        with closing(ChangeHistory(SqliteHistory(self.store), scope, names, since)) as history:
            return read_on(history)


@pytest.fixture
def content(postgresql: Cluster, tmp_path: Path) -> Iterator[Content]:
    content = Content(tmp_path, postgresql.create_database())
    yield content
    content.published.close()


@pytest.mark.parametrize("page_size", [1, 200])
def test_both_histories_have_the_same_changes(content: Content, page_size: int) -> None:
    """From each version on, in both scopes, and followed."""
    with patch.object(change_history, "PAGE_SIZE", page_size):
        followers = [content.open(scope) for scope in (0, 1)]
        followed = [read_on(follower) for follower in followers]
        for keys in (BARE, None, FULL, BARE, FULL):
            if keys is None:
                content.folder.remove("a.md")
            else:
                content.folder.article("a.md", **keys)
            content.folder.article("b.md", url="https://example.com/b", **(keys or {}))
            content.ingest()
            for scope, follower in enumerate(followers):
                followed[scope] += read_on(follower)
        for scope, follower in enumerate(followers):
            follower.close()
            assert content.read(scope) == content.read_stored(scope)
            versions = {change.version for change in followed[scope]}
            assert len(versions) > 8
            for version in versions:
                changes = content.read(scope, since=version)
                assert changes == content.read_stored(scope, since=version)
                if not version.endswith("-0"):
                    number = int(version.rpartition("-")[2])
                    after = [one for one in followed[scope] if int(one.version.rpartition("-")[2]) > number]
                    assert changes == after


def test_custom_fields_have_the_same_values(content: Content) -> None:
    content.folder.write("gqlnews.toml", CONFIG)
    values: dict[str, Any] = {"sponsor": "S\nT", "labels": ["x\ny", "\\n"], "ratio": 1.5, "checked": False}
    more: dict[str, Any] = {"day": "2021-04-15", "instant": "2021-04-15T13:00:00.50Z", "numbers": [3, 1]}
    content.folder.article("a.md", **values, **more)
    content.ingest()
    content.folder.article("a.md", ratio=2)
    content.ingest()
    names = ("slug", *CUSTOM)
    first = content.read(names=names)[-1].version
    epoch = first.rpartition("-")[0]
    for since in (None, f"{epoch}-2"):
        lines, stored = (
            [to_line(change, names) for change in read(names=names, since=since)]
            for read in (content.read, content.read_stored)
        )
        assert lines == stored
    with pytest.raises(SettingsError, match=r"'internal' is not a field .* PostgreSQL database postgres"):
        content.read(names=("internal",))


UNKNOWN = [
    ("x", Code.BAD_VERSION, "'x' is not a version"),
    ("{epoch}-9999999", Code.BAD_VERSION, "is not a known one of PostgreSQL database"),
    ("{epoch}-3", Code.BEHIND, "behind the version"),
    ("abc0-1", Code.VERSION_TOO_OLD, "rebuilt or replaced"),
    ("{other}-1", Code.VERSION_TOO_OLD, "--unpublished"),
]


def test_a_version_from_which_no_history_is_known_is_an_error(content: Content) -> None:
    epoch, other = (content.read(scope, ())[-1].version.rpartition("-")[0] for scope in (0, 1))
    for since, code, message in UNKNOWN:
        with pytest.raises(VersionError, match=message) as raised:
            content.read(since=since.format(epoch=epoch, other=other))
        assert raised.value.code == code


def test_a_reader_that_falls_behind_gets_an_error(content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_log, "MAX_BEFORE_IMAGES", 1)
    with closing(content.open()) as history:
        read_on(history)
        for title in ("one", "two", "three"):
            content.folder.article("a.md", title=title)
            content.ingest()
        with pytest.raises(VersionError, match="older than the history"):
            history.read_page()


def test_another_store_ends_the_history(content: Content) -> None:
    with closing(content.open()) as history:
        read_on(history)
        other = content.store.with_name("other.db")
        ingest_all(other, content.folder)
        content.published.load(other)
        with pytest.raises(VersionError, match="rebuilt or replaced"):
            history.read_page()


def test_a_lost_connection_is_replaced(content: Content) -> None:
    with closing(content.open(names=("title",))) as history:
        read_on(history)
        content.folder.article("a.md", title="new")
        content.ingest()
        content.published.execute(TERMINATE)
        (change,) = read_on(history)
        assert change.after == {"title": "new"}


def test_a_database_that_cannot_be_reached_ends_the_history(
    content: Content, postgresql: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_source, "RECONNECT_SECONDS", 0.0)
    with closing(content.open(names=("title",))) as history:
        read_on(history)
        name = content.published.url.url.rpartition("/")[2].partition("?")[0]
        postgresql.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        content.published.execute(TERMINATE)
        with pytest.raises(DatabaseError, match="PostgreSQL database"):
            history.read_page()


def test_a_database_without_a_store_is_an_error(postgresql: Cluster) -> None:
    url = PostgresUrl(postgresql.create_database())
    with pytest.raises(UnknownDatabaseError, match="gqlnews ingest"):
        ChangeHistory(PostgresHistory(url), 0, (), None)
