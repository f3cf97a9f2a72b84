"""Ingest a folder in one transaction: readers see the content before it or after it.

1. Scan: compare the folder with the `source` table (`scan`), or only some paths of it (`part`).
2. Remove the articles that no longer have a file.
3. Parse the files that may have changed, and upsert the articles that did (`take`).
4. Update derived data: links, topics, providers, stories, cross-file problems.
5. Append to the change log, and advance the version of each audience that sees a change.
"""

import gc
import sqlite3
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from gqlnews.content.models import ParseOptions
from gqlnews.content.safe_open import OpenFolder
from gqlnews.database.sqlite.damage import check_everything
from gqlnews.database.sqlite.sqlite_errors import explained, explaining
from gqlnews.database.sqlite.writer import transaction, value_of
from gqlnews.discovery.root_folder import open_root
from gqlnews.discovery.scan import discover
from gqlnews.discovery.scan_paths import look
from gqlnews.ingest.bulk_load import is_empty, quick_where_empty
from gqlnews.ingest.change_log import MOST_REMOVED, ChangeCounts, ScopeDelta, log_changes, recount
from gqlnews.ingest.cross_file_problems import derive_across
from gqlnews.ingest.dirty_keys import mark_all_names, mark_all_urls, mark_batch
from gqlnews.ingest.fts_index import count_all_search_words, count_search_words, forget_search, rebuild_search
from gqlnews.ingest.full_scan import files_to_read, has_unreadable, later_files, refusals, take_stock
from gqlnews.ingest.incremental_scan import take_stock_of
from gqlnews.ingest.indexes import drop_indexes
from gqlnews.ingest.parse_files import parsing
from gqlnews.ingest.parser_fingerprint import fingerprint
from gqlnews.ingest.providers import derive_providers
from gqlnews.ingest.rows import FileRows, file_rows
from gqlnews.ingest.stories import derive_stories
from gqlnews.ingest.temp_tables import workspace
from gqlnews.ingest.topics import derive_topics
from gqlnews.ingest.upsert import IngestState, forget_lists, take
from gqlnews.ingest.url_owners import derive_links, take_new_urls
from gqlnews.ingest.usage_counts import forget_uses, tidy_uses
from gqlnews.timestamps import instant_of_ns

Progress = Callable[[int, int], None]
"""Called with the number of files read, and the total to read."""

_AT_ONCE = 128


@dataclass(frozen=True)
class IngestReport:
    """Result of an ingest, in articles; `problems` counts all problems now in the store."""

    added: int
    changed: int
    removed: int
    unchanged: int
    problems: int
    seconds: float
    articles: int


@dataclass(frozen=True)
class _IngestJob:
    folder: OpenFolder
    options: ParseOptions
    processes: int | None
    progress: Progress
    now_ns: int
    most_removed: int
    paths: Collection[str] | None


class _DerivedChanges(NamedTuple):
    """Growth of topics and providers, and whether cross-file problems changed."""

    topics: ScopeDelta
    providers: ScopeDelta
    problems_changed: bool


def ingest(
    db: sqlite3.Connection,
    folder: Path,
    options: ParseOptions,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
    now_ns: Callable[[], int] = time.time_ns,
    most_removed: int = MOST_REMOVED,
    paths: Collection[str] | None = None,
) -> IngestReport:
    """Make the store equal to the files of `folder`; an article whose file has an error stays as it was.

    `db` is a connection from `open_writer`, `processes` the number of parser processes (by default one per
    processor), `now_ns` the wall clock, `most_removed` how many removals each scope remembers.

    With `paths`, relative to the folder and with `/`, only these and what is below them is scanned;
    everything else is assumed unchanged. Raises FolderError, DatabaseError or a subclass; the transaction is
    then rolled back.
    """
    started = time.perf_counter()
    path, now = _path(db), now_ns()
    with open_root(folder) as opened, explaining(path), _checking(db, path), _without_garbage_collection():
        job = _IngestJob(opened, options, processes, progress or _silence, now, most_removed, paths)
        with quick_where_empty(db), transaction(db), workspace(db):
            changes = _run(db, job)
            articles = value_of(db, "SELECT article_count FROM site WHERE audience = 1")
            problems = value_of(db, "SELECT count(*) FROM problem")
    unchanged = articles - changes.added - changes.changed
    return IngestReport(*changes, unchanged, problems, time.perf_counter() - started, articles)


