"""Full-text indexes, and the bulk-load mode of the first ingest."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gqlnews.columns import TEXT_COLUMNS
from gqlnews.database.sqlite.writer import BUSY_TIMEOUT, enable_wal, fetch_int

# ruff: noqa: S608 - these statements are built from constants only

# Full-text indexes of published and of all articles, and word counts for finding similar articles.
#
# The FTS5 indexes have external content: to delete an entry, they need the text that was inserted. So the
# articles of `batch` are removed before their rows change, and added afterwards. Two temporary indexes
# contain the added and the removed texts; the counts of the first are added to the word counts, those of the
# second are subtracted.


_INDEXES = ("search_public", "search_all")
_TEXT = " || ' ' || ".join(f"coalesce({column}, '')" for column in TEXT_COLUMNS.split(", "))


def _track_sql(index: str) -> str:
    """Build SQL that inserts into a temporary index; published and other articles have separate columns."""
    return (
        f"INSERT INTO temp.{index} (public, hidden)"
        f" SELECT iif(published, {_TEXT}, NULL), iif(published, NULL, {_TEXT})"
        " FROM search_all_source WHERE id IN batch"
    )


# Remove the articles of `batch` from the indexes, before their indexed data changes.
REMOVE_FROM_INDEX = (
    *(
        f"INSERT INTO {index} ({index}, rowid, {TEXT_COLUMNS})"
        f" SELECT 'delete', id, {TEXT_COLUMNS} FROM {index}_source WHERE id IN batch"
        for index in _INDEXES
    ),
    _track_sql("search_went"),
)
# Add the articles of `batch` with their current rows.
ADD_TO_INDEX = tuple(
    f"INSERT INTO {index} (rowid, {TEXT_COLUMNS})"
    f" SELECT id, {TEXT_COLUMNS} FROM {index}_source WHERE id IN batch"
    for index in _INDEXES
)
TRACK_ADDED = _track_sql("search_came")  # so that COUNT_SEARCH_WORDS counts them
# Update the word counts by all removed and added texts.
COUNT_SEARCH_WORDS = (
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
COUNT_ALL_SEARCH_WORDS = (
    "DELETE FROM search_word",
    *(
        f"INSERT INTO search_word SELECT {scope}, term, doc FROM {index}_words WHERE length(term) >= 4"
        for scope, index in enumerate(_INDEXES)
    ),
)
# Rebuild the indexes and the words of all articles from their rows.
REBUILD_SEARCH = (
    *(f"INSERT INTO {index} ({index}) VALUES ('rebuild')" for index in _INDEXES),
    "DELETE FROM article_words",
    "INSERT INTO article_words SELECT id, words_of(title || ' ' || coalesce(excerpt, '')) FROM article",
)


# Bulk-load mode for the first ingest into an empty store: faster, and equally safe.


def is_empty(db: sqlite3.Connection) -> bool:
    """Return whether the store has no articles."""
    return fetch_int(db, "SELECT NOT EXISTS (SELECT 1 FROM article)") == 1


@contextmanager
def bulk_load_mode(db: sqlite3.Connection) -> Iterator[None]:
    """Load an empty store without foreign key checks and with a rollback journal, which is twice as fast.

    If the store is not empty, the block runs with the usual settings.

    The checks are not needed: rows that refer to a removed article are deleted or derived again by name. So
    it does no harm if another process fills the store before this one gets the write lock.

    Pages that are appended to the file need no rollback journal, so they are written once. Write-ahead
    logging would write them twice, or more often if they do not fit into the cache. If this process is
    killed, the next process that opens the database rolls back its hot journal. During the load, the database
    is locked for other processes.
    """
    if not is_empty(db):
        yield
        return
    db.execute("PRAGMA foreign_keys = OFF")
    uses_rollback_journal = _enable_rollback_journal(db)
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # the first error is raised; `open_writer` sets these settings too
            _restore_settings(db, uses_rollback_journal=uses_rollback_journal)
        raise
    _restore_settings(db, uses_rollback_journal=uses_rollback_journal)


def _restore_settings(db: sqlite3.Connection, *, uses_rollback_journal: bool) -> None:
    db.execute("PRAGMA foreign_keys = ON")
    if uses_rollback_journal:
        enable_wal(db, BUSY_TIMEOUT)


def _enable_rollback_journal(db: sqlite3.Connection) -> bool:
    """Switch to a rollback journal; return False if another connection has the database open."""
    try:
        db.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


# Create the indexes of large tables after a bulk load, which is faster than updating them for each row.


_LARGE_TABLE_INDEXES = """
SELECT name, sql FROM sqlite_master
WHERE type = 'index' AND sql IS NOT NULL
    AND tbl_name IN (
        'article', 'related', 'article_url', 'url_owner', 'article_topic', 'article_author', 'article_section'
    )
"""


def defer_indexes(db: sqlite3.Connection) -> list[str]:
    """Drop the indexes of the large tables; return the statements that create them again."""
    indexes = db.execute(_LARGE_TABLE_INDEXES).fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    return [sql for _, sql in indexes]
