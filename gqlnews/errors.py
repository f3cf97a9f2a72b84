"""The tree of exceptions. A message names the offender and says what to do about it."""

from enum import StrEnum

MAX_MESSAGE = 300  # characters of a message to a client


class Code(StrEnum):
    """Every `extensions.code` of the API; docs/errors.md has a line for each."""

    # GraphQL refuses the request
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

    # while it runs
    TIMED_OUT = "TIMED_OUT"
    ANSWER_TOO_LARGE = "ANSWER_TOO_LARGE"

    # HTTP refuses it before
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

    # a document is named, and not given
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"

    # a stream comes to its limits
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    TOO_MANY_OPERATIONS = "TOO_MANY_OPERATIONS"
    TOO_SLOW = "TOO_SLOW"

    # the server cannot answer
    INTERNAL_ERROR = "INTERNAL_ERROR"
    STOPPING = "STOPPING"


def shorten(message: str, most: int = MAX_MESSAGE) -> str:
    """A message of at most `most` characters: what it repeats of a request may be of any length."""
    return message if len(message) <= most else f"{message[: most - 1]}…"


class GqlnewsError(Exception):
    """Every error that gqlnews raises on purpose."""


class StartupError(GqlnewsError):
    """What keeps a command from doing its work: one line for the user, exit 2."""


class FolderError(StartupError):
    """The content folder is not there, is no folder, or cannot be read."""


class ParserProcessError(StartupError):
    """The processes that parse files keep ending, or cannot be started."""


class ExhaustedError(StartupError):
    """The system has no open files or memory left for now."""


class DatabaseError(StartupError):
    """The database file cannot be used."""


class ForeignDatabaseError(DatabaseError):
    """The file is no database of gqlnews."""


class NewerDatabaseError(DatabaseError):
    """A newer gqlnews made the file."""


class LockedDatabaseError(DatabaseError):
    """Another process holds the write lock."""


class DamagedDatabaseError(DatabaseError):
    """The content of the database file cannot be read: it has to be built again. `reason` is SQLite's."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class StorageError(DatabaseError):
    """The disk below the database is full or fails, which may pass."""


class AddressError(StartupError):
    """The host and port cannot be listened on."""


class SettingsError(StartupError):
    """An option or environment variable has a value that it cannot have."""


class DocumentsError(StartupError):
    """A trusted document cannot be read, or is not valid."""


class RequestError(GqlnewsError):
    """An argument of a request that is refused before anything runs; `code` is `extensions.code`."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class LimitError(RequestError):
    """A limit that a request comes to only while its statements run."""


class OverloadedError(LimitError):
    """The statements of a request were not started: too many others wait, or it waited too long itself."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.OVERLOADED, message)
