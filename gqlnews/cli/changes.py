"""`gqlnews changes`: print the changes of the articles as JSON lines, from a version on, at least once."""

import os
import select
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson

from gqlnews.cli.supervisor import exit_on_signal
from gqlnews.config.values import PostgresUrl
from gqlnews.database.change_history import PAGE_SIZE, ChangeHistory, HistorySource, RecordedChange
from gqlnews.database.sqlite.history_source import SqliteHistory

POLL_INTERVAL = 0.05  # seconds
STOPPED = "to resume, pass the `version` of the last line that you processed as --since"


@dataclass(frozen=True, slots=True)
class ChangesOptions:
    """Options of `gqlnews changes`."""

    database: Path | PostgresUrl
    since: str | None
    follow: bool
    fields: tuple[str, ...]
    unpublished: bool


def run_changes(options: ChangesOptions) -> None:
    """Print the changes until there are no more or, to follow, until a signal or until their reader is gone.

    Raises CommandError.
    """
    with exit_on_signal(STOPPED, code=0 if options.follow else None):
        scope = int(options.unpublished)
        with closing(
            ChangeHistory(_open_source(options.database), scope, options.fields, options.since)
        ) as history:
            try:
                for page in _pages(history, follow=options.follow):
                    sys.stdout.buffer.writelines(to_line(change, options.fields) for change in page)
                    sys.stdout.buffer.flush()
            except BrokenPipeError:
                _discard_output()


def _open_source(database: Path | PostgresUrl) -> HistorySource:
    if isinstance(database, PostgresUrl):
        # Imported only with a URL, as only `gqlnews[postgres]` installs the driver.
        from gqlnews.database.postgresql.history_source import PostgresHistory

        return PostgresHistory(database)
    return SqliteHistory(database)


def _pages(history: ChangeHistory, *, follow: bool) -> Iterator[Sequence[RecordedChange]]:
    if history.is_at_start:
        yield from _in_pages(history.read_articles())
    while True:
        while page := history.read_page():
            yield page
        if not follow or _is_output_closed(POLL_INTERVAL):
            return


def _in_pages(changes: Iterable[RecordedChange]) -> Iterator[Sequence[RecordedChange]]:
    iterator = iter(changes)
    while page := list(islice(iterator, PAGE_SIZE)):
        yield page


def to_line(change: RecordedChange, fields: Sequence[str]) -> bytes:
    """Return the line; without fields, it does not contain the states."""
    line: dict[str, object] = {"version": change.version, "slug": change.slug, "kind": change.kind}
    if fields:
        line |= {"before": change.before, "after": change.after}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _is_output_closed(seconds: float) -> bool:
    """Wait until the reader of standard output is gone, or for this time; return whether it is gone."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)  # reports only errors, such as a pipe without a reader
    return bool(output.poll(seconds * 1000))


def _discard_output() -> None:
    """Discard what is still to be written, which would fail again when the process exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
