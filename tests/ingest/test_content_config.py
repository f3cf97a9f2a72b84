"""What `gqlnews.toml` changes about the articles of a folder, and what an invalid edit leaves as it was."""

import json
import sqlite3
from pathlib import Path

from gqlnews.content.models import ParseOptions
from gqlnews.content.presets.site import SiteOverrides
from gqlnews.database.sqlite.connection import read_custom_fields
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder, text_of


def post(**keys: object) -> str:
    return text_of({"title": "T", "date": "2021-04-15", **keys})


def column(db: sqlite3.Connection, name: str, slug: str = "a") -> object:
    return db.execute(f"SELECT {name} FROM article WHERE slug = ?", (slug,)).fetchone()[0]  # noqa: S608


def values(db: sqlite3.Connection, slug: str = "a") -> dict[str, object]:
    """Return the stored values of custom fields that are not null, by column."""
    names = [name for (name,) in db.execute("SELECT name FROM pragma_table_info('article')")]
    stored = {name: column(db, name, slug) for name in names if name.startswith("field_")}
    return {name: value for name, value in stored.items() if value is not None}


def problems(db: sqlite3.Connection) -> list[tuple[str, int | None, str]]:
    return db.execute("SELECT path, line, code FROM problem ORDER BY path, line").fetchall()


