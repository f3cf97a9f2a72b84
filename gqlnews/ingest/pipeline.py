"""Ingest a folder in one transaction, so that readers see the content either before or after it.

1. Scan: compare the folder (`scan_all`), or some of its paths (`scan_paths_incrementally`), with the `source`
   table.
2. Remove the articles that no longer have a file.
3. Parse the files that may have changed, and upsert the articles that did (`upsert_files`). If that fails
   unexpectedly, the ingest runs again, and skips the files that cannot be written (`upsert_or_skip`).
4. Publish and hide the articles of all other files whose instant has come (`apply_schedule`).
5. Update derived data: links, topics, providers, stories, cross-file problems.
6. Update the change log, and advance the version of each audience that sees a change.
"""

import gc
import sqlite3
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count, islice
from pathlib import Path

import msgspec

from gqlnews.content.models import NO_CONFIG, ContentConfig, ParseOptions, apply_config, clamp_ns
from gqlnews.content.safe_open import OpenFolder
from gqlnews.custom_fields import field_columns
from gqlnews.database.sqlite.damage import check_integrity, damaged_error, to_database_error, translate_errors
from gqlnews.database.sqlite.outbox import record_changes
from gqlnews.database.sqlite.writer import database_path, declare_fields, execute_all, fetch_int, transaction
from gqlnews.discovery.config_files import is_config
from gqlnews.discovery.scan import is_article, is_image, open_root, scan_folder
from gqlnews.ingest.apply_schedule import apply_schedule, find_due, next_due
from gqlnews.ingest.before_images import declare_captured
from gqlnews.ingest.change_detection import (
    IngestOptions,
    files_to_read,
    fingerprint,
    has_unreadable,
    scan_all,
    scan_paths_incrementally,
    stored_options,
    unreadable_results,
)
from gqlnews.ingest.change_log import (
    MARK_ALL_NAMES_DIRTY,
    MARK_ALL_URLS_DIRTY,
    MARK_DIRTY,
    MAX_REMOVED,
    RECOUNT,
    ChangeCounts,
    ScopeDelta,
    append_changes,
)
from gqlnews.ingest.derive import (
    DELETE_UNUSED,
    derive_authors,
    derive_providers,
    derive_sections,
    derive_topics,
)
from gqlnews.ingest.fts_index import (
    COUNT_ALL_SEARCH_WORDS,
    COUNT_SEARCH_WORDS,
    REBUILD_SEARCH,
    bulk_load_mode,
    defer_indexes,
    is_empty,
)
from gqlnews.ingest.links import (
    LOAD_URLS,
    derive_cross_file_problems,
    resolve_body_links,
    resolve_links,
    store_config_problems,
)
from gqlnews.ingest.media import find_stale
from gqlnews.ingest.rows import FileRows, file_rows
from gqlnews.ingest.skip_failing import is_caused_by_values, upsert_or_skip
from gqlnews.ingest.slugs import contested_files, define_slugs, settle_slugs
from gqlnews.ingest.store_sites import store_sites
from gqlnews.ingest.stories import derive_stories
from gqlnews.ingest.upsert import IngestState, delete_dependent_rows, temp_tables, upsert_files
from gqlnews.ingest.worker_pool import crash_marker
from gqlnews.timestamps import from_epoch_ns, from_epoch_ns_to_ms

Progress = Callable[[int, int], None]
"""Called with the number of files read, and the total to read."""

_BATCH_FILES = 128
_CONFIG_DEPTH = 6  # folders above a configuration file, from the content folder on


