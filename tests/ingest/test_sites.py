"""Ingest of ordinary sites: slugs, duplicates, pages, changes of the configuration, and time."""

import json
import re
import sqlite3
from pathlib import Path

import msgspec
import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.content.presets.site import SiteOverrides
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.apply_schedule import next_due
from gqlnews.ingest.change_detection import relevant_paths, stored_options
from gqlnews.ingest.pipeline import ingest
from gqlnews.ingest.site_summary import summarize_folder
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder, later_ns, text_of
from tests.product import Product

HUGO = 'baseURL = "https://example.org/"\ntitle = "Example"\n'
MORNING, EVENING = 1_618_470_000_000_000_000, 1_618_513_200_000_000_000  # 2021-04-15 07:00 and 19:00 UTC


def post(title: str = "A", date: str | None = "2021-04-15", **keys: object) -> str:
    return text_of({"title": title, **({"date": date} if date else {}), **keys})


def slugs(db: sqlite3.Connection) -> dict[str, str]:
    """Return path by slug of each served article."""
    return dict(db.execute("SELECT slug, path FROM article ORDER BY slug").fetchall())


def problems(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute("SELECT path, code FROM problem ORDER BY path, code").fetchall()


def assert_like_fresh(db: sqlite3.Connection, folder: Folder, tmp_path: Path, **others: object) -> None:
    """The store equals that of a fresh ingest of the same files."""
    fresh = open_writer(tmp_path / "fresh.db")
    ingest(fresh, folder.root, ParseOptions(), processes=1, now_ns=later_ns, **others)  # type: ignore[arg-type]
    assert dump.content(db) == dump.content(fresh)
    assert dump.files(db) == dump.files(fresh)
    fresh.close()
    (tmp_path / "fresh.db").unlink()


@pytest.fixture
def site(folder: Folder) -> Folder:
    """A site of Hugo with two articles, a page and a native file."""
    folder.write("hugo.toml", HUGO)
    folder.write("content/post/a.md", post("A"))
    folder.write("content/post/b/index.md", post("B"))
    folder.write("content/about.md", post("About", None))
    folder.write("content/post/_index.md", post("Posts"))
    folder.article("static/native.md", "https://example.com/native")
    return folder


def test_links_between_mapped_files(site: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    body = '[a](a.md#part) [b](b/index.md) [r]({{< relref "a.md" >}}) [n](../../static/native.md) [x](x.md)'
    site.write("content/post/c.md", post("C") + body)
    run_ingest()
    (html,) = db.execute("SELECT html FROM article WHERE path = 'content/post/c.md'").fetchone()
    assert re.findall('href="([^"]*)"', html) == [
        "https://example.org/post/a/#part",
        "https://example.org/post/b/",
        "https://example.org/post/a/",
        "https://example.com/native",
        "https://example.org/post/c/x.md",
    ]
    site.write("content/post/a.md", post("A", url="/moved/"))
    run_ingest()
    (html,) = db.execute("SELECT html FROM article WHERE path = 'content/post/c.md'").fetchone()
    assert re.findall('href="([^"]*)"', html)[0] == "https://example.org/moved/#part"


def test_authors_language_and_the_last_change_are_stored(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    site.write("content/post/d.md", post("D", authors=["Ann", "Bob"], lastmod="2021-05-01", lang="de"))
    run_ingest()
    read = "SELECT author_slugs, language, modified_date_time FROM article WHERE slug = ?"
    assert db.execute(read, ("post/d",)).fetchone() == ("\nann\nbob\n", "de", "2021-05-01T00:00:00Z")
    assert db.execute(read, ("post/a",)).fetchone() == ("", None, None)
    assert db.execute(read, ("static/native",)).fetchone() == ("", None, None)


def test_articles_pages_and_native_files_of_a_site(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    assert run_ingest().added == 3
    assert slugs(db) == {
        "post/a": "content/post/a.md",
        "post/b": "content/post/b/index.md",
        "static/native": "static/native.md",
    }
    assert problems(db) == []
    (summary,) = summarize_folder(db, site.root).sites
    assert summary.text() == "preset hugo (hugo.toml): 3 articles, 2 pages passed over"
    assert summary.passed_over == ("content/about.md", "content/post/_index.md")


def test_slugs_do_not_depend_on_the_given_folder(site: Folder, tmp_path: Path) -> None:
    for folder in ("content", "content/post"):
        db = open_writer(tmp_path / f"{folder.replace('/', '-')}.db")
        ingest(db, site.root / folder, ParseOptions(), processes=1)
        assert list(slugs(db)) == ["post/a", "post/b"]
        db.close()


# Several files with one slug.


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("content/post/a.markdown", "content/post/a.md"),
        ("content/post/a.md", "content/post/a/index.md"),
        ("content/post/a.md", "content/post/a.mdx"),
    ],
)
def test_of_two_files_with_one_slug_the_first_is_served(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path, first: str, second: str
) -> None:
    folder.write("hugo.toml", HUGO)
    folder.write(second, post("second"))
    run_ingest()
    folder.write(first, post("first"))
    run_ingest(paths=[first])
    assert slugs(db) == {"post/a": first}
    assert problems(db) == [(second, "duplicate-slug")]
    assert_like_fresh(db, folder, tmp_path)
    folder.remove(first)
    run_ingest(paths=[first])
    assert slugs(db) == {"post/a": second}
    assert problems(db) == []
    assert_like_fresh(db, folder, tmp_path)


def test_a_page_does_not_shadow_an_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    folder.write("hugo.toml", HUGO)
    folder.write("content/a.md", post("page", None))
    folder.write("content/a/index.md", post("article"))
    run_ingest()
    assert (slugs(db), problems(db)) == ({"a": "content/a/index.md"}, [])
    folder.write("content/a.md", post("now an article"))
    run_ingest(paths=["content/a.md"])
    assert (slugs(db), problems(db)) == ({"a": "content/a.md"}, [("content/a/index.md", "duplicate-slug")])
    assert_like_fresh(db, folder, tmp_path)
    folder.write("content/a.md", post("a page again", None))
    run_ingest(paths=["content/a.md"])
    assert (slugs(db), problems(db)) == ({"a": "content/a/index.md"}, [])
    assert_like_fresh(db, folder, tmp_path)


def test_a_native_file_may_have_the_slug_of_a_mapped_one(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    folder.write("hugo.toml", HUGO)
    folder.write("content/post/a.md", post("mapped"))
    folder.article("post/a.md", "https://example.com/native")
    run_ingest()
    assert (slugs(db), problems(db)) == ({"post/a": "content/post/a.md"}, [("post/a.md", "duplicate-slug")])
    folder.article("content/post/a.md", "https://example.com/other")  # native now, with another slug
    run_ingest(paths=["content/post/a.md"])
    assert slugs(db) == {"content/post/a": "content/post/a.md", "post/a": "post/a.md"}
    assert problems(db) == []
    assert_like_fresh(db, folder, tmp_path)


def test_native_files_keep_slugs_that_would_be_equal_if_mapped(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", "https://example.com/1")
    folder.article("a/index.md", "https://example.com/2")
    run_ingest()
    assert (slugs(db), problems(db)) == ({"a": "a.md", "a/index": "a/index.md"}, [])


def test_a_file_that_gets_another_slug_leaves_no_article_behind(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    run_ingest()
    site.article("content/post/a.md", "https://example.com/a")
    report = run_ingest(paths=["content/post/a.md"])
    assert (report.added, report.changed, report.removed) == (1, 0, 1)
    assert sorted(slugs(db)) == ["content/post/a", "post/b", "static/native"]
    assert_like_fresh(db, site, tmp_path)


def test_an_article_that_becomes_a_page_is_removed_but_not_one_that_gets_an_error(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    run_ingest()
    site.write("content/post/a.md", post("A", None))
    site.write("content/post/b/index.md", "---\ntitle: [\n---\n")
    assert run_ingest(paths=["content/post/a.md", "content/post/b/index.md"]).removed == 1
    assert sorted(slugs(db)) == ["post/b", "static/native"]
    assert problems(db) == [("content/post/b/index.md", "broken-yaml")]
    site.write("content/post/a.md", post("A"))
    assert run_ingest(paths=["content/post/a.md"]).added == 1
    site.write("content/post/b/index.md", post("B", None))
    assert run_ingest(paths=["content/post/b/index.md"]).removed == 1
    assert_like_fresh(db, site, tmp_path)


# Configuration.


def test_a_change_of_the_configuration_parses_the_files_again(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    run_ingest()
    site.write("hugo.toml", HUGO + "[permalinks]\npost = '/:year/:filename/'\n")
    report = run_ingest(paths=["hugo.toml"])
    assert (report.added, report.changed, report.removed) == (0, 2, 0)
    assert [
        url for (url,) in db.execute("SELECT url FROM article WHERE slug LIKE 'post/%' ORDER BY slug")
    ] == [
        "https://example.org/2021/a/",
        "https://example.org/2021/b/",
    ]
    assert_like_fresh(db, site, tmp_path)
    site.remove("hugo.toml")
    report = run_ingest(paths=["hugo.toml"])
    assert (report.added, report.removed) == (2, 2)
    assert "content/post/a" in slugs(db)
    assert_like_fresh(db, site, tmp_path)


def test_a_broken_configuration_is_a_problem_until_it_is_repaired(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    run_ingest()
    version = db.execute("SELECT version FROM site WHERE audience = 2").fetchone()
    site.write("hugo.toml", "baseURL =\n")
    run_ingest(paths=["hugo.toml"])
    assert problems(db) == [("hugo.toml", "bad-config")]
    assert sorted(slugs(db)) == ["post/a", "post/b", "static/native"]
    assert db.execute("SELECT version FROM site WHERE audience = 2").fetchone() != version
    site.write("hugo.toml", HUGO)
    run_ingest(paths=["hugo.toml"])
    assert problems(db) == []


def test_an_edit_of_an_article_does_not_search_for_sites_again(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    run_ingest()
    site.write("hugo.toml", HUGO.replace("example.org", "other.org"))  # its own event comes later
    site.write("content/post/a.md", post("changed"))
    assert run_ingest(paths=["content/post/a.md"]).changed == 1
    assert db.execute("SELECT url FROM article WHERE slug = 'post/a'").fetchone() == (
        "https://example.org/post/a/",
    )
    assert run_ingest(paths=["hugo.toml"]).changed == 2


def test_a_new_folder_with_a_configuration_is_found(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("native.md")
    run_ingest()
    folder.write("site/hugo.toml", HUGO)
    folder.write("site/content/post/a.md", post())
    run_ingest(paths=["site"])
    assert sorted(slugs(db)) == ["native", "post/a"]


def test_a_configuration_is_relevant_even_if_it_is_gone(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    run_ingest()
    assert relevant_paths(db, site.root, ["gone/_config.yml", "gone/notes.txt"]) == ["gone/_config.yml"]


def test_the_stored_options_are_those_of_the_last_ingest(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    run_ingest(ParseOptions(overrides=SiteOverrides(permalink="/:year/")))
    stored = stored_options(db)
    assert stored is not None
    effective = stored.effective
    assert (effective.sites[0].permalink, effective.now_ns) == ("/:year/", None)
    db.execute("UPDATE store SET fingerprint = 'x'")
    assert stored_options(db) is None
    db.execute("UPDATE store SET fingerprint = ?", (msgspec.json.encode([1, {}, ParseOptions()]).decode(),))
    assert stored_options(db) is None


def test_a_change_of_the_callers_options_counts_even_if_only_some_paths_are_scanned(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    run_ingest()
    run_ingest(ParseOptions(overrides=SiteOverrides(permalink="/:year/")), paths=["content/post/a.md"])
    assert {url for (url,) in db.execute("SELECT url FROM article WHERE slug LIKE 'post/%'")} == {
        "https://example.org/2021/"
    }


# Time.


def test_an_article_appears_and_expires_at_its_instant(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    site.write("content/post/a.md", post("A", "2021-04-15T12:00:00Z", expiryDate="2021-04-15T18:00:00Z"))
    run_ingest(now_ns=lambda: MORNING)

    def published() -> tuple[int, str | None]:
        (flag,) = db.execute("SELECT published FROM article WHERE slug = 'post/a'").fetchone()
        return flag, next_due(db)

    assert published() == (0, "2021-04-15T12:00:00")
    assert run_ingest(now_ns=lambda: MORNING + 1).changed == 0
    noon = MORNING + 5 * 3_600_000_000_000
    assert run_ingest(now_ns=lambda: noon - 1).changed == 0
    assert run_ingest(now_ns=lambda: noon).changed == 1
    assert published() == (1, "2021-04-15T18:00:00")
    assert run_ingest(now_ns=lambda: EVENING).changed == 1
    assert published() == (0, None)


def test_what_fell_due_changes_the_version_of_the_public(
    site: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    site.write("content/post/a.md", post("A", "2021-04-15T12:00:00Z"))
    run_ingest(now_ns=lambda: MORNING)
    (before,) = db.execute("SELECT version FROM site WHERE audience = 0").fetchone()
    run_ingest(now_ns=lambda: EVENING)
    (after,) = db.execute("SELECT version FROM site WHERE audience = 0").fetchone()
    assert after != before


def test_native_articles_of_the_future_are_hidden_only_if_the_caller_says_so(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", publishedDateTime="2021-04-15T12:00:00Z")
    for hides, expected in ((None, 1), (False, 1), (True, 0)):
        run_ingest(ParseOptions(overrides=SiteOverrides(hides_future=hides)), now_ns=lambda: MORNING)
        assert db.execute("SELECT published FROM article").fetchone() == (expected,)


# The API.


def test_an_article_is_found_by_its_address_without_the_host(
    site: Folder, database: Path, run_ingest: RunIngest
) -> None:
    run_ingest()
    with Product(database) as product:
        for url in ("https://example.org/post/a/", "/post/a/"):
            answer = product.ask(
                "query ($url: URL!) { articleByUrl(url: $url) { slug webUrl } }", {"url": url}
            )
            assert answer == {
                "data": {"articleByUrl": {"slug": "post/a", "webUrl": "https://example.org/post/a/"}}
            }


# Summaries.


def test_a_folder_of_native_files_has_no_summary(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    folder.write("b.md", "no front matter\n")
    run_ingest()
    assert summarize_folder(db, folder.root).lines() == []


def test_pages_of_a_folder_of_native_files_are_counted(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md")
    folder.write("README.md", "no front matter\n")
    run_ingest()
    assert summarize_folder(db, folder.root).lines() == ["preset generic: 1 article, 1 page passed over"]


def test_an_empty_folder_says_what_is_read(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("a.txt", "")
    run_ingest()
    (line,) = summarize_folder(db, folder.root).lines()
    assert line.startswith("nothing found: gqlnews reads files that end in .md, .markdown or .mdx")


@pytest.mark.parametrize(
    ("files", "suggested"),
    [
        ({"en/_posts/2021-04-15-a.md": post()}, "jekyll"),
        ({"post/_index.md": post(), "post/a.md": post()}, "hugo"),
        ({"a.md": "Title: A\nDate: 2021-04-15\n\nBody.\n"}, "pelican"),
        ({"a.md": "Note: not a header of Pelican\n"}, None),
        ({"a.md": post()}, None),
        ({"_config.yml": "", "post/_index.md": post()}, None),
    ],
)
def test_a_preset_is_suggested_if_the_files_look_like_its_own(
    folder: Folder,
    run_ingest: RunIngest,
    db: sqlite3.Connection,
    files: dict[str, str],
    suggested: str | None,
) -> None:
    for path, text in files.items():
        folder.write(path, text)
    run_ingest()
    summary = summarize_folder(db, folder.root)
    assert summary.suggested == suggested
    assert any("try --preset" in line for line in summary.lines()) is (suggested is not None)


def test_a_file_that_was_deleted_since_suggests_nothing(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("a.md", "Title: A\n\nBody.\n")
    run_ingest()
    folder.remove("a.md")
    assert summarize_folder(db, folder.root).suggested is None


def test_two_sites_are_summarized_each(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    folder.write("one/hugo.toml", HUGO)
    folder.write("one/content/a.md", post())
    folder.write("two/_config.yml", "title: Two\n")
    folder.write("two/_posts/2021-04-15-a.md", post())
    folder.write("two/index.md", post(date=None))
    run_ingest()
    assert summarize_folder(db, folder.root).lines() == [
        "preset hugo (one/hugo.toml): 1 article",
        "preset jekyll (two/_config.yml): 1 article, 1 page passed over",
    ]
    assert json.loads(db.execute("SELECT fingerprint FROM store").fetchone()[0])[0] >= 4
