"""The order of a provider's names, and a topic's name, case by case."""

import json
import sqlite3
from typing import Any

import pytest

from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder


def own(name: str, day: int, **keys: Any) -> dict[str, Any]:
    """An article by the provider under this name."""
    provider = {"domain": "p.example", "name": name}
    return {"publishedDateTime": f"2024-01-0{day}", "provider": provider, **keys}


def listing(day: int, *names: str, **keys: Any) -> dict[str, Any]:
    """An article that lists coverage by the provider under these names."""
    related = [
        {
            "title": "R",
            "webUrl": f"https://example.com/{place}",
            "provider": {"domain": "p.example", "name": name},
        }
        for place, name in enumerate(names)
    ]
    return {"publishedDateTime": f"2024-01-0{day}", "related": related, **keys}


CASES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "most files first": ([own("A", 1), own("B", 2), own("B", 3), own("A", 9), own("B", 1)], ["B", "A"]),
    "a tie goes to the most recent file": ([own("A", 1), own("B", 2)], ["B", "A"]),
    "of equal instants the first slug's": ([own("B", 1), own("A", 1)], ["B", "A"]),
    "what is only listed comes last": ([own("A", 1), listing(2, "B"), listing(3, "B")], ["A", "B"]),
    "a listed name that files give too is theirs": ([own("A", 2), own("B", 1), listing(3, "B")], ["A", "B"]),
    "listed by most files first": ([listing(3, "A"), listing(1, "B"), listing(2, "B")], ["B", "A"]),
    "a file that lists a name often counts once": ([listing(1, "A", "A", "A"), listing(2, "B")], ["B", "A"]),
    "a tie of listed names goes to the most recent": ([listing(2, "B"), listing(1, "A")], ["B", "A"]),
    "then by code point": ([listing(1, "b", "B", "a")], ["B", "a", "b"]),
}


@pytest.mark.parametrize(("articles", "names"), CASES.values(), ids=CASES)
def test_the_order_of_names(
    folder: Folder,
    run_ingest: RunIngest,
    db: sqlite3.Connection,
    articles: list[dict[str, Any]],
    names: list[str],
) -> None:
    for number, keys in enumerate(articles):
        folder.article(f"{number}.md", f"https://example.org/{number}", **keys)
    run_ingest()
    rows = db.execute("SELECT scope, name, names FROM provider ORDER BY scope").fetchall()
    assert [(scope, name, json.loads(text)) for scope, name, text in rows] == [
        (scope, names[0], names) for scope in (0, 1)
    ]


def test_names_in_unpublished_files_are_not_public(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", **own("A", 1))
    folder.article("b.md", "https://example.com/b", **own("B", 2, published=False))
    folder.article("c.md", "https://example.com/c", **listing(3, "C", published=False))
    run_ingest()
    rows = db.execute("SELECT names FROM provider ORDER BY scope").fetchall()
    assert [json.loads(text) for (text,) in rows] == [["A"], ["B", "A", "C"]]


def test_images_come_from_the_newest_file_that_has_any(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    for day, images in ((1, ["old.png"]), (2, ["new.png"]), (3, [])):
        provider = {"domain": "p.example", "images": [{"url": url} for url in images]}
        folder.article(f"{day}.md", publishedDateTime=f"2024-01-0{day}", provider=provider)
    run_ingest()
    rows = db.execute("SELECT images FROM provider").fetchall()
    urls = [[image["url"] for image in json.loads(text)] for (text,) in rows]
    assert urls == [["https://example.com/new.png"]] * 2


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ([["ai"], ["AI"], ["AI"]], "AI"),
        ([["ai"], ["AI"]], "AI"),
        ([["ai", "AI"], ["ai"]], "ai"),
    ],
)
def test_a_topic_has_the_name_that_most_files_use(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, files: list[list[str]], name: str
) -> None:
    for number, topics in enumerate(files):
        folder.article(f"{number}.md", topics=topics)
    run_ingest()
    assert db.execute("SELECT slug, name FROM topic").fetchall() == [("ai", name)] * 2


def test_ids_encode_the_type_and_the_key(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("ü.md", **own("A", 1, topics=["AI"]))
    run_ingest()
    ids = "SELECT node_id FROM article UNION SELECT node_id FROM provider UNION SELECT node_id FROM topic"
    assert {text for (text,) in db.execute(ids)} == {
        "QXJ0aWNsZTrDvA==",  # Article:ü
        "UHJvdmlkZXI6cC5leGFtcGxl",  # Provider:p.example
        "VG9waWM6YWk=",  # Topic:ai
    }
