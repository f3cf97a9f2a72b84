"""Settings from environment variables.

`gqlnews.cli.options` declares the command-line options with their variables (`GQLNEWS_PORT` for `--port`),
and Typer reads those. This module reads the variables that have no option, and all of them for an
application that runs without the command line. No other module reads the environment.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from gqlnews.errors import SettingsError

# Limits for one request. A request that exceeds one is rejected; 0 is no limit.


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of documents, operations and their results.

    `tokens` limits the document. `depth`, `aliases`, `root_fields` and `directives` limit the operation as
    written, with every spread of a fragment counted. `page` limits the size of a connection page and of a
    list of ids. `cost` is in objects, `scan` in thousands of comparisons (query/scan.py). `seconds` is the
    run time of the request's SQL statements and `max_response_bytes` the size of their result.

    Without `introspection` nothing reveals the schema: error messages contain no suggestions either.
    """

    tokens: int = 0
    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    page: int = 0
    cost: int = 0
    scan: int = 0
    seconds: float = 0.0
    max_response_bytes: int = 0
    introspection: bool = True


UNLIMITED = Limits()
SERVED = Limits(
    tokens=2_000,
    depth=16,
    aliases=30,
    root_fields=20,
    directives=50,
    page=100,
    cost=20_000,
    scan=80_000,  # about 0.8 s, less than half of `seconds`
    seconds=2.0,
    max_response_bytes=64 << 20,
)
"""Default limits of the server."""


EDITOR_TOKENS = "GQLNEWS_EDITOR_TOKENS"
DATABASE = "GQLNEWS_DB"
UNPUBLISHED = "GQLNEWS_UNPUBLISHED"
EXPLORER = "GQLNEWS_EXPLORER"
LOG_FORMAT = "GQLNEWS_LOG_FORMAT"

CACHE, FIELDS = "GQLNEWS_RESPONSE_CACHE_MB", "GQLNEWS_FIELD_CACHE_MB"
CACHE_MB, FIELDS_MB, MAX_CACHE_MB = 64, 32, 1_000_000
STREAMS = "GQLNEWS_MAX_STREAMS"
STREAMS_OF_ONE = "GQLNEWS_MAX_STREAMS_PER_CLIENT"
MAX_STREAMS, MAX_STREAMS_PER_CLIENT = 10_000, 100
MAX_LIMIT = 100_000
TOKENS, DEPTH, ALIASES = "GQLNEWS_MAX_TOKENS", "GQLNEWS_MAX_DEPTH", "GQLNEWS_MAX_ALIASES"
ROOT_FIELDS, DIRECTIVES = "GQLNEWS_MAX_ROOT_FIELDS", "GQLNEWS_MAX_DIRECTIVES"
PAGE, COST, SECONDS = "GQLNEWS_MAX_PAGE", "GQLNEWS_MAX_COST", "GQLNEWS_QUERY_TIMEOUT"
SCAN = "GQLNEWS_MAX_SCAN"
ANSWER = "GQLNEWS_MAX_RESPONSE_MB"
INTROSPECTION = "GQLNEWS_INTROSPECTION"
METRICS, TRACES = "GQLNEWS_METRICS", "GQLNEWS_TRACING"
OTLP_ENDPOINT_VARS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)  # OpenTelemetry's own
TRACING = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
MAX_COST, MAX_SECONDS = 9_999_999, 3_600.0
MIN_PAGE_SIZE = 20  # the default page size of a request
MEBIBYTE = 1 << 20

HTTP_STATUS = "GQLNEWS_STATUS_CODES"
ALLOW_ORIGINS = "GQLNEWS_ALLOW_ORIGINS"
DOCUMENTS = "GQLNEWS_PERSISTED_DOCUMENTS"
TRUSTED_ONLY = "GQLNEWS_PERSISTED_ONLY"
IN_FLIGHT = "GQLNEWS_MAX_CONCURRENT_REQUESTS"
RATE = "GQLNEWS_RATE_LIMIT"
MAX_IN_FLIGHT, MAX_RATE = 1_000, 9_999_999

Word = TypeVar("Word", bound=StrEnum)

_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_YES = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO = frozenset({"0", "false", "f", "no", "n", "off"})


class LogFormat(StrEnum):
    """Log format."""

    TEXT = "text"
    JSON = "json"