@dataclass(frozen=True)
class IngestReport:
    """Result of an ingest: numbers of articles; `problems` is the number of all problems in the store.

    `next_due` is when the next article appears or expires, a sort key; None if none does.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    problems: int
    seconds: float
    articles: int
    next_due: str | None


@dataclass(frozen=True)
class _IngestParameters:
    """Parameters of one ingest; see `ingest`.

    `clock` is the wall clock, and `now_ns` its time at the beginning of the transaction. `config` is the
    configuration of the folder. `skip_failing` skips files that cannot be written.
    """

    folder: OpenFolder
    options: ParseOptions
    processes: int | None
    progress: Progress
    clock: Callable[[], int]
    max_removed: int
    paths: Collection[str] | None
    now_ns: int = 0
    config: ContentConfig = NO_CONFIG
    skip_failing: bool = False


def ingest(
    db: sqlite3.Connection,
    folder: Path,
    options: ParseOptions,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
    now_ns: Callable[[], int] = time.time_ns,
    max_removed: int = MAX_REMOVED,
    paths: Collection[str] | None = None,
) -> IngestReport:
    """Make the store equal to the files of `folder`; an article whose file has an error remains unchanged.

    `db` is a connection from `open_writer`, `processes` the number of parser processes (by default one per
    core), `now_ns` the wall clock, `max_removed` the number of removals that the log of each scope keeps.

    With `paths`, relative to the folder and with `/`, only these paths and everything below them are scanned;
    all other files are assumed to be unchanged, but their articles appear and expire. Raises StartupError:
    ContentFolderError, ParserProcessError, ExhaustedError, DatabaseError or a subclass of these; the
    transaction is then rolled back.
    """
    started = time.perf_counter()
    path = database_path(db)
    with (
        open_root(folder) as content,
        translate_errors(path),
        _check_damage_on_error(db, path),
        _without_garbage_collection(),
    ):
        parameters = _IngestParameters(
            content, options, processes, progress or (lambda _done, _total: None), now_ns, max_removed, paths
        )
        try:
            result = _run_transaction(db, parameters)
        except Exception as error:
            if not is_caused_by_values(error):
                raise
            result = _run_transaction(db, replace(parameters, skip_failing=True))
    return replace(result, seconds=time.perf_counter() - started)


def _run_transaction(db: sqlite3.Connection, parameters: _IngestParameters) -> IngestReport:
    """Return the report, without the duration.

    The clock is read once, with the write lock: a process that waited for the lock must not decide by an
    earlier time than the ingest before it, which would hide again what has just appeared.
    """
    with bulk_load_mode(db), transaction(db), temp_tables(db), record_changes(db):
        parameters = replace(parameters, now_ns=clamp_ns(parameters.clock()))
        changes = _run(db, parameters)
        articles = fetch_int(db, "SELECT article_count FROM site WHERE audience = 1")
        problems = fetch_int(db, "SELECT count(*) FROM problem")
        unchanged = articles - changes.added - changes.changed
        return IngestReport(*changes, unchanged, problems, 0.0, articles, next_due(db))


def _run(db: sqlite3.Connection, parameters: _IngestParameters) -> ChangeCounts:
    given = parameters.options
    parameters, config_problems_changed, site_changed = _find_sites(db, parameters)
    fields_changed = declare_fields(db, parameters.options.fields)
    current_fingerprint = fingerprint(IngestOptions(parameters.options, given, parameters.config))
    now = from_epoch_ns(parameters.now_ns).key
    find_due(db, now)
    full_rebuild = db.execute("SELECT fingerprint FROM store").fetchone() != (current_fingerprint,)
    empty = is_empty(db)
    total = _find_changed(db, parameters, full_rebuild=full_rebuild, empty=empty)
    new_ids = count(fetch_int(db, "SELECT coalesce(max(id), 0) + 1 FROM article"))
    incremental = not (full_rebuild or empty)
    columns = tuple(field_columns(parameters.options.fields))
    declare_captured(db, columns)
    state = IngestState(db, parameters.now_ns, incremental, empty, new_ids, columns)
    state.problems_changed = config_problems_changed or fields_changed
    deferred_indexes = defer_indexes(db) if empty and total else []
    _remove(state, "gone")
    with closing(_read(state, parameters, total)) as files:  # stops the parser processes if anything raises
        _apply_files(state, chain(map(file_rows, unreadable_results(db)), files), total, parameters)
    _remove(state, "lost")
    apply_schedule(state, now)
    if full_rebuild:
        db.execute("UPDATE store SET fingerprint = ?", (current_fingerprint,))
    topics, providers, cross_file_problems_changed = _derive(state, deferred_indexes)
    changes = append_changes(
        db,
        problems_changed=cross_file_problems_changed or state.problems_changed,
        site_changed=site_changed,
        providers=providers,
        topics=topics,
        now=from_epoch_ns_to_ms(parameters.now_ns).text,
        max_removed=parameters.max_removed,
        field_columns=columns,
    )
    if not incremental:
        db.execute(RECOUNT)
    return changes


def _find_sites(
    db: sqlite3.Connection, parameters: _IngestParameters
) -> tuple[_IngestParameters, bool, bool]:
    """Add the configuration and the sites of the folder to the options.

    If only some paths are scanned, they are those of the last ingest, unless a path may be a configuration. A
    configuration with mistakes leaves the one of the last ingest in effect. Returns also whether the problems
    of these files changed, and what clients see of the site.
    """
    stored = stored_options(db)
    if (
        stored is not None
        and parameters.paths is not None
        and not any(_may_be_config(parameters.folder.path, path) for path in parameters.paths)
        and stored.given == parameters.options
    ):
        options = msgspec.structs.replace(stored.effective, now_ns=parameters.now_ns)
        return replace(parameters, options=options, config=stored.config), False, False
    # These import the parsers.
    from gqlnews.discovery.find_config import find_config
    from gqlnews.discovery.sites import find_sites

    found = find_config(parameters.folder, parameters.options.config_path)
    last = NO_CONFIG if stored is None else stored.config
    config = last if found.config is None else found.config
    options = apply_config(parameters.options, config)
    detection = find_sites(parameters.folder, options)
    options = msgspec.structs.replace(options, sites=detection.sites, now_ns=parameters.now_ns)
    problems = (*found.problems, *detection.problems)
    problems_changed, site_changed = store_config_problems(db, problems), store_sites(db, detection.sites)
    return replace(parameters, options=options, config=config), problems_changed, site_changed


def _may_be_config(folder: Path, path: str) -> bool:
    """Return whether a changed path may be a configuration file, or a folder that contains one."""
    is_file = (is_article(path) or is_image(path)) and not (folder / path).is_dir()
    return is_config(path) or (not is_file and path.count("/") < _CONFIG_DEPTH)


def _find_changed(
    db: sqlite3.Connection, parameters: _IngestParameters, *, full_rebuild: bool, empty: bool
) -> int:
    """Scan the folder; return the number of files to read.

    An initial load and a full rebuild need the whole folder, even if `paths` is set.
    """
    define_slugs(db, parameters.options.sites)
    if parameters.paths is None or full_rebuild or empty or "" in parameters.paths:
        find_stale(db, parameters.folder)
        return scan_all(db, scan_folder(parameters.folder), reread=full_rebuild)
    return scan_paths_incrementally(db, parameters.folder, parameters.paths)


def _read(state: IngestState, parameters: _IngestParameters, total: int) -> Generator[FileRows, None, None]:
    db = state.db
    if total:
        from gqlnews.ingest.worker_pool import map_files  # not imported if the folder is unchanged

        # Closed here, because the transaction cannot end while a statement is unfinished.
        with crash_marker(database_path(db)) as crashed_before:
            parse = partial(
                map_files,
                file_rows,
                parameters.folder,
                options=parameters.options,
                processes=parameters.processes,
                isolate=crashed_before or has_unreadable(db),
            )
            if contested := contested_files(db):
                first = list(parse(files=contested))
                state.shadowed = settle_slugs(db, [(file.slug, file.source.path) for file in first])
                yield from first
            with closing(files_to_read(db)) as files:
                yield from parse(files=files)


def _apply_files(
    state: IngestState, files: Iterable[FileRows], total: int, parameters: _IngestParameters
) -> None:
    files, done = iter(files), 0
    parameters.progress(0, total)
    while batch := list(islice(files, _BATCH_FILES)):
        if parameters.skip_failing:
            upsert_or_skip(state, batch, database_path(state.db))
        else:
            upsert_files(state, batch)
        done += sum(file.source.size >= 0 for file in batch)
        parameters.progress(done, total)


def _remove(state: IngestState, table: str) -> None:
    """Remove the articles of a table's slugs that no longer have a file, and the problems of gone files."""
    db = state.db
    removed = db.execute("DELETE FROM problem WHERE across = 0 AND path IN (SELECT path FROM gone)").rowcount
    state.problems_changed = state.problems_changed or removed > 0
    db.execute("DELETE FROM batch")
    db.execute(
        f"INSERT INTO batch SELECT id FROM article WHERE slug IN (SELECT slug FROM {table})"  # noqa: S608
        " AND NOT EXISTS (SELECT 1 FROM source WHERE source.slug = article.slug)"
    )
    db.execute(
        "INSERT INTO touched SELECT slug, 'REMOVED', published, 0, NULL FROM article WHERE id IN batch"
    )
    execute_all(db, MARK_DIRTY)
    delete_dependent_rows(state)
    db.execute("DELETE FROM article WHERE id IN batch")


