"""Figures of the real articles in the store, compared with counts by plain Python."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import IngestReport, ingest
from tests.ingest.folder import later_ns

Taken = tuple[sqlite3.Connection, IngestReport, Path]

FIGURES = [
    ("articles", "SELECT count(*) FROM article", 8682),
    ("published", "SELECT article_count FROM site WHERE audience = 0", 1841),
    ("related entries", "SELECT count(*) FROM related", 67117),
    ("most entries of an article", "SELECT max(related_count) FROM article", 132),
    ("topics", "SELECT count(*) FROM topic WHERE scope = 1", 15),
    ("provider domains", "SELECT count(DISTINCT provider_domain) FROM article", 1353),
    ("and one that is only listed", "SELECT count(*) FROM provider WHERE scope = 1", 1354),
    (
        "domains of several names that files give their own provider",
        "SELECT count(*) FROM (SELECT 1 FROM article GROUP BY provider_domain"
        " HAVING count(DISTINCT provider_name) > 1)",
        30,
    ),
    ("distinct URLs listed", "SELECT count(DISTINCT url) FROM related", 5524),
    ("of these stored", "SELECT count(DISTINCT url) FROM related WHERE target_id IS NOT NULL", 5432),
    ("entries with an article behind", "SELECT count(target_id) FROM related", 66533),
    (
        "links from published articles to stored ones",
        "SELECT count(target_id) FROM related JOIN article ON id = article_id WHERE published",
        3728,
    ),
    (
        "of these to unpublished ones",
        "SELECT count(*) FROM related JOIN article a ON a.id = article_id JOIN article t ON t.id = target_id"
        " WHERE a.published AND NOT t.published",
        3370,
    ),
    (
        "URLs of several files",
        "SELECT count(DISTINCT subject) FROM problem WHERE code = 'duplicate-url'",
        170,
    ),
    (
        "of these disagree on published",
        "SELECT count(DISTINCT subject) FROM problem WHERE code = 'published-disagrees'",
        32,
    ),
    (
        "entries of an article's own URL",
        "SELECT count(*) FROM related JOIN article ON id = article_id WHERE related.url = article.url",
        138,
    ),
    (
        "articles that list a URL twice",
        "SELECT count(DISTINCT article_id) FROM"
        " (SELECT article_id FROM related GROUP BY article_id, url HAVING count(*) > 1)",
        615,
    ),
    ("stories", "SELECT count(*) FROM story WHERE scope = 1", 844),
    ("articles of the largest", "SELECT max(size) FROM story WHERE scope = 1", 70),
    (
        "articles in a story of their own scope",
        "SELECT count(*) FROM story_article JOIN story USING (scope) WHERE story = story.slug",
        3107,
    ),
    ("rows that refer to nothing", "SELECT count(*) FROM pragma_foreign_key_check", 0),
]


@pytest.fixture(scope="module")
def taken(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    db = open_writer(tmp_path_factory.mktemp("corpus") / "store.db")
    report = ingest(db, corpus / "ai2020", ParseOptions(), now_ns=later_ns)
    yield db, report, corpus / "ai2020"
    db.close()


@pytest.mark.parametrize(("sql", "expected"), [figure[1:] for figure in FIGURES], ids=[f[0] for f in FIGURES])
def test_the_figure(taken: Taken, sql: str, expected: int) -> None:
    assert taken[0].execute(sql).fetchone() == (expected,)


def test_the_report_counts_the_articles(taken: Taken) -> None:
    report = taken[1]
    assert (report.added, report.articles, report.changed, report.removed) == (8682, 8682, 0, 0)


def test_a_second_ingest_reads_no_file(taken: Taken) -> None:
    db, _, folder = taken
    calls: list[tuple[int, int]] = []
    ingest(
        db, folder, ParseOptions(), now_ns=later_ns, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(0, 0)]


def test_bulk_loading_recreates_every_index(taken: Taken, tmp_path: Path) -> None:
    new = open_writer(tmp_path / "new.db")
    names = "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name"
    assert taken[0].execute(names).fetchall() == new.execute(names).fetchall()
    new.close()
