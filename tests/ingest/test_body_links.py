"""Links from a body to the files of other articles."""

import re
import sqlite3
from collections.abc import Callable

import pytest

from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import BROKEN, Folder, keys_of, text_of
from tests.ingest.model import open_careless
from tests.ingest.model import run_ingest as ingest_again

URL = "https://example.com/{}/"
LINKED = "[the other](other.md#part)"


def write(folder: Folder, path: str, body: str = "", url: str | None = None, **keys: object) -> None:
    name = path.rpartition("/")[2].partition(".")[0]
    folder.write(path, text_of(keys_of(url or URL.format(name), **keys)) + body)


def links(db: sqlite3.Connection, slug: str) -> list[str]:
    (html,) = db.execute("SELECT html FROM article WHERE slug = ?", (slug,)).fetchone()
    return re.findall('href="([^"]*)"', html)


def changes(db: sqlite3.Connection, scope: int = 0) -> dict[str, int]:
    """Slug → the number of its latest change."""
    return dict(db.execute("SELECT slug, version FROM article_change WHERE scope = ?", (scope,)))


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("other.md", URL.format("other")),
        ("./other.md", URL.format("other")),
        ("other.markdown#part", URL.format("other") + "#part"),
        ("../2021/other.mdx", URL.format("other")),
        ("/2021/other.md", URL.format("other")),
        ("2021/other.md", URL.format("other")),
        ("../top.md", URL.format("top")),
        ("sub/a%20b%C3%A9.md", "https://example.com/?a=1&amp;b=2"),
        ("one.md#self", URL.format("one") + "#self"),
        ("missing.md#x", "https://example.com/one/missing.md#x"),
        ("it's.md", "https://example.com/one/it%27s.md"),
        ("../../outside.md", "https://example.com/outside.md"),
        ("other.md?x", "https://example.com/one/other.md?x"),
        ("other.MD", "https://example.com/one/other.MD"),
        ("//example.org/other.md", "https://example.org/other.md"),
        ("https://example.org/other.md", "https://example.org/other.md"),
    ],
)
def test_a_link_to_a_file_becomes_the_url_of_its_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, written: str, url: str
) -> None:
    write(folder, "2021/one.md", f"[link]({written})")
    write(folder, "2021/other.md")
    write(folder, "top.md")
    write(folder, "2021/sub/a b\u00e9.md", url="https://example.com/?a=1&b=2")
    run_ingest()
    assert links(db, "2021/one") == [url]


@pytest.mark.parametrize(
    "shortcode",
    [
        '{{< ref "other.md" >}}',
        '{{< relref "/2021/other" >}}',
        '{{% ref "2021/other.md" %}}',
        '{{< ref path="other" >}}',
        "{% post_url other %}",
        "{% link 2021/other.md %}",
    ],
)
def test_a_shortcode_becomes_the_url_of_its_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, shortcode: str
) -> None:
    write(folder, "2021/one.md", f"[link]({shortcode})")
    write(folder, "2021/other.md")
    run_ingest()
    assert links(db, "2021/one") == [URL.format("other")]


def test_only_links_lead_to_articles(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    write(folder, "one.md", "![](other.md)\n\n`[a](other.md)`")
    write(folder, "other.md")
    run_ingest()
    assert db.execute("SELECT count(*) FROM article_link").fetchone() == (0,)
    assert links(db, "one") == []


def test_placeholders_in_a_text_are_text(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "one.md", '`href="article:one x"` [a](article:one) [b](other.md "c")')
    write(folder, "other.md")
    run_ingest()
    assert links(db, "one") == ["article:one x", URL.format("other")]


def test_links_follow_the_other_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    """The article with the link changes each time, and no third article does."""
    write(folder, "one.md", LINKED)
    write(folder, "third.md", "[one](one.md)")
    run_ingest()
    steps: list[tuple[Callable[[], None], str]] = [
        (lambda: write(folder, "other.md"), URL.format("other")),
        (lambda: write(folder, "other.md", url="/moved"), "/moved"),
        (lambda: write(folder, "other.md", url="/moved#top"), "/moved"),
        (lambda: folder.write("other.md", BROKEN), "/moved"),
        (lambda: write(folder, "other.md", published=False), "https://example.com/one/other.md"),
        (lambda: write(folder, "other.md", published=True), URL.format("other")),
        (lambda: folder.remove("other.md"), "https://example.com/one/other.md"),
    ]
    before = links(db, "one")
    third = changes(db)["third"]
    for step, url in steps:
        number = changes(db)["one"]
        step()
        run_ingest(paths=["other.md"])
        assert links(db, "one") == [f"{url}#part"]
        assert (changes(db)["one"] > number) == (links(db, "one") != before)
        before = links(db, "one")
    assert changes(db)["third"] == third


def test_the_public_does_not_see_the_url_of_an_unpublished_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "one.md", LINKED)
    write(folder, "draft.md", LINKED, published=False)
    write(folder, "other.md", published=False)
    run_ingest()
    assert links(db, "one") == ["https://example.com/one/other.md#part"]
    assert links(db, "draft") == [URL.format("other") + "#part"]
    version = changes(db)
    write(folder, "other.md", published=False, url="/moved")
    run_ingest()
    assert changes(db) == version
    assert changes(db, scope=1)["draft"] > changes(db, scope=1)["one"]


def test_reading_a_file_again_changes_nothing(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "one.md", LINKED)
    write(folder, "other.md")
    run_ingest()
    before = dump.everything(db)
    folder.touch("one.md")
    folder.touch("other.md")
    report = run_ingest()
    assert (report.added, report.changed, report.removed) == (0, 0, 0)
    after = dump.everything(db)
    assert (after["article"], after["change"]) == (before["article"], before["change"])


def test_a_new_parser_changes_only_what_it_reads_differently(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "one.md", LINKED)
    write(folder, "other.md")
    run_ingest()
    db.execute("UPDATE store SET fingerprint = 'older'")
    before = changes(db)
    run_ingest()
    assert changes(db) == before
    assert links(db, "one") == [URL.format("other") + "#part"]


def test_many_links_are_resolved_as_in_a_new_store(
    folder: Folder, run_ingest: RunIngest, database: object
) -> None:
    for number in range(40):
        body = " ".join(f"[{other}]({other}.md)" for other in range(number, 60, 7))
        write(folder, f"{number}.md", body, published=number % 3 > 0)
    run_ingest()
    for number in range(30, 60):
        write(folder, f"{number}.md", f"[0]({number % 5}.md)", published=number % 2 > 0)
        run_ingest(paths=[f"{number}.md"])
    db = sqlite3.connect(str(database))
    fresh = open_careless(folder.root.parent / "fresh.db")
    ingest_again(fresh, folder)
    assert dump.content(db)["article"] == dump.content(fresh)["article"]
    assert dump.content(db)["article_link"] == dump.content(fresh)["article_link"]
    db.close()
    fresh.close()