def _derive(state: IngestState, deferred_indexes: Iterable[str]) -> tuple[ScopeDelta, ScopeDelta, bool]:
    """Update the data that is derived from several files.

    Returns by how many the numbers of topics and of providers changed, and whether cross-file problems did.
    """
    db = state.db
    if state.empty:
        db.execute(LOAD_URLS)
    if not state.incremental:
        db.execute(MARK_ALL_URLS_DIRTY)
    resolve_links(db, incremental=state.incremental)
    execute_all(db, deferred_indexes)
    if not state.incremental:
        execute_all(db, MARK_ALL_NAMES_DIRTY)
    execute_all(db, DELETE_UNUSED)
    topics = derive_topics(db)
    providers = derive_providers(db)
    derive_authors(db)
    derive_sections(db)
    derive_stories(db, rebuild_all=not state.incremental)
    resolve_body_links(db, incremental=state.incremental)
    _derive_search(state)
    return topics, providers, derive_cross_file_problems(db)


def _derive_search(state: IngestState) -> None:
    """Update search data once per ingest, after `upsert_files`."""
    if state.incremental:
        execute_all(state.db, COUNT_SEARCH_WORDS)
        return
    if not state.empty:
        execute_all(state.db, REBUILD_SEARCH)
    execute_all(state.db, COUNT_ALL_SEARCH_WORDS)


@contextmanager
def _check_damage_on_error(db: sqlite3.Connection, path: str) -> Iterator[None]:
    """After an error that may be caused by damage, such as a row missing from an index, check the database.

    Raises DamagedDatabaseError.
    """
    try:
        yield
    except sqlite3.Error as error:
        code: int | None = getattr(error, "sqlite_errorcode", None)  # sqlite3's own errors have none
        if to_database_error(error, path) is None and code not in {None, sqlite3.SQLITE_INTERRUPT}:
            check_integrity(db, path)
            if str(error).startswith("no such table"):  # SQLite does not always find the pages that it had
                raise damaged_error(path, str(error)) from error
        raise


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disable the garbage collector, because an ingest creates many objects but no reference cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
