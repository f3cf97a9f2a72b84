"""Structured logs and request ids."""

import asyncio
import json
import logging
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from secrets import token_hex
from time import perf_counter, time
from typing import TextIO

import orjson

from gqlnews.config.values import LogFormat

# Request ids for responses and logs: the client's `X-Request-Id` if it is valid, or else a new one.

REQUEST_ID = b"x-request-id"

STOP_SIGNAL_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
"""The signals that stop a command or the server, with their names in messages and logs."""


def stop_signals() -> list[signal.Signals]:
    """Return the signals to handle; `nohup` ignores SIGHUP, so that the command outlives its terminal."""
    is_hangup_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [one for one in STOP_SIGNAL_NAMES if not (one == signal.SIGHUP and is_hangup_ignored)]


_VALID_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS_PREFIX = token_hex(4).encode()
_request_numbers = count(1)

request_id_var: ContextVar[str | None] = ContextVar("request", default=None)
"""The request id of the current task."""


def assign_request_id(client_id: bytes) -> bytes:
    """Return the id of a new request and set it for the current task; `client_id` is its `X-Request-Id`."""
    request_id = (
        client_id
        if client_id and _VALID_ID.fullmatch(client_id)
        else b"%b%08x" % (_PROCESS_PREFIX, next(_request_numbers))
    )
    request_id_var.set(request_id.decode("ascii"))
    return request_id


# Structured logging: events as text or JSON on standard error.
#
# An event is a message and fields: `log_event("operation", name="Front", ms=1.9)`. It is one line, but in
# the text format a traceback may follow. Headers other than a valid `X-Request-Id`, and so tokens, are never
# logged.

# The logs of the command line are those of its process (`configure`). Within another program, gqlnews
# configures only its own logger (`configure_own_logger`), and only if the program has no handler for it.

EVENT, FIELDS = "event", "fields"  # attributes of a LogRecord
PLAIN_VALUE = re.compile(r"[\w.:/+@%-]+", re.ASCII)

log = logging.getLogger("gqlnews")
_root = logging.getLogger()

Fields = Mapping[str, object]


def log_event(message: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Log an event with its fields.

    This runs for each request, so no LogRecord is created if our handler is the only one. For other handlers,
    the text of the record contains the fields too.
    """
    handlers = _root.handlers + log.handlers
    if level == logging.INFO and len(handlers) == 1 and type(handlers[0]) is BatchingHandler:
        handlers[0].emit_event(message, fields)
    elif log.isEnabledFor(level):
        text = " ".join((message, *_pairs(fields)))
        log.log(level, text, extra={EVENT: message, FIELDS: fields}, stacklevel=2)


def log_stream_end(
    operation: str | None, start: float, events: int, transport: str, code: str | None = None
) -> None:
    """Log the end of a streamed operation; `start` is a `perf_counter` value.

    `code` is the error code, if the operation was rejected or failed.
    """
    ms = round((perf_counter() - start) * 1000, 2)
    error = {} if code is None else {"code": code}
    log_event(
        "operation", name=operation, ms=ms, events=events, over=transport, **error, id=request_id_var.get()
    )


def log_rejection(over: str, status: int, code: str, reason: str) -> None:
    """Log a request that was rejected before it became an operation.

    `over` is its transport, `status` the HTTP status or the close code of a WebSocket.
    """
    log_event("rejected", over=over, status=status, code=code, reason=reason, id=request_id_var.get())


def _fields(record: logging.LogRecord) -> Fields:
    """The fields of a record; a record without fields gets the id of the current request."""
    fields: Fields | None = getattr(record, FIELDS, None)
    if fields is None:
        return {"id": request} if (request := request_id_var.get()) else {}
    return fields


def _message(record: logging.LogRecord) -> str:
    """The message of a record, without the fields."""
    event: str | None = getattr(record, EVENT, None)
    return record.getMessage() if event is None else event


class TextFormatter(logging.Formatter):
    """Text lines: `2026-01-31T12:00:00.000Z info operation name=Front ms=1.9 rows=1 … cached=False`."""

    def line(self, created: float, level: str, message: str, fields: Fields) -> str:
        return " ".join((_time(created), level, message, *_pairs(fields)))

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        line = self.line(record.created, record.levelname.lower(), _one_line(_message(record)), fields)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line: `time`, `level`, `logger`, `message`, then the fields."""

    def line(self, created: float, level: str, message: str, fields: Fields, logger: str = log.name) -> str:
        entry = {"time": _time(created), "level": level, "logger": logger, "message": message, **fields}
        # As text, a URL of PostgreSQL has no password, which it would have as a dataclass.
        return orjson.dumps(entry, default=str, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        if record.exc_info:
            fields = {**fields, "exception": self.formatException(record.exc_info)}
        level = record.levelname.lower()
        return self.line(record.created, level, _message(record), fields, logger=record.name)


class BatchingHandler(logging.StreamHandler[TextIO]):
    """Write the events of one event loop iteration together, and before any later record."""

    def __init__(self, stream: TextIO, formatter: TextFormatter | JsonFormatter) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)
        self._line = formatter.line
        self._pending: list[str] = []

    def emit_event(self, message: str, fields: Fields) -> None:
        """Add an event to the batch; write it immediately if no event loop runs."""
        line = self._line(time(), "info", message, fields)
        if not self._pending:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # no running loop
                self._pending.append(line)
                self.flush()
                return
        self._pending.append(line)

    def flush(self) -> None:
        """Write the batch. As in `logging`, a stream that cannot be written causes no error."""
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            pending, self._pending = self._pending, []
            if pending:
                self.stream.write("\n".join((*pending, "")))
            super().flush()

    def emit(self, record: logging.LogRecord) -> None:
        if self._pending:
            self.flush()
        super().emit(record)


def configure(format: LogFormat, stream: TextIO | None = None) -> None:
    """Send all logs of the process to `stream` (default: standard error), in this format, and nowhere else.

    Uvicorn and other libraries log only warnings and errors, as gqlnews logs its own start and stop.
    """
    _root.handlers[:] = [_handler(format, stream)]
    # The formats do not include the thread or the process, so records do not need to determine them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    _root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)


def configure_own_logger(format: LogFormat, stream: TextIO | None = None) -> None:
    """Send the logs of gqlnews to `stream`, unless the process has configured where they go.

    Nothing else in the process changes: no other logger, and no setting of `logging`.
    """
    if not log.hasHandlers():
        log.addHandler(_handler(format, stream))
        log.setLevel(logging.INFO)


def _handler(format: LogFormat, stream: TextIO | None) -> BatchingHandler:
    formatter = JsonFormatter() if format is LogFormat.JSON else TextFormatter()
    return BatchingHandler(stream or sys.stderr, formatter)


def _time(created: float) -> str:
    milliseconds = int(created * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=1)
def _second(since_epoch: int) -> str:
    """Format the seconds of a timestamp; cached, as all lines of one second share them."""
    return datetime.fromtimestamp(since_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _pairs(fields: Fields) -> list[str]:
    """Format fields as `name=Front`, `ms=1.9`."""
    return [
        f"{key}={value if isinstance(value, int | float) else _plain(value)}" for key, value in fields.items()
    ]


def _plain(value: object) -> str:
    """Quote a value unless it is one plain word, so that it cannot forge another field or line."""
    text = "-" if value is None else str(value)
    is_plain = (text.isascii() and text.isalnum()) or PLAIN_VALUE.fullmatch(text)
    return text if is_plain else json.dumps(text)


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
