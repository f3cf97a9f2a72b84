"""The full-text indexes, and the words that make articles similar."""

import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.content.models import ParsedArticle, ParseOptions
from gqlnews.database.sqlite.migrations import migrations
from gqlnews.database.sqlite.writer import open_writer, tokenize
from tests.effort import examples
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder
from tests.ingest.histories import Edit, histories
from tests.ingest.model import fresh, run_history, temporary_store

# ruff: noqa: S608 - the names in these statements are this program's

INDEXES = ("search_public", "search_all")


def indexed(db: sqlite3.Connection) -> dict[str, list[object]]:
    """Return every token with its position, by slug, and the word counts."""
    found: dict[str, list[object]] = {
        "counts": dump.rows(db, "SELECT * FROM search_word"),
        "words": dump.rows(db, "SELECT slug, words FROM article_words JOIN article ON id = article_id"),
    }
    for index in INDEXES:
        db.execute(f"CREATE VIRTUAL TABLE temp.token USING fts5vocab (main, {index}, instance)")
        found[index] = dump.rows(
            db, "SELECT term, slug, col, token.offset FROM temp.token JOIN article ON article.id = doc"
        )
        db.execute("DROP TABLE temp.token")
    return found


def check(db: sqlite3.Connection) -> None:
    """Raise if an index differs from its source."""
    for index in INDEXES:
        db.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")


def ranked(db: sqlite3.Connection, index: str, match: str) -> list[tuple[str, float]]:
    sql = f"SELECT slug, rank FROM {index} JOIN article ON id = {index}.rowid WHERE {index} MATCH ?"
    return sorted(db.execute(sql, (match,)).fetchall())


def long_words(article: ParsedArticle) -> set[str]:
    """Return the counted words of an article that `histories` generated."""
    texts = [article.excerpt, article.body, *(entry.title for entry in article.related)]
    return {*re.findall("[a-z]{4,}", " ".join(text or "" for text in texts).lower().replace("é", "e"))}


def slugs(db: sqlite3.Connection, match: str) -> list[str]:
    return [slug for slug, _ in ranked(db, "search_all", match)]


@examples(20)
@given(histories)
def test_the_indexes_equal_those_of_a_new_store(history: list[list[Edit]]) -> None:
    with temporary_store() as (root, db, model):
        for at, _ in enumerate(run_history(db, model, history)):
            check(db)
            with fresh(root, model.served_folder(root / f"served{at}")) as other:
                assert indexed(db) == indexed(other)
                for index in INDEXES:
                    assert ranked(db, index, '"cafe" OR "one"') == ranked(other, index, '"cafe" OR "one"')


@examples(15)
@given(histories)
def test_words_are_counted_by_article(history: list[list[Edit]]) -> None:
    with temporary_store() as (_, db, model):
        for _ in run_history(db, model, history):
            counted = Counter(
                (scope, word)
                for article in model.articles.values()
                for scope in ((0, 1) if article.published else (1,))
                for word in long_words(article)
            )
            stored = db.execute("SELECT scope, word, documents FROM search_word").fetchall()
            assert {(scope, word): documents for scope, word, documents in stored} == counted


def test_public_ranks_are_independent_of_unpublished_articles(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    for name in "abc":
        folder.article(f"{name}.md", f"https://example.com/{name}", title=f"Fish {name}")
    run_ingest()
    before = ranked(db, "search_public", "fish")
    folder.article("d.md", "https://example.com/d", title="Fish fish fish", published=False)
    run_ingest()
    assert ranked(db, "search_public", "fish") == before
    assert len(ranked(db, "search_all", "fish")) == 4


def test_an_unpublished_article_leaves_the_public_index(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="Fish")
    run_ingest()
    folder.article("a.md", title="Fish", published=False)
    run_ingest()
    assert ranked(db, "search_public", "fish") == []
    assert slugs(db, "fish") == ["a"]


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ("title : fish", ["a"]),
        ("excerpt : kite", ["a"]),
        ("provider : post", ["a"]),
        ("topics : owls", ["a"]),
        ("body : heading", ["a"]),
        ("related : harbour", ["a"]),
        ('"red owls"', []),  # no phrase crosses the boundary of two topics
        ('"harbour station"', []),  # nor of two titles
        ('"old harbour"', ["a"]),
        ("mark", []),  # match markers are indexed as spaces
    ],
)
def test_every_text_of_an_article_is_indexed(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, match: str, found: list[str]
) -> None:
    folder.article(
        "a.md",
        title="Fish",
        excerpt="A kite, m\x02ark",
        provider={"name": "The Post", "domain": "p.example"},
        topics=["Red", "Owls"],
        related=[
            {"title": title, "webUrl": "https://example.com/r"} for title in ("Old harbour", "Station two")
        ],
    )
    folder.write("a.md", (folder.root / "a.md").read_text() + "## Heading\n")
    run_ingest()
    assert slugs(db, match) == found