class StatusCodePolicy(StrEnum):
    """Policy for HTTP status codes: the widely implemented GraphQL-over-HTTP spec or its newest draft."""

    SPEC = "spec"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """HTTP settings; `rate` is the query cost allowed per second and client address, 0 is no limit."""

    status: StatusCodePolicy = StatusCodePolicy.SPEC
    allow_origins: tuple[str, ...] = ()
    documents: Path | None = None
    trusted_only: bool = False
    in_flight: int = MAX_IN_FLIGHT
    rate: int = 0

    def __post_init__(self) -> None:
        if self.trusted_only and self.documents is None:
            raise SettingsError(
                "--persisted-only needs the documents that are trusted: name them by --persisted-documents"
            )


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of the server application; `editor_tokens` are SHA-256 digests of 32 bytes each."""

    database: Path
    unpublished: bool = False
    explorer: bool = True
    editor_tokens: tuple[bytes, ...] = ()
    cache_bytes: int = CACHE_MB * MEBIBYTE
    fields_bytes: int = FIELDS_MB * MEBIBYTE
    max_streams: int = MAX_STREAMS
    max_streams_per_client: int = MAX_STREAMS_PER_CLIENT
    limits: Limits = SERVED
    http: HttpSettings = HttpSettings()
    metrics: bool = False
    traces: bool = False


def editor_tokens(environ: Mapping[str, str] = os.environ) -> tuple[bytes, ...]:
    """Parse the hex digests in `GQLNEWS_EDITOR_TOKENS`, separated by commas or whitespace.

    Raises SettingsError for an entry that is not a SHA-256 hash. The message omits the entry, which may be a
    token.
    """
    entries = environ.get(EDITOR_TOKENS, "").replace(",", " ").split()
    for number, entry in enumerate(entries, start=1):
        if not _SHA256_HEX.fullmatch(entry):
            raise SettingsError(
                f"{EDITOR_TOKENS}: entry {number} is no SHA-256 hash (64 hex digits); give the token's hash, "
                "not the token: printf %s TOKEN | sha256sum"
            )
    return tuple(bytes.fromhex(entry) for entry in entries)


def server_settings(environ: Mapping[str, str] = os.environ) -> ServerSettings:
    """Read all server settings from the environment; raises SettingsError."""
    return ServerSettings(
        database=_database(environ),
        unpublished=_flag(environ, UNPUBLISHED, default=False),
        explorer=_flag(environ, EXPLORER, default=True),
        editor_tokens=editor_tokens(environ),
        cache_bytes=_bytes(environ, CACHE, CACHE_MB),
        fields_bytes=_bytes(environ, FIELDS, FIELDS_MB),
        max_streams=_int(environ, STREAMS, MAX_STREAMS, MAX_LIMIT, "streams; 0 is no limit"),
        max_streams_per_client=_int(
            environ, STREAMS_OF_ONE, MAX_STREAMS_PER_CLIENT, MAX_LIMIT, "streams; 0 is no limit"
        ),
        http=_http_settings(environ),
        limits=request_limits(environ),
        metrics=_flag(environ, METRICS, default=False),
        traces=tracing_enabled(_optional_flag(environ, TRACES), environ),
    )


def request_limits(environ: Mapping[str, str] = os.environ) -> Limits:
    """Read the request limits from the environment; raises SettingsError."""

    def limit(name: str, default: int, what: str) -> int:
        return _int(environ, name, default, MAX_COST, f"{what}; 0 is no limit")

    return Limits(
        tokens=limit(TOKENS, SERVED.tokens, "tokens"),
        depth=limit(DEPTH, SERVED.depth, "fields with selections, one in the other"),
        aliases=limit(ALIASES, SERVED.aliases, "aliases"),
        root_fields=limit(ROOT_FIELDS, SERVED.root_fields, "root fields"),
        directives=limit(DIRECTIVES, SERVED.directives, "directives"),
        page=_page_size(environ),
        cost=limit(COST, SERVED.cost, "objects"),
        scan=limit(SCAN, SERVED.scan, "thousand comparisons"),
        seconds=_timeout(environ),
        max_response_bytes=_int(
            environ, ANSWER, SERVED.max_response_bytes // MEBIBYTE, 900, "mebibytes; 0 is no limit"
        )
        * MEBIBYTE,
        introspection=_flag(environ, INTROSPECTION, default=SERVED.introspection),
    )


def _http_settings(environ: Mapping[str, str]) -> HttpSettings:
    documents = environ.get(DOCUMENTS)
    return HttpSettings(
        status=_enum(environ, HTTP_STATUS, StatusCodePolicy.SPEC),
        allow_origins=origins(environ.get(ALLOW_ORIGINS, "").split()),
        documents=Path(documents) if documents else None,
        trusted_only=_flag(environ, TRUSTED_ONLY, default=False),
        in_flight=_int(environ, IN_FLIGHT, MAX_IN_FLIGHT, MAX_LIMIT, "requests; 0 is no limit"),
        rate=_int(environ, RATE, 0, MAX_RATE, "of cost a second; 0 is no limit"),
    )


def origins(given: Sequence[str]) -> tuple[str, ...]:
    """Normalize origins as browsers send them: lower case, without the default port. Raises SettingsError."""
    return tuple(_origin(one) for one in given)


def _origin(given: str) -> str:
    if given == "*":
        return given
    parts = _ORIGIN.fullmatch(given.lower())
    if parts is None:
        message = f"{ALLOW_ORIGINS}: {given!r} is no origin; give one such as https://news.example, or *"
        raise SettingsError(message)
    scheme, host, port = parts.groups(default="")
    return f"{scheme}://{host}{'' if port == _DEFAULT_PORTS[scheme] else port}"


def tracing_enabled(asked: bool | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Decide whether to trace operations.

    None enables tracing if an OTLP endpoint is set in the environment and the `otel` extra is installed.
    Raises SettingsError if tracing is requested and the extra is missing.
    """
    if asked and not _has_tracing():
        raise SettingsError("--tracing needs OpenTelemetry: pip install 'gqlnews[otel]'")
    if asked is None:
        return any(environ.get(name) for name in OTLP_ENDPOINT_VARS) and _has_tracing()
    return asked


