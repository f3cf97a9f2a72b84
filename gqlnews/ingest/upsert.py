"""Upsert parsed files in batches.

For each file: record its size, times and revision in `source`; replace its problems if they differ; write its
article if it differs from the stored one. The stored article remains unchanged if the file has an error now,
or if the slug belongs to another file.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import msgspec

from gqlnews.columns import TOKENIZER
from gqlnews.database.sqlite.writer import execute_all
from gqlnews.ingest.before_images import CAPTURED_COLUMNS, capture_images
from gqlnews.ingest.change_log import MARK_DIRTY, fill_batch
from gqlnews.ingest.derive import DECREMENT_USAGE, INCREMENT_USAGE
from gqlnews.ingest.fts_index import ADD_TO_INDEX, REMOVE_FROM_INDEX, TRACK_ADDED
from gqlnews.ingest.media import ImageUse, write_uses
from gqlnews.ingest.rows import (
    ARTICLE_ROW,
    AUTHOR_ROW,
    PROBLEM_COLUMNS,
    RELATED_ROW,
    SECTION_ROW,
    TOPIC_ROW,
    ArticleRows,
    FileRows,
    Row,
)
from gqlnews.ingest.slugs import record_slugs
from gqlnews.timestamps import Instant, from_epoch_ns_to_ms

# ruff: noqa: S608 - these statements are built from constants only


def _select(table: str, columns: Sequence[str], condition: str) -> str:
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {condition}"


def _insert(table: str, columns: Sequence[str], *expressions: str) -> str:
    """Return the INSERT of these columns; the last of them have the values of `expressions`."""
    values = ["?"] * (len(columns) - len(expressions))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([*values, *expressions])})"


# `html` depends on other files if it was made of `linked_html`.
_CONTENT = {"html": "iif(linked_html IS NULL, html, NULL)"}
_LISTS = {
    "related": RELATED_ROW,
    "article_topic": TOPIC_ROW,
    "article_author": AUTHOR_ROW,
    "article_section": SECTION_ROW,
}
"""Columns of the lists of an article, by table."""
_STORED_LISTS = {
    table: _select(table, columns, "article_id = ? ORDER BY position") for table, columns in _LISTS.items()
}
_WRITTEN_COLUMNS = ("path", "updated_at", "updated_key", *ARTICLE_ROW)
# The target is the current owner of the URL; `resolve_links` updates the links that this ingest changes.
_TARGET = f"(SELECT article_id FROM url_owner WHERE url = ?{3 + RELATED_ROW.index('url')})"
_INSERT_LISTS = {
    table: _insert(table, ("article_id", "position", *columns)) for table, columns in _LISTS.items()
} | {"related": _insert("related", ("article_id", "position", *RELATED_ROW, "target_id"), _TARGET)}
_INSERT_TOUCHED = "INSERT INTO touched VALUES (?, ?, ?, ?, (SELECT due FROM fallen_due WHERE path = ?))"
_UPDATE_SOURCE = (
    "UPDATE source SET size = ?1, mtime_ns = ?2, ctime_ns = ?3, read_ns = ?4, revision = ?5, state = ?6,"
    " due = iif(?7, due, ?8), due_after = iif(?7, due_after, ?9) WHERE path = ?10"
)


@cache
def _stored_article(field_columns: tuple[str, ...]) -> str:
    return _select("article", [_CONTENT.get(name, name) for name in (*ARTICLE_ROW, *field_columns)], "id = ?")


@cache
def _insert_article(field_columns: tuple[str, ...]) -> str:
    columns = (*_WRITTEN_COLUMNS, *field_columns)
    assignments = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return f"{_insert('article', ('id', *columns))} ON CONFLICT (id) DO UPDATE SET {assignments}"


@dataclass
class IngestState:
    """State of an ingest.

    `shadowed` are the paths whose slug belongs to an earlier path. `read_ns` is the start of the ingest,
    before any file was read. If `incremental`, dirty keys are marked per article; otherwise all keys are
    dirty. `empty` means that the store had no articles. `field_columns` are the columns of custom fields.
    """

    db: sqlite3.Connection
    read_ns: int
    incremental: bool
    empty: bool
    new_ids: Iterator[int]
    field_columns: tuple[str, ...] = ()
    shadowed: frozenset[str] = frozenset()
    problems_changed: bool = False


class _StoredArticle(NamedTuple):
    id: int
    published: int
    revision: str
    path: str


class _Write(NamedTuple):
    id: int
    path: str
    updated: Instant
    rows: ArticleRows


def delete_dependent_rows(state: IngestState) -> None:
    """Delete the usage counts, index entries and child rows of the articles in `batch`."""
    capture_images(state.db, state.field_columns)
    execute_all(state.db, DECREMENT_USAGE)
    if state.incremental:
        execute_all(state.db, REMOVE_FROM_INDEX)
    for table in (*_LISTS, "article_url", "article_link", "media"):
        state.db.execute(f"DELETE FROM {table} WHERE article_id IN batch")


def upsert_files(state: IngestState, files: Sequence[FileRows]) -> None:
    """Upsert the rows of these files."""
    record_slugs(state.db, ((file.slug, file.source.path) for file in files))
    state.db.executemany(
        _UPDATE_SOURCE,
        [
            (
                *(s.size, s.mtime_ns, s.ctime_ns, state.read_ns, file.revision, file.state),
                file.slug is None,  # the article of a file with an error stays, with its instants
                *(*file.due, s.path),
            )
            for file in files
            for s in (file.source,)
        ],
    )
    _upsert_problems(state, files)
    _upsert_articles(state, files)


def _upsert_problems(state: IngestState, files: Sequence[FileRows]) -> None:
    db = state.db
    old: dict[str, list[Row]] = {}
    for row in db.execute(
        f"SELECT {PROBLEM_COLUMNS} FROM problem"
        " WHERE across = 0 AND path IN (SELECT value FROM json_each(?))",
        (_to_json_array(file.source.path for file in files),),
    ):
        old.setdefault(row[0], []).append(row)
    changed = [file for file in files if _problems_differ(file.problems, old.get(file.source.path, []))]
    if changed:
        state.problems_changed = True
        db.executemany(
            "DELETE FROM problem WHERE path = ? AND across = 0", [(file.source.path,) for file in changed]
        )
        db.executemany(
            f"INSERT INTO problem ({PROBLEM_COLUMNS}, across) VALUES (?, ?, ?, ?, ?, ?, 0)",
            [problem for file in changed for problem in file.problems],
        )


def _problems_differ(problems: list[Row], others: list[Row]) -> bool:
    """Return whether the problems differ, in any order; most files have none."""
    return problems != others and Counter(problems) != Counter(others)


def _upsert_articles(state: IngestState, files: Sequence[FileRows]) -> None:
    stored = {} if state.empty else _load_stored(state.db, files)
    writes, moved, touched, uses = [], [], [], []
    for file in files:
        rows, path = file.article, file.source.path
        if rows is None or path in state.shadowed:
            continue
        old = stored.get(rows.slug)
        if old is not None and old.revision == file.revision and _is_stored(state, old.id, rows):
            if old.path != path:
                moved.append((path, old.id))
            uses.append(ImageUse(old.id, rows.is_public, rows.images))
            continue
        article_id = old.id if old is not None else next(state.new_ids)
        uses.append(ImageUse(article_id, rows.is_public, rows.images))
        writes.append(_Write(article_id, path, from_epoch_ns_to_ms(file.source.mtime_ns), rows))
        kind, was_public = ("ADDED", 0) if old is None else ("UPDATED", old.published)
        touched.append((rows.slug, kind, was_public, rows.is_public, path))
    state.db.executemany(_INSERT_TOUCHED, touched)
    _move(state, moved)
    _write(state, writes, replaced=[old.id for old in stored.values()])
    write_uses(state.db, uses, state.read_ns, replace=not state.empty)


def _load_stored(db: sqlite3.Connection, files: Iterable[FileRows]) -> dict[str, _StoredArticle]:
    slugs = _to_json_array(file.article.slug for file in files if file.article is not None)
    rows = db.execute(
        "SELECT slug, id, published, revision, path FROM article"
        " WHERE slug IN (SELECT value FROM json_each(?))",
        (slugs,),
    )
    return {slug: _StoredArticle(*rest) for slug, *rest in rows}


def _is_stored(state: IngestState, article_id: int, rows: ArticleRows) -> bool:
    """Return whether the store has exactly these rows of an article."""
    db = state.db
    if db.execute(_stored_article(state.field_columns), (article_id,)).fetchone() != rows.article:
        return False
    return all(
        db.execute(_STORED_LISTS[table], (article_id,)).fetchall() == list_rows
        for table, list_rows in _lists(rows).items()
    )


def _lists(rows: ArticleRows) -> dict[str, list[Row]]:
    return {
        "related": rows.related,
        "article_topic": rows.topics,
        "article_author": rows.authors,
        "article_section": rows.sections,
    }


def _move(state: IngestState, moved: Sequence[tuple[str, int]]) -> None:
    """Update the paths of articles whose unchanged content is now in another file with the same slug.

    Clients see no change, but cross-file problems contain the path.
    """
    if not moved:
        return
    state.db.executemany("UPDATE article SET path = ? WHERE id = ?", moved)
    mark_batch(state, (article_id for _, article_id in moved))


def _write(state: IngestState, writes: Sequence[_Write], replaced: Sequence[int]) -> None:
    if not writes:
        return
    db, ids = state.db, {write.id for write in writes}
    old = ids.intersection(replaced)
    if old:
        mark_batch(state, old)
        delete_dependent_rows(state)
    db.executemany(
        _insert_article(state.field_columns),
        [(w.id, w.path, w.updated.text, w.updated.key, *w.rows.article) for w in writes],
    )
    lists = [(w.id, _lists(w.rows)) for w in writes]
    for table, statement in _INSERT_LISTS.items():
        db.executemany(statement, _with_positions((article_id, each[table]) for article_id, each in lists))
    urls = "url_new" if state.empty else "article_url"
    db.executemany(f"INSERT INTO {urls} VALUES (?, ?)", [(url, w.id) for w in writes for url in w.rows.urls])
    db.executemany(
        "INSERT INTO article_link VALUES (?, ?)", [(slug, w.id) for w in writes for slug in w.rows.links]
    )
    db.executemany(
        "INSERT OR REPLACE INTO article_words VALUES (?, ?)", [(w.id, w.rows.words) for w in writes]
    )
    mark_batch(state, ids)
    execute_all(db, INCREMENT_USAGE)
    if state.incremental or state.empty:
        execute_all(db, ADD_TO_INDEX)
    if state.incremental:
        db.execute(TRACK_ADDED)


def mark_batch(state: IngestState, ids: Iterable[int]) -> None:
    """Fill `batch` with these article ids, and mark the keys in their current rows as dirty."""
    fill_batch(state.db, ids)
    if state.incremental:
        execute_all(state.db, MARK_DIRTY)


def _with_positions(lists: Iterable[tuple[int, list[Row]]]) -> list[Row]:
    return [(article_id, position, *row) for article_id, rows in lists for position, row in enumerate(rows)]


def _to_json_array(values: Iterable[str]) -> str:
    return msgspec.json.encode(list(values)).decode()


# Temporary tables of one ingest, so that its memory use does not grow with the folder.
#
# Changes are stored as values (slugs, URLs, domains), not ids, because the id of a removed article may be
# reused. `line` and `column_` are the position of a problem.


_TABLES = {
    # the current files of the folder; a size of -1 marks files and folders that cannot be read
    "scan": "path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER",
    # the files and folders that cannot be read (the path of a folder ends with `/`), each with its problem
    "refused": "path TEXT PRIMARY KEY, line INTEGER, column_ INTEGER, severity TEXT, code TEXT, message TEXT",
    # rows of `source` whose file no longer exists
    "gone": "path TEXT PRIMARY KEY, slug TEXT",
    # the scanned paths of an incremental scan: it covers these files and folders, and everything below them
    "area": "path TEXT PRIMARY KEY",
    # slugs of files that have another slug now
    "lost": "slug TEXT PRIMARY KEY",
    # slugs that the files to read may get
    "candidate": "slug TEXT, path TEXT, PRIMARY KEY (slug, path)",
    # files whose slug another file may get too; they are parsed first
    "contested": "path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER",
    # files whose articles appear or expire, and when, a sort key
    "fallen_due": "path TEXT PRIMARY KEY, due TEXT",
    # image files that have changed since an article has looked for them
    "changed_image": "path TEXT PRIMARY KEY",
    # files of the articles that have looked for these images
    "stale": "path TEXT PRIMARY KEY",
    # files to read
    "todo": "path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER",
    # ids of the articles that are being written or removed
    "batch": "id INTEGER PRIMARY KEY",
    # articles that were added, changed or removed, whether they were and are visible to the public, and when
    # they appeared or expired
    "touched": "slug TEXT PRIMARY KEY, kind TEXT, was_public INTEGER, is_public INTEGER, due TEXT",
    # what these articles were before (before_images.py)
    "captured_before": CAPTURED_COLUMNS,
    # the URLs of all articles in a bulk load, which become `article_url` at its end
    "url_new": "url TEXT, article_id INTEGER",
    # dirty keys: the keys of derived data to update (change_log.py)
    "affected_slug": "slug TEXT PRIMARY KEY",
    "affected_url": "url TEXT PRIMARY KEY",
    "affected_domain": "domain TEXT PRIMARY KEY",
    "affected_topic": "slug TEXT PRIMARY KEY",
    "affected_author": "slug TEXT PRIMARY KEY",
    "affected_section": "path TEXT PRIMARY KEY",
    "affected_story": "slug TEXT PRIMARY KEY",
    # articles whose stories are derived again
    "story_near": "id INTEGER PRIMARY KEY",
    # pairs of articles that list each other in `related`; `public`: both are published
    "mutual": "article_id INTEGER, other_id INTEGER, public INTEGER",
    # the connected components of these pairs, which are the stories
    "story_member": "scope INTEGER, component INTEGER, article_id INTEGER",
    # cross-file problems that were derived from the current content
    "across_new": "subject TEXT, path TEXT, line INTEGER, column_ INTEGER,"
    " severity TEXT, code TEXT, message TEXT",
    # the ids of the stored cross-file problems that they replace
    "across_old": "id INTEGER PRIMARY KEY",
}

# full-text indexes of the texts that were added to and removed from the stored ones, to count their words
_INDEXES = ("search_came", "search_went")


@contextmanager
def temp_tables(db: sqlite3.Connection) -> Iterator[None]:
    """Create the tables, and drop them at the end of the block; if it raises, the rollback drops them."""
    for name, columns in _TABLES.items():
        options = " WITHOUT ROWID" if "TEXT PRIMARY KEY" in columns else ""
        db.execute(f"CREATE TEMP TABLE {name} ({columns}){options}")
    for name in _INDEXES:
        db.execute(
            f"CREATE VIRTUAL TABLE temp.{name} USING fts5 (public, hidden,"
            f" content = '', detail = column, tokenize = '{TOKENIZER}')"
        )
        db.execute(f"CREATE VIRTUAL TABLE temp.{name}_words USING fts5vocab (temp, {name}, col)")
    yield
    for name in _INDEXES:
        db.execute(f"DROP TABLE temp.{name}_words")
        db.execute(f"DROP TABLE temp.{name}")
    for name in _TABLES:
        db.execute(f"DROP TABLE temp.{name}")
