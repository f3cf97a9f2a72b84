"""What an ingest derives for authors, sections, translations and the site itself."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gqlnews.ingest.derive import INSERT_AUTHOR
from tests.images import png
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


def test_a_changed_url_of_a_provider_advances_every_version(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.write("blog/hugo.toml", 'baseURL = "https://a.example/x"\n')
    folder.write("docs/hugo.toml", 'baseURL = "https://b.example/"\n')
    folder.article("n.md", "https://a.example/n", provider={"domain": "a.example"})
    run_ingest()
    before = db.execute(NUMBERS).fetchall()
    folder.write("blog/hugo.toml", 'baseURL = "https://a.example/y"\n')
    run_ingest()
    assert db.execute("SELECT DISTINCT url FROM provider").fetchall() == [("https://a.example/y",)]
    assert all(new > old for (new,), (old,) in zip(db.execute(NUMBERS), before, strict=True))


def test_author_data_are_relative_to_the_root_of_the_site(tmp_path: Path) -> None:
    data = "ann: {name: Ann, url: ann/, image: ann.png}\n"
    files = {"authors.yml": data, "deep/below/a.md": post("A", author="ann")}
    write_articles(tmp_path / "files", {})
    (tmp_path / "files").mkdir(exist_ok=True)
    (tmp_path / "files/ann.png").write_bytes(png(3, 2))
    (author,) = ask(tmp_path, files, "{ authors { nodes { url image { url width } } } }")["authors"]["nodes"]
    assert author == {"url": "/ann/", "image": {"url": "/media/ann.png", "width": 3}}


@pytest.mark.parametrize("image", ["ann.png", {"url": "ann.png"}], ids=["text", "mapping"])
@pytest.mark.parametrize("keys", [{"slug": "a", "webUrl": "/a"}, {}], ids=["native", "mapped"])
def test_images_of_authors_are_found_beside_the_article(tmp_path: Path, image: Any, keys: Any) -> None:
    files = {"a.md": post("A", **keys, authors=[{"name": "Ann", "image": image}])}
    (tmp_path / "files").mkdir()
    (tmp_path / "files/ann.png").write_bytes(png(3, 2))
    (author,) = ask(tmp_path, files, "{ authors { nodes { image { url width } } } }")["authors"]["nodes"]
    assert author["image"] == {"url": "/media/ann.png", "width": 3}


def test_an_author_with_many_articles_costs_no_more(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    """The newest article that says something about an author is the first of an index."""
    folder.article("a.md", authors=[{"name": "Ann"}])
    run_ingest()
    plan = [step for *_, step in db.execute(f"EXPLAIN QUERY PLAN {INSERT_AUTHOR}", (1, "ann", "", ""))]
    described = [step for step in plan if "article_author" in step]
    assert len(described) == 3
    assert all("USING INDEX article_author_" in step and "author=?" in step for step in described)
    assert not [step for step in plan if "TEMP B-TREE" in step]


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
        {"a.md": post("A", translationKey="t", lang="de"), "d.md": post("D", translationKey="t", lang="de")}
        | {"b.md": post("B", translationKey="t")},
        [("a", ["b"]), ("b", ["a", "d"]), ("d", ["b"])],
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