def _has_tracing() -> bool:
    try:
        return all(find_spec(name) for name in TRACING)
    except ModuleNotFoundError:  # a parent package is missing
        return False


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the user's cache folder; a relative XDG_CACHE_HOME is ignored, as the XDG spec requires."""
    named = Path(environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"


def log_format(environ: Mapping[str, str] = os.environ) -> LogFormat:
    """Read the log format for an application without a command line; raises SettingsError."""
    return _enum(environ, LOG_FORMAT, LogFormat.TEXT)


def _database(environ: Mapping[str, str]) -> Path:
    if path := environ.get(DATABASE):
        return Path(path)
    raise SettingsError(f"{DATABASE} is not set: name the database that `gqlnews ingest` made")


def _int(environ: Mapping[str, str], name: str, default: int, most: int, what: str) -> int:
    word = environ.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,7}", word) or int(word) > most:
        raise SettingsError(f"{name}: {word[:20]!r} is no such number; give 0 to {most} {what}")
    return int(word)


def _bytes(environ: Mapping[str, str], name: str, default: int) -> int:
    """Read a cache size in MiB and return it in bytes."""
    return _int(environ, name, default, MAX_CACHE_MB, "mebibytes; 0 keeps none") * MEBIBYTE


def _enum(environ: Mapping[str, str], name: str, default: Word) -> Word:
    """Read a member of the enum that `default` belongs to."""
    words = type(default)
    word = environ.get(name) or default
    if word not in set(words):
        raise SettingsError(f"{name}: {word!r} is no such word; give {' or '.join(words)}")
    return words(word)


def _page_size(environ: Mapping[str, str]) -> int:
    page = _int(environ, PAGE, SERVED.page, SERVED.page, "nodes of a page")
    if page < MIN_PAGE_SIZE:
        raise SettingsError(
            f"{PAGE}: {page} is less than a page has by default; give {MIN_PAGE_SIZE} or more"
        )
    return page


def _timeout(environ: Mapping[str, str]) -> float:
    word = environ.get(SECONDS, "").strip() or str(SERVED.seconds)
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", word) or float(word) > MAX_SECONDS:
        raise SettingsError(
            f"{SECONDS}: {word[:20]!r} is no such number; give 0 to 3600 seconds; 0 is no limit"
        )
    return float(word)


def _optional_flag(environ: Mapping[str, str], name: str) -> bool | None:
    """Read a flag; return None if it is not set."""
    return _flag(environ, name, default=False) if environ.get(name, "").strip() else None


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    word = environ.get(name, "").strip().lower()
    if not word:
        return default
    if word not in _YES | _NO:
        raise SettingsError(f"{name}: {word!r} is neither yes nor no; give 1 or 0")
    return word in _YES