def _run(db: sqlite3.Connection, job: _IngestJob) -> ChangeCounts:
    meaning = fingerprint(job.options)
    anew = db.execute("SELECT fingerprint FROM store").fetchone() != (meaning,)
    empty = is_empty(db)
    total = _take_stock(db, job, anew=anew, empty=empty)
    next_id = value_of(db, "SELECT coalesce(max(id), 0) + 1 FROM article")
    marks = not (anew or empty)
    intake = IngestState(db, later_files(db), job.now_ns, marks=marks, empty=empty, next_id=next_id)
    later_indexes = drop_indexes(db) if empty and total else []
    _remove(intake)
    with closing(_read(db, job, total)) as files:  # stops the parser processes if anything raises
        _take_all(intake, chain(map(file_rows, refusals(db)), files), total, job.progress)
    if anew:
        db.execute("UPDATE store SET fingerprint = ?", (meaning,))
    derived = _derive(intake, later_indexes)
    changes = log_changes(
        db,
        problems_changed=derived.problems_changed or intake.problems_changed,
        providers=derived.providers,
        topics=derived.topics,
        now=instant_of_ns(job.now_ns).text,
        most_removed=job.most_removed,
    )
    if not marks:
        recount(db)
    return changes


def _take_stock(db: sqlite3.Connection, job: _IngestJob, *, anew: bool, empty: bool) -> int:
    """Scan the folder; return the number of files to read.

    An initial load and a full rebuild need the whole folder, whatever `paths` says.
    """
    if job.paths is None or anew or empty or "" in job.paths:
        return take_stock(db, discover(job.folder), everything=anew)
    return take_stock_of(db, partial(look, job.folder), job.paths)


def _read(db: sqlite3.Connection, job: _IngestJob, total: int) -> Generator[FileRows, None, None]:
    if total:
        from gqlnews.ingest.worker_pool import read_into  # not imported if the folder is unchanged

        # Closed here, because an unfinished statement would block the end of the transaction.
        with closing(files_to_read(db)) as files, parsing(_path(db)) as crashed:
            isolate = crashed or has_unreadable(db)
            yield from read_into(file_rows, job.folder, files, job.options, job.processes, isolate=isolate)


def _take_all(intake: IngestState, files: Iterable[FileRows], total: int, progress: Progress) -> None:
    files, done = iter(files), 0
    progress(0, total)
    while some := list(islice(files, _AT_ONCE)):
        take(intake, some)
        done += sum(file.source.size >= 0 for file in some)
        progress(done, total)


def _remove(intake: IngestState) -> None:
    """Remove the articles of slugs that no longer have a file, and the problems of removed files."""
    db = intake.db
    removed = db.execute("DELETE FROM problem WHERE across = 0 AND path IN (SELECT path FROM gone)").rowcount
    intake.problems_changed = removed > 0
    db.execute(
        "INSERT INTO batch SELECT id FROM article WHERE slug IN (SELECT slug FROM gone)"
        " AND NOT EXISTS (SELECT 1 FROM source WHERE source.slug = article.slug)"
    )
    db.execute("INSERT INTO touched SELECT slug, 'REMOVED', published, 0 FROM article WHERE id IN batch")
    mark_batch(db)
    forget_uses(db)
    if intake.marks:
        forget_search(db)
    forget_lists(db)
    db.execute("DELETE FROM article WHERE id IN batch")


def _derive(intake: IngestState, later_indexes: Iterable[str]) -> _DerivedChanges:
    """Update the data that is derived from several files."""
    db = intake.db
    if intake.empty:
        take_new_urls(db)
    if not intake.marks:
        mark_all_urls(db)
    derive_links(db, marks=intake.marks)
    for statement in later_indexes:
        db.execute(statement)
    if not intake.marks:
        mark_all_names(db)
    tidy_uses(db)
    topics = derive_topics(db)
    providers = derive_providers(db)
    derive_stories(db, everything=not intake.marks)
    _derive_search(intake)
    return _DerivedChanges(topics, providers, derive_across(db))


def _derive_search(intake: IngestState) -> None:
    """Update search data once per ingest, after `take`."""
    if intake.marks:
        count_search_words(intake.db)
        return
    if not intake.empty:
        rebuild_search(intake.db)
    count_all_search_words(intake.db)


@contextmanager
def _checking(db: sqlite3.Connection, path: str) -> Iterator[None]:
    """Check for damage behind an error that does not report it, such as a row missing from an index.

    Raises DamagedDatabaseError.
    """
    try:
        yield
    except sqlite3.Error as error:
        code: int | None = getattr(error, "sqlite_errorcode", None)  # sqlite3's own errors have none
        if explained(error, path) is None and code not in {None, sqlite3.SQLITE_INTERRUPT}:
            check_everything(db, path)
        raise


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disable the garbage collector: an ingest makes many rows but no reference cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _silence(done: int, total: int) -> None:
    """Ignore progress."""


def _path(db: sqlite3.Connection) -> str:
    """Return the path of the database without accessing the file, which may not be readable."""
    _, _, path = db.execute("PRAGMA database_list").fetchone()
    return str(path)
