"""`gqlnews ingest --watch` on a site: its configuration changes, and articles appear and expire."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ingest.folder import Folder, text_of
from tests.ingest.watch_process import command, running, until

HUGO = 'baseURL = "https://example.org/"\n'


@pytest.fixture
def site(tmp_path: Path) -> Folder:
    site = Folder(tmp_path / "site")
    site.write("hugo.toml", HUGO)
    site.write("content/post/a.md", text_of({"title": "A", "date": "2021-04-15"}))
    return site


def urls(database: Path) -> list[str]:
    """Return the URLs of the published articles; none if the store is not there yet."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            return [url for (url,) in db.execute("SELECT url FROM article WHERE published = 1 ORDER BY url")]
    except sqlite3.OperationalError:
        return []


def expect(database: Path, *expected: str) -> Callable[[], bool]:
    return lambda: urls(database) == list(expected)


@pytest.mark.parametrize("given", ["", "content/post"])
def test_a_change_of_the_configuration_is_followed(site: Folder, database: Path, given: str) -> None:
    """It may be in the folder, or above it."""
    with running(command(Folder(site.root / given), database), database.parent):
        until(expect(database, "https://example.org/post/a/"), "nothing was ingested")
        site.write("hugo.toml", HUGO + "[permalinks]\npost = '/:year/:filename/'\n")
        until(expect(database, "https://example.org/2021/a/"), "the address did not change")
        site.remove("hugo.toml")
        site.write("zola.toml", "base_url = 'https://zola.org'\n")
        until(expect(database, "https://zola.org/post/a/"), "the site did not change")


@pytest.mark.parametrize("arguments", [[], ["--force-polling"]])
def test_an_article_appears_and_expires_while_no_file_changes(
    site: Folder, database: Path, arguments: list[str]
) -> None:
    appears = datetime.now(UTC) + timedelta(seconds=4)
    site.write("content/post/b.md", text_of({"title": "B", "date": appears.isoformat()}))
    keys = {"title": "C", "date": "2021-04-15", "expiryDate": appears.isoformat()}
    site.write("content/post/c.md", text_of(keys))
    with running(command(site, database, *arguments), database.parent):
        until(
            expect(database, "https://example.org/post/a/", "https://example.org/post/b/"), "it is not served"
        )
    assert datetime.now(UTC) >= appears