def test_template_syntax_is_not_indexed(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    body = 'before {{< gallery caption="sunset" >}} `{{< example >}}`\n\n:::warning\nafter\n:::\n'
    folder.article("a.md")
    folder.write("a.md", (folder.root / "a.md").read_text() + body)
    run_ingest()
    assert db.execute("SELECT body FROM article").fetchone() == (body.rstrip(),)
    assert slugs(db, "before") == slugs(db, "example") == slugs(db, "after") == ["a"]
    assert slugs(db, "gallery") == slugs(db, "sunset") == slugs(db, "warning") == []
    assert db.execute("SELECT word FROM search_word WHERE scope = 0 ORDER BY word").fetchall() == [
        ("after",),
        ("before",),
        ("example",),
    ]
    check(db)


def remove_search(db: sqlite3.Connection) -> None:
    """Turn the store into one of the version before full-text search."""
    kinds = "SELECT name, type FROM sqlite_master WHERE name IN ('article_words', 'search_word')"
    kinds += " OR (name LIKE 'search%' AND (type = 'view' OR sql LIKE 'CREATE VIRTUAL%')) ORDER BY name DESC"
    for name, kind in db.execute(kinds).fetchall():
        db.execute(f"DROP {kind} {name}")
    db.execute("PRAGMA user_version = 4")


def test_a_store_of_an_earlier_version_is_migrated(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, database: Path
) -> None:
    for number in range(9):
        folder.article(
            f"{number}.md",
            f"https://example.com/{number}",
            title=f"Fish {number}",
            excerpt="kite",
            published=number > 4,
        )
    run_ingest()
    before = indexed(db)
    remove_search(db)
    other = open_writer(database, known_migrations=migrations()[:5])
    assert indexed(other) == before
    other.close()


def test_a_changed_fingerprint_rebuilds_the_index(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("a.md", title="Fish")
    folder.article("b.md", "https://example.com/b", title="Owls")
    run_ingest()
    folder.article("a.md", title="Kite")
    folder.remove("b.md")
    run_ingest(ParseOptions(base_url="https://example.com"))
    check(db)
    assert [slugs(db, match) for match in ("fish", "owls", "kite")] == [[], [], ["a"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "[]"),
        ("the Café, a CAFÉ and the cafe", '["cafe"]'),
        ("don't under_score well-known 2020", '["2020","known","score","under","well"]'),
        ("Straße Zu\u0308rich \u0130stanbul", '["istanbul","straße","zurich"]'),
        ("Ёлка и йод \u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3", '["σίσυφοσ","ёлка"]'),
    ],
)
def test_the_words_of_a_text(text: str, words: str) -> None:
    assert tokenize(text) == words


letters = st.characters(max_codepoint=0x52F, exclude_categories=["Cc", "Cn"], exclude_characters="ǠǡǢǣǮǯǼǽǾǿ")


@given(st.text(letters))
def test_tokenize_matches_the_index(text: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE doc USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')")
    db.execute("CREATE VIRTUAL TABLE token USING fts5vocab (doc, row)")
    db.execute("INSERT INTO doc VALUES (?)", (text,))
    (made,) = db.execute("SELECT json_group_array(term) FROM token WHERE length(term) >= 4").fetchone()
    db.close()
    assert tokenize(text) == made
