"""What an ingest derives for authors, sections, translations and the site itself."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder, text_of
from tests.ingest.test_sites import assert_like_fresh
from tests.product import Product, run_ingest
from tests.server.support import write_articles

HUGO = 'baseURL = "https://example.org/"\ntitle = "Example"\nlanguageCode = "en-US"\n'
SITE = "SELECT title, url, language FROM site ORDER BY audience"
NUMBERS = "SELECT number FROM site ORDER BY audience"


def post(title: str, date: str = "2021-04-15", **keys: Any) -> str:
    return text_of({"title": title, "date": date, **keys})


def ask(tmp_path: Path, files: dict[str, str], query: str) -> dict[str, Any]:
    folder, database = tmp_path / "files", tmp_path / "store.db"
    write_articles(folder, files)
    run_ingest(folder, database)
    with Product(database) as product:
        return product.data(query)


def test_the_site_is_that_of_the_configuration(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("hugo.toml", HUGO)
    folder.write("content/a.md", post("A"))
    run_ingest()
    assert db.execute(SITE).fetchall() == [("Example", "https://example.org/", "en")] * 3


def test_a_changed_title_advances_every_version(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    folder.write("_config.yml", "title: One\n")
    folder.write("_posts/2021-04-15-a.md", post("A"))
    run_ingest()
    before = db.execute(NUMBERS).fetchall()
    folder.write("_config.yml", "title: Two\n")
    run_ingest()
    assert db.execute(SITE).fetchall() == [("Two", None, None)] * 3
    assert all(new > old for (new,), (old,) in zip(db.execute(NUMBERS), before, strict=True))
    assert db.execute("SELECT count(*) FROM article_change").fetchone() == (2,)
    run_ingest()
    assert_like_fresh(db, folder, tmp_path)


def test_the_provider_that_is_the_site_has_its_url(tmp_path: Path) -> None:
    link = post("B", external_url="https://elsewhere.example/b")
    files = {"hugo.toml": HUGO, "content/a.md": post("A"), "content/b.md": link}
    providers = ask(tmp_path, files, "{ providers { nodes { domain url } } }")["providers"]["nodes"]
    assert providers == [
        {"domain": "elsewhere.example", "url": None},
        {"domain": "example.org", "url": "https://example.org/"},
    ]


def test_author_data_that_change_reach_every_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    folder.write("authors.yml", "ann: {name: Ann Smith}\n")
    folder.write("a.md", post("A", author="ann"))
    run_ingest()
    names = "SELECT name, bio FROM author WHERE scope = 0"
    assert db.execute(names).fetchall() == [("Ann Smith", None)]
    folder.write("authors.yml", "ann: {name: Ann Jones, bio: Writes.}\n")
    run_ingest(paths=["authors.yml"])
    assert db.execute(names).fetchall() == [("Ann Jones", "Writes.")]
    folder.remove("authors.yml")
    run_ingest(paths=["authors.yml"])
    assert db.execute(names).fetchall() == [("ann", None)]
    assert_like_fresh(db, folder, tmp_path)


GROUPS = [
    (
        {"hugo.toml": HUGO, "content/en/a.md": post("A"), "content/fr/a.md": post("F")},
        [("en/a", ["fr/a"]), ("fr/a", ["en/a"])],
    ),
    (
        {"hugo.toml": f"{HUGO}[languages.en]\n[languages.fr]\n", "content/a.md": post("A")}
        | {"content/a.fr.md": post("F"), "content/b.md": post("B")},
        [("a", ["a.fr"]), ("a.fr", ["a"]), ("b", [])],
    ),
    (
        {"zola.toml": 'base_url = "/"\n[languages.de]\n', "content/n/index.md": post("A")}
        | {"content/n/index.de.md": post("D")},
        [("n", ["n.de"]), ("n.de", ["n"])],
    ),
    (
        {"a.md": post("A", translationKey="t", lang="de"), "b.md": post("B", translationKey="t", lang="fr")}
        | {"c.md": post("C", translationKey="t", lang="en", draft=True)},
        [("a", ["b"]), ("b", ["a"])],
    ),
]


@pytest.mark.parametrize(("files", "expected"), GROUPS)
def test_translations(tmp_path: Path, files: dict[str, str], expected: list[tuple[str, list[str]]]) -> None:
    query = "{ articles(orderBy: {field: TITLE, direction: ASC}) { nodes { slug translations { slug } } } }"
    nodes = ask(tmp_path, files, query)["articles"]["nodes"]
    found = [(node["slug"], [other["slug"] for other in node["translations"]]) for node in nodes]
    assert sorted(found) == expected


def test_a_section_exists_for_those_who_see_an_article_below_it(tmp_path: Path) -> None:
    files = {"a/b-c/x.md": post("X"), "a/hidden/y.md": post("Y", draft=True)}
    query = "{ sections { path title articleCount parent { path } children { path } } }"
    assert ask(tmp_path, files, query)["sections"] == [
        {"path": "a", "title": "A", "articleCount": 1, "parent": None, "children": [{"path": "a/b-c"}]},
        {"path": "a/b-c", "title": "B c", "articleCount": 1, "parent": {"path": "a"}, "children": []},
    ]
