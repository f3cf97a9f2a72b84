"""Exception hierarchy and error codes. Each message names the cause and says how to fix it."""

import errno
from collections.abc import Sequence
from enum import StrEnum

MAX_MESSAGE = 300  # characters of an error message sent to a client


class Code(StrEnum):
    """Every `extensions.code` of the API; docs/errors.md has a line for each."""

    # rejected by the GraphQL layer
    PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    BAD_PAGE = "BAD_PAGE"
    BAD_CURSOR = "BAD_CURSOR"
    BAD_DATE = "BAD_DATE"
    BAD_DURATION = "BAD_DURATION"
    BAD_VERSION = "BAD_VERSION"
    VERSION_TOO_OLD = "VERSION_TOO_OLD"
    TOO_MANY_INTERVALS = "TOO_MANY_INTERVALS"
    TOO_DEEP = "TOO_DEEP"
    TOO_WIDE = "TOO_WIDE"
    TOO_MANY_TOKENS = "TOO_MANY_TOKENS"
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
    TOO_MANY_ROOT_FIELDS = "TOO_MANY_ROOT_FIELDS"
    TOO_MANY_DIRECTIVES = "TOO_MANY_DIRECTIVES"
    TOO_COSTLY = "TOO_COSTLY"
    INTROSPECTION_OFF = "INTROSPECTION_OFF"
    OPERATION_NOT_ALLOWED = "OPERATION_NOT_ALLOWED"
    FORBIDDEN = "FORBIDDEN"

    # raised during execution
    TIMED_OUT = "TIMED_OUT"
    ANSWER_TOO_LARGE = "ANSWER_TOO_LARGE"
    BEHIND = "BEHIND"
    UNAVAILABLE = "UNAVAILABLE"

    # rejected by the HTTP layer
    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    UNSUPPORTED_TRANSFER_ENCODING = "UNSUPPORTED_TRANSFER_ENCODING"
    EXPECTATION_FAILED = "EXPECTATION_FAILED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    URL_TOO_LONG = "URL_TOO_LONG"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    ORIGIN_NOT_ALLOWED = "ORIGIN_NOT_ALLOWED"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"

    # persisted documents
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"

    # stream limits
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    TOO_MANY_OPERATIONS = "TOO_MANY_OPERATIONS"
    TOO_SLOW = "TOO_SLOW"

    # server errors
    INTERNAL_ERROR = "INTERNAL_ERROR"
    STOPPING = "STOPPING"


RETRYABLE = frozenset({Code.OVERLOADED, Code.BEHIND, Code.UNAVAILABLE})
"""Codes of requests that may succeed when they are sent again: 503 with `Retry-After`."""


def shorten(message: str, max_length: int = MAX_MESSAGE) -> str:
    """Truncate a message to `max_length` characters, since it may quote a request of any length."""
    return message if len(message) <= max_length else f"{message[: max_length - 1]}…"


class GqlnewsError(Exception):
    """Base class of all errors that gqlnews raises on purpose."""


class CommandError(GqlnewsError):
    """A command cannot do its work.

    The CLI prints the message on one line and exits with status 2, unless the command retries.
    """


class ContentFolderError(CommandError):
    """The content folder cannot be read, was replaced during a scan, or cannot be written by `sample`."""


class ParserProcessError(CommandError):
    """The parser processes keep exiting or cannot be started."""


class ExhaustedError(CommandError):
    """The process or the system is temporarily out of file descriptors or memory."""


class DatabaseError(CommandError):
    """The database file cannot be used."""


class UnknownDatabaseError(DatabaseError):
    """The file is not a gqlnews database."""


class NewerDatabaseError(DatabaseError):
    """A newer version of gqlnews wrote the database file."""


class LockedDatabaseError(DatabaseError):
    """Another process holds the write lock."""


class DamagedDatabaseError(DatabaseError):
    """The database file is corrupt and has to be rebuilt. `reason` is SQLite's error message."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class StorageError(DatabaseError):
    """The database's disk is full or failing, which may be temporary."""


class UnreachableDatabaseError(DatabaseError):
    """The database server does not answer, refuses the connection, or cannot be written at the moment."""


class LostLeadError(CommandError):
    """Another ingester was elected meanwhile, so this one may not publish."""


class CopyRequiredError(CommandError):
    """A consumer of the outbox has to start from a copy of the database: it is unknown, or lacks changes."""


class VersionError(CommandError):
    """The history of changes cannot be read from this version; `code` is the one of the API."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class BindError(CommandError):
    """The server cannot bind the host and port."""


class SettingsError(CommandError):
    """An option or environment variable has an invalid value."""


class PersistedDocumentsError(CommandError):
    """A persisted document cannot be read or is not valid."""


class NotStartedError(GqlnewsError):
    """A request arrived at an application whose lifespan has not run."""


class QueryFailedError(GqlnewsError):
    """A test's operation has errors in its response, which is `response`."""

    def __init__(self, message: str, response: object) -> None:
        super().__init__(message)
        self.response = response


class NotServedError(GqlnewsError):
    """The files of a test cannot be ingested, or not before the deadline."""


class FileRejectedError(NotServedError):
    """Files of a test have errors, so they are not served. `problems` has all of these."""

    def __init__(self, message: str, problems: Sequence[object]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class ReadOnlyFolderError(GqlnewsError):
    """A test writes into a content folder that other tests share."""


class ServerProcessError(GqlnewsError):
    """A server for tests cannot be started, or its process has ended."""


class RequestError(GqlnewsError):
    """A request has an invalid argument or exceeds a limit; `code` becomes `extensions.code`."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class ResourceLimitError(RequestError):
    """A request exceeded a limit on the way to its result: of time, of the response size, or of the queue."""


class OverloadedError(ResourceLimitError):
    """A request's SQL statements did not run, because of other requests.

    The queue was full, the wait was too long, or SQLite was out of memory.
    """

    def __init__(self, message: str) -> None:
        super().__init__(Code.OVERLOADED, message)


class BehindError(ResourceLimitError):
    """No database that can be reached has the version that the client has seen; it may appear soon."""

    def __init__(self) -> None:
        super().__init__(
            Code.BEHIND,
            "The database is behind the version that you have seen, perhaps because of a failover: "
            "try again later.",
        )


class UnavailableError(ResourceLimitError):
    """No host of the database answers."""

    def __init__(self) -> None:
        super().__init__(Code.UNAVAILABLE, "The database cannot be reached at the moment: try again later.")


# Exhausted resources, which make every file fail, as opposed to errors of one file.

_EXHAUSTION_ERRNOS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def is_exhausted(error: OSError) -> bool:
    """Return whether the error means that file descriptors or memory are exhausted."""
    return error.errno in _EXHAUSTION_ERRNOS


def raise_if_exhausted(error: OSError) -> None:
    """Raise ExhaustedError if file descriptors or memory are exhausted; otherwise do nothing."""
    if is_exhausted(error):
        raise ExhaustedError(
            f"files cannot be read at the moment ({error.strerror}): "
            "raise the limits of open files and memory"
        ) from error
