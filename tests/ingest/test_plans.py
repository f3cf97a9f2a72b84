"""The ingest of a change costs in proportion to the change, not to the store."""

import sqlite3

import pytest

from gqlnews.ingest.upsert import temp_tables
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import BROKEN, Folder

PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
LARGE = (
    "article",
    "related",
    "article_url",
    "url_owner",
    "article_topic",
    "article_author",
    "article_section",
    "provider",
    "topic",
    "topic_use",
    "author",
    "author_use",
    "section",
    "section_use",
    "provider_use",
    "story",
    "story_article",
    "article_change",
    "article_words",
    "search_word",
)


def scanned(db: sqlite3.Connection, statements: list[str]) -> set[str]:
    """Return the large tables that a statement scans entirely, except through an index."""
    with temp_tables(db):
        steps = [
            step
            for statement in statements
            if statement.strip().startswith(PLANNED)
            for *_, step in db.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    scans = [step.split() for step in steps if step.startswith("SCAN") and "COVERING" not in step]
    assert not [step for step in steps if "BLOOM" in step or "AUTOMATIC" in step]
    whole_scope = [step.split() for step in steps if step.endswith("(scope=?)") and "COVERING" not in step]
    assert whole_scope == []
    return {words[1] for words in scans if words[1] in LARGE and "INDEX" not in words}


@pytest.mark.parametrize("edit", ["change", "remove", "break", "add", "duplicate"])
def test_an_edit_scans_no_large_table(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, edit: str
) -> None:
    provider = {"name": "P", "domain": "p.example"}
    related = [{"title": "R", "webUrl": "https://example.com/b", "provider": provider}]
    for name in "abc":
        folder.article(
            f"s/{name}.md",
            f"https://example.com/{name}",
            provider=provider,
            related=related,
            topics=["AI"],
            authors=["Ann", {"name": "Bob", "bio": "B."}],
        )
    run_ingest()
    match edit:
        case "change":
            folder.article(
                "s/b.md", "https://example.com/c", related=related, topics=["Art"], authors=["Ann"]
            )
        case "remove":
            folder.remove("s/b.md")
        case "break":
            folder.write("s/b.md", BROKEN)
        case "add":
            folder.article("s/d.md", "https://example.com/b", provider=provider, authors=["Ann"])
        case _:
            folder.article("s/b.markdown", "https://example.com/b")
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    run_ingest()
    db.set_trace_callback(None)
    assert len(statements) > 40
    assert scanned(db, statements) == set()
