"""Full-text indexes of published and of all articles, and word counts for finding similar articles.

The FTS5 indexes have external content: to delete an entry, they need the text that was inserted. So the
articles of `batch` are removed before their rows change, and added afterwards. Word counts change by the
counts in a temporary index of the added texts, minus those in one of the removed texts.
"""

import sqlite3

# ruff: noqa: S608 - the names in these statements are this program's

_COLUMNS = "title, excerpt, provider, topics, body, related"
_INDEXES = ("search_public", "search_all")
_TEXT = " || ' ' || ".join(f"coalesce({column}, '')" for column in _COLUMNS.split(", "))


def _noted(in_: str) -> str:
    """SQL that inserts into an index of `temp_tables`; public and other articles go to separate columns."""
    return (
        f"INSERT INTO temp.{in_} (public, hidden)"
        f" SELECT iif(published, {_TEXT}, NULL), iif(published, NULL, {_TEXT})"
        " FROM search_all_source WHERE id IN batch"
    )


_FORGET = (
    *(
        f"INSERT INTO {index} ({index}, rowid, {_COLUMNS})"
        f" SELECT 'delete', id, {_COLUMNS} FROM {index}_source WHERE id IN batch"
        for index in _INDEXES
    ),
    _noted("search_went"),
)
_TAKE = tuple(
    f"INSERT INTO {index} (rowid, {_COLUMNS}) SELECT id, {_COLUMNS} FROM {index}_source WHERE id IN batch"
    for index in _INDEXES
)
_NOTE = _noted("search_came")
_COUNT = (
    """
    INSERT INTO search_word
    SELECT scope, term, sum(documents) AS documents
    FROM (
        SELECT 0 AS scope, term, doc AS documents FROM temp.search_came_words WHERE col = 'public'
        UNION ALL SELECT 1, term, doc FROM temp.search_came_words
        UNION ALL SELECT 0, term, -doc FROM temp.search_went_words WHERE col = 'public'
        UNION ALL SELECT 1, term, -doc FROM temp.search_went_words
    )
    WHERE length(term) >= 4 GROUP BY scope, term HAVING sum(documents) <> 0
    ON CONFLICT (scope, word) DO UPDATE SET documents = search_word.documents + excluded.documents
    """,
    "DELETE FROM search_word WHERE scope IN (0, 1) AND documents = 0"
    " AND word IN (SELECT term FROM temp.search_went_words)",
)
_COUNT_ALL = (
    "DELETE FROM search_word",
    *(
        f"INSERT INTO search_word SELECT {scope}, term, doc FROM {index}_words WHERE length(term) >= 4"
        for scope, index in enumerate(_INDEXES)
    ),
)
_REBUILD = (
    *(f"INSERT INTO {index} ({index}) VALUES ('rebuild')" for index in _INDEXES),
    "DELETE FROM article_words",
    "INSERT INTO article_words SELECT id, words_of(title || ' ' || coalesce(excerpt, '')) FROM article",
)


def remove_from_index(db: sqlite3.Connection) -> None:
    """Remove the articles of `batch` from the indexes, before their indexed data changes."""
    for statement in _FORGET:
        db.execute(statement)


def add_to_index(db: sqlite3.Connection, *, track_word_counts: bool) -> None:
    """Add the articles of `batch` with their current rows.

    `track_word_counts` records them for `count_search_words`.
    """
    for statement in (*_TAKE, _NOTE) if track_word_counts else _TAKE:
        db.execute(statement)


def count_search_words(db: sqlite3.Connection) -> None:
    """Apply all removed and added texts to the word counts."""
    for statement in _COUNT:
        db.execute(statement)


def count_all_search_words(db: sqlite3.Connection) -> None:
    """Recompute the word counts from the indexes."""
    for statement in _COUNT_ALL:
        db.execute(statement)


def rebuild_search(db: sqlite3.Connection) -> None:
    """Rebuild the indexes and the articles' words instead of updating them article by article."""
    for statement in _REBUILD:
        db.execute(statement)