def test_keys_replace_the_precedence_of_a_field(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("a.md", post(headline="H", description="D", deck="K", kicker={"of": "N"}))
    run_ingest()
    assert (column(db, "title"), column(db, "excerpt")) == ("T", "D")
    folder.write("gqlnews.toml", "[keys]\ntitle = ['missing', 'headline', 'title']\nexcerpt = 'kicker.of'\n")
    assert run_ingest().changed == 1
    assert (column(db, "title"), column(db, "excerpt")) == ("H", "N")
    assert json.loads(str(column(db, "extra"))) == {"title": "T", "description": "D", "deck": "K"}
    folder.remove("gqlnews.toml")
    run_ingest()
    assert (column(db, "title"), column(db, "excerpt")) == ("T", "D")


def test_a_key_may_name_the_date(folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection) -> None:
    folder.write("a.md", post(released="2022-02-02"))
    folder.write("b.md", post())
    folder.write("gqlnews.toml", "[keys]\npublishedDateTime = 'released'\n")
    run_ingest()
    assert column(db, "published_date_time") == "2022-02-02T00:00:00Z"
    assert db.execute("SELECT slug FROM article").fetchall() == [("a",)]  # the other has no date


def test_the_time_zone_is_that_of_dates_without_one(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("a.md", post(date="2021-04-15 12:00", event="2021-12-24 12:00"))
    folder.article("b.md", event="2021-12-24 12:00")
    folder.write("gqlnews.toml", "time-zone = 'Europe/Berlin'\n[fields.event]\ntype = 'DateTime'\n")
    run_ingest()
    assert column(db, "published_date_time") == "2021-04-15T10:00:00Z"
    for slug in ("a", "b"):  # a mapped and a native file
        assert values(db, slug)["field_text_event"] == "2021-12-24T11:00:00Z"
    folder.write("gqlnews.toml", "[fields.event]\ntype = 'DateTime'\n")
    run_ingest()
    assert column(db, "published_date_time") == "2021-04-15T12:00:00Z"
    for slug in ("a", "b"):
        assert values(db, slug)["field_text_event"] == "2021-12-24T12:00:00Z"


def test_the_language_is_that_of_articles_without_one(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("hugo.toml", "")
    folder.write("content/a.md", post())
    folder.write("content/b.md", post(lang="fr"))
    run_ingest()
    assert (column(db, "language"), column(db, "language", "b")) == (None, "fr")
    folder.write("gqlnews.toml", "language = 'pt-BR'\n")
    run_ingest()
    assert (column(db, "language"), column(db, "language", "b")) == ("pt-br", "fr")


def test_the_language_changes_no_address(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("hugo.toml", "[languages.en]\n[languages.fr]\n")
    folder.write("content/a.md", post())
    folder.write("content/a.fr.md", post())
    read = "SELECT slug, web_url FROM article ORDER BY slug"
    run_ingest()
    addresses = db.execute(read).fetchall()
    assert addresses == [("a", "/a/"), ("a.fr", "/fr/a/")]
    folder.write("gqlnews.toml", "language = 'en-gb'\n")
    run_ingest()
    assert db.execute(read).fetchall() == addresses
    assert (column(db, "language"), column(db, "language", "a.fr")) == ("en-gb", "fr")


def test_the_language_holds_without_a_site_too(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("a.md", post())
    folder.write("gqlnews.toml", "language = 'de'\n")
    run_ingest()
    assert column(db, "language") == "de"


def test_the_file_wins_over_the_site_and_options_win_over_the_file(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("hugo.toml", "baseURL = 'https://site.example'\ntitle = 'Site'\n")
    folder.write("content/a.md", post())
    read = "SELECT article.web_url, provider_domain FROM article"
    run_ingest()
    assert db.execute(read).fetchall() == [("https://site.example/a/", "site.example")]
    folder.write(
        "gqlnews.toml",
        "base-url = 'https://toml.example'\npermalink = '/:year/:filename/'\n"
        "provider = { domain = 'p.example' }\n",
    )
    run_ingest()
    assert db.execute(read).fetchall() == [("https://toml.example/2021/a/", "p.example")]
    overrides = SiteOverrides(permalink="/:filename.html", provider_domain="option.example")
    run_ingest(ParseOptions(base_url="https://option.example", overrides=overrides))
    assert db.execute(read).fetchall() == [("https://option.example/a.html", "option.example")]


def test_an_invalid_edit_leaves_the_configuration_before_in_effect(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, database: Path
) -> None:
    folder.write("a.md", post(sponsor="ACME"))
    folder.write("gqlnews.toml", "time-zone = 'Europe/Berlin'\n[fields.sponsor]\n")
    run_ingest()
    before = read_custom_fields(database)
    folder.write("gqlnews.toml", "time-zone = 'Asia/Tokyo'\n[fields.sponsor]\ntype = 'Strng'\n")
    folder.write("b.md", post(sponsor="Other"))
    for paths in (["gqlnews.toml", "b.md"], None):
        report = run_ingest(paths=paths)
        assert (report.changed, report.problems) == (0, 1)
        assert problems(db) == [("gqlnews.toml", 3, "bad-config")]
        assert read_custom_fields(database) == before
        assert column(db, "published_date_time", "b") == "2021-04-14T22:00:00Z"
        assert values(db, "b") == {"field_text_sponsor": "Other"}
    folder.write("gqlnews.toml", "[fields.sponsor]\ntype = ['String']\n")
    run_ingest(paths=["gqlnews.toml"])
    assert problems(db) == []
    assert [field.is_list for field in read_custom_fields(database)] == [True]


def test_a_first_ingest_with_an_invalid_file_is_one_without(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, database: Path
) -> None:
    folder.write("a.md", post(sponsor="ACME"))
    folder.write("gqlnews.toml", "language = 1\n[fields.sponsor]\n")
    assert run_ingest().articles == 1
    assert problems(db) == [("gqlnews.toml", 1, "bad-config")]
    assert read_custom_fields(database) == ()


def test_extra_no_longer_has_the_keys_of_fields(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("a.md", post(sponsor="ACME", params={"level": 3, "other": 1}, only={"one": 1}))
    folder.write(
        "gqlnews.toml",
        "[fields.sponsor]\n[fields.level]\nkey = 'params.level'\n[fields.one]\nkey = 'only.one'\n",
    )
    run_ingest()
    assert json.loads(str(column(db, "extra"))) == {"params": {"other": 1}}
    assert values(db) == {"field_text_sponsor": "ACME", "field_text_level": "3", "field_text_one": "1"}
