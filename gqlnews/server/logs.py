"""The log: one line an event, readable or JSON, on standard error.

An event is a message and fields: `note("operation", name="Front", ms=1.9)`. A token never gets here:
nothing logs headers.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from time import perf_counter
from typing import TextIO

import orjson

from gqlnews.settings import LogFormat

FIELDS = "fields"
PLAIN_VALUE = re.compile(r"[\w.:/+@%-]+", re.ASCII)

log = logging.getLogger("gqlnews")


def note(message: str, **fields: object) -> None:
    """Log one event with its fields. The record is made by hand: `log.info` would look for who called it."""
    if log.isEnabledFor(logging.INFO):
        record = logging.LogRecord(log.name, logging.INFO, "", 0, message, None, None)
        setattr(record, FIELDS, fields)
        log.handle(record)


def note_stream(operation: str | None, start: float, events: int, over: str) -> None:
    """Log the end of an operation whose answers were streamed; `start` by `perf_counter`."""
    note("operation", name=operation, ms=round((perf_counter() - start) * 1000, 2), events=events, over=over)


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.000Z info operation name=Front ms=1.9 rows=1 … cached=False`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, FIELDS, {})
        parts = [_time(record), record.levelname.lower(), _one_line(record.getMessage())]
        parts += [
            f"{key}={value if isinstance(value, int | float) else _plain(value)}"
            for key, value in fields.items()
        ]
        line = " ".join(parts)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str).decode()


def configure(format: LogFormat, stream: TextIO | None = None) -> None:
    """Send everything that is logged to `stream` (standard error), in this format, and nowhere else.

    Of the server's own log only warnings and errors are kept: this program says when it starts and stops.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format is LogFormat.JSON else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # No line names a thread or a process, and no record need ask for them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)


def _time(record: logging.LogRecord) -> str:
    milliseconds = int(record.created * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=1)
def _second(since_epoch: int) -> str:
    """Every line of one second begins alike."""
    return datetime.fromtimestamp(since_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _plain(value: object) -> str:
    """One plain word as it is, all else quoted, so that no value can end its line or its field."""
    text = "-" if value is None else str(value)
    return text if PLAIN_VALUE.fullmatch(text) else json.dumps(text)


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
