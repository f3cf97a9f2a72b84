"""Settings from environment variables.

`gqlnews.cli.options` declares the command-line options with their variables (`GQLNEWS_PORT` for `--port`),
and Typer reads those. This module reads the variables that have no option. For an application that runs
without the command line, it reads all of them. No other module reads the environment.
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

# Limits of one request. A request that exceeds one of them is rejected; 0 is no limit.


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of documents, operations and their results; 0 is no limit.

    `max_tokens` limits the document. `max_depth`, `max_aliases`, `max_root_fields` and `max_directives` limit
    the operation as written, with every spread of a fragment counted. `max_page_size` limits the size of a
    connection page and of a list of ids. `max_cost` is in objects, `max_scan` in thousands of comparisons.
    `timeout_seconds` is the run time of the request's SQL statements, and `max_response_bytes` the size of
    their result.

    Without `introspection`, the schema cannot be queried, and error messages do not suggest names from it.
    """

    max_tokens: int = 0
    max_depth: int = 0
    max_aliases: int = 0
    max_root_fields: int = 0
    max_directives: int = 0
    max_page_size: int = 0
    max_cost: int = 0
    max_scan: int = 0
    timeout_seconds: float = 0.0
    max_response_bytes: int = 0
    introspection: bool = True


UNLIMITED = Limits()
DEFAULT_LIMITS = Limits(
    max_tokens=2_000,
    max_depth=16,
    max_aliases=30,
    max_root_fields=20,
    max_directives=50,
    max_page_size=100,
    max_cost=20_000,
    max_scan=80_000,  # takes about 0.8 s, less than half of `timeout_seconds`
    timeout_seconds=2.0,
    max_response_bytes=64 << 20,
)
"""Default limits of the server."""

# Names of environment variables, with their defaults and maximums.

EDITOR_TOKENS = "GQLNEWS_EDITOR_TOKENS"
DATABASE = "GQLNEWS_DB"
UNPUBLISHED = "GQLNEWS_UNPUBLISHED"
EXPLORER = "GQLNEWS_EXPLORER"
LOG_FORMAT = "GQLNEWS_LOG_FORMAT"

RESPONSE_CACHE, FIELD_CACHE = "GQLNEWS_RESPONSE_CACHE_MB", "GQLNEWS_FIELD_CACHE_MB"
RESPONSE_CACHE_MB, FIELD_CACHE_MB, MAX_CACHE_MB = 64, 32, 1_000_000
STREAMS = "GQLNEWS_MAX_STREAMS"
STREAMS_PER_CLIENT = "GQLNEWS_MAX_STREAMS_PER_CLIENT"
MAX_STREAMS, MAX_STREAMS_PER_CLIENT = 10_000, 100
MAX_LIMIT = 100_000
TOKENS, DEPTH, ALIASES = "GQLNEWS_MAX_TOKENS", "GQLNEWS_MAX_DEPTH", "GQLNEWS_MAX_ALIASES"
ROOT_FIELDS, DIRECTIVES = "GQLNEWS_MAX_ROOT_FIELDS", "GQLNEWS_MAX_DIRECTIVES"
PAGE, COST, QUERY_TIMEOUT = "GQLNEWS_MAX_PAGE", "GQLNEWS_MAX_COST", "GQLNEWS_QUERY_TIMEOUT"
SCAN = "GQLNEWS_MAX_SCAN"
RESPONSE_SIZE = "GQLNEWS_MAX_RESPONSE_MB"
INTROSPECTION = "GQLNEWS_INTROSPECTION"
METRICS, TRACING = "GQLNEWS_METRICS", "GQLNEWS_TRACING"
OTLP_ENDPOINT_VARS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)  # defined by OpenTelemetry
TRACING_MODULES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
MAX_COST, MAX_TIMEOUT_SECONDS = 9_999_999, 3_600.0
MIN_PAGE_SIZE = 20  # of `max_page_size`: the default page size of a request
MEBIBYTE = 1 << 20

STATUS_CODES = "GQLNEWS_STATUS_CODES"
ALLOW_ORIGINS = "GQLNEWS_ALLOW_ORIGINS"
PERSISTED_DOCUMENTS = "GQLNEWS_PERSISTED_DOCUMENTS"
PERSISTED_ONLY = "GQLNEWS_PERSISTED_ONLY"
CONCURRENT_REQUESTS = "GQLNEWS_MAX_CONCURRENT_REQUESTS"
RATE_LIMIT = "GQLNEWS_RATE_LIMIT"
MAX_CONCURRENT_REQUESTS, MAX_RATE = 1_000, 9_999_999

EnumMember = TypeVar("EnumMember", bound=StrEnum)

_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off"})


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
    """HTTP settings. `rate_limit` is the cost allowed per second and client address.

    For `rate_limit` and `max_concurrent_requests`, 0 is no limit.
    """

    status_codes: StatusCodePolicy = StatusCodePolicy.SPEC
    allow_origins: tuple[str, ...] = ()
    persisted_documents: Path | None = None
    persisted_only: bool = False
    max_concurrent_requests: int = MAX_CONCURRENT_REQUESTS
    rate_limit: int = 0

    def __post_init__(self) -> None:
        if self.persisted_only and self.persisted_documents is None:
            raise SettingsError("--persisted-only needs trusted documents: set --persisted-documents")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of the server application; `editor_tokens` are SHA-256 digests of 32 bytes each."""

    database: Path
    unpublished: bool = False
    explorer: bool = True
    editor_tokens: tuple[bytes, ...] = ()
    response_cache_bytes: int = RESPONSE_CACHE_MB * MEBIBYTE
    field_cache_bytes: int = FIELD_CACHE_MB * MEBIBYTE
    max_streams: int = MAX_STREAMS
    max_streams_per_client: int = MAX_STREAMS_PER_CLIENT
    limits: Limits = DEFAULT_LIMITS
    http: HttpSettings = HttpSettings()
    metrics: bool = False
    tracing: bool = False


def editor_tokens(environ: Mapping[str, str] = os.environ) -> tuple[bytes, ...]:
    """Parse the hex digests in `GQLNEWS_EDITOR_TOKENS`, separated by commas or whitespace.

    Raises SettingsError for an entry that is not a SHA-256 hash. The message does not contain the
    entry, which may be a token.
    """
    entries = environ.get(EDITOR_TOKENS, "").replace(",", " ").split()
    for number, entry in enumerate(entries, start=1):
        if not _SHA256_HEX.fullmatch(entry):
            raise SettingsError(
                f"{EDITOR_TOKENS}: entry {number} is not a SHA-256 hash (64 hex digits); use the hash of the "
                "token: printf %s TOKEN | sha256sum"
            )
    return tuple(bytes.fromhex(entry) for entry in entries)


def server_settings(environ: Mapping[str, str] = os.environ) -> ServerSettings:
    """Read all server settings from the environment. Raises SettingsError."""
    return ServerSettings(
        database=_database(environ),
        unpublished=_flag(environ, UNPUBLISHED, default=False),
        explorer=_flag(environ, EXPLORER, default=True),
        editor_tokens=editor_tokens(environ),
        response_cache_bytes=_size_in_bytes(environ, RESPONSE_CACHE, RESPONSE_CACHE_MB),
        field_cache_bytes=_size_in_bytes(environ, FIELD_CACHE, FIELD_CACHE_MB),
        max_streams=_int(environ, STREAMS, MAX_STREAMS, MAX_LIMIT, "streams; 0 is no limit"),
        max_streams_per_client=_int(
            environ, STREAMS_PER_CLIENT, MAX_STREAMS_PER_CLIENT, MAX_LIMIT, "streams; 0 is no limit"
        ),
        http=_http_settings(environ),
        limits=request_limits(environ),
        metrics=_flag(environ, METRICS, default=False),
        tracing=tracing_enabled(_optional_flag(environ, TRACING), environ),
    )


def request_limits(environ: Mapping[str, str] = os.environ) -> Limits:
    """Read the request limits from the environment. Raises SettingsError."""

    def limit(name: str, default: int, description: str) -> int:
        return _int(environ, name, default, MAX_COST, f"{description}; 0 is no limit")

    return Limits(
        max_tokens=limit(TOKENS, DEFAULT_LIMITS.max_tokens, "tokens"),
        max_depth=limit(DEPTH, DEFAULT_LIMITS.max_depth, "levels of nested selections"),
        max_aliases=limit(ALIASES, DEFAULT_LIMITS.max_aliases, "aliases"),
        max_root_fields=limit(ROOT_FIELDS, DEFAULT_LIMITS.max_root_fields, "root fields"),
        max_directives=limit(DIRECTIVES, DEFAULT_LIMITS.max_directives, "directives"),
        max_page_size=_page_size(environ),
        max_cost=limit(COST, DEFAULT_LIMITS.max_cost, "objects"),
        max_scan=limit(SCAN, DEFAULT_LIMITS.max_scan, "thousands of comparisons"),
        timeout_seconds=_timeout(environ),
        max_response_bytes=_int(
            environ,
            RESPONSE_SIZE,
            DEFAULT_LIMITS.max_response_bytes // MEBIBYTE,
            900,
            "MiB; 0 is no limit",
        )
        * MEBIBYTE,
        introspection=_flag(environ, INTROSPECTION, default=DEFAULT_LIMITS.introspection),
    )


def _http_settings(environ: Mapping[str, str]) -> HttpSettings:
    documents = environ.get(PERSISTED_DOCUMENTS)
    return HttpSettings(
        status_codes=_enum(environ, STATUS_CODES, StatusCodePolicy.SPEC),
        allow_origins=parse_origins(environ.get(ALLOW_ORIGINS, "").split()),
        persisted_documents=Path(documents) if documents else None,
        persisted_only=_flag(environ, PERSISTED_ONLY, default=False),
        max_concurrent_requests=_int(
            environ, CONCURRENT_REQUESTS, MAX_CONCURRENT_REQUESTS, MAX_LIMIT, "requests; 0 is no limit"
        ),
        rate_limit=_int(environ, RATE_LIMIT, 0, MAX_RATE, "cost per second; 0 is no limit"),
    )


def parse_origins(values: Sequence[str]) -> tuple[str, ...]:
    """Normalize origins as browsers send them: lower case, without the default port. Raises SettingsError."""
    return tuple(_parse_origin(one) for one in values)


def _parse_origin(value: str) -> str:
    if value == "*":
        return value
    parts = _ORIGIN.fullmatch(value.lower())
    if parts is None:
        message = f"{ALLOW_ORIGINS}: {value!r} is not an origin; use one such as https://news.example, or *"
        raise SettingsError(message)
    scheme, host, port = parts.groups(default="")
    return f"{scheme}://{host}{'' if port == _DEFAULT_PORTS[scheme] else port}"


def tracing_enabled(requested: bool | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Decide whether to trace operations.

    None enables tracing if an OTLP endpoint is set in the environment and the `otel` extra is installed.
    Raises SettingsError if tracing is requested and the extra is missing.
    """
    if requested and not _has_tracing():
        raise SettingsError("--tracing needs OpenTelemetry: pip install 'gqlnews[otel]'")
    if requested is None:
        return any(environ.get(name) for name in OTLP_ENDPOINT_VARS) and _has_tracing()
    return requested


def _has_tracing() -> bool:
    try:
        return all(find_spec(name) for name in TRACING_MODULES)
    except ModuleNotFoundError:  # a parent package is missing
        return False


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the user's cache folder; a relative XDG_CACHE_HOME is ignored, as the XDG spec requires."""
    folder = Path(environ.get("XDG_CACHE_HOME", ""))
    return folder if folder.is_absolute() else Path.home() / ".cache"


def log_format(environ: Mapping[str, str] = os.environ) -> LogFormat:
    """Read the log format, for an application that runs without the command line. Raises SettingsError."""
    return _enum(environ, LOG_FORMAT, LogFormat.TEXT)


def _database(environ: Mapping[str, str]) -> Path:
    if path := environ.get(DATABASE):
        return Path(path)
    raise SettingsError(f"{DATABASE} is not set: set it to the database that `gqlnews ingest` created")


def _int(environ: Mapping[str, str], name: str, default: int, maximum: int, description: str) -> int:
    text = environ.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) > maximum:
        raise SettingsError(f"{name}: {text[:20]!r} is not a number from 0 to {maximum} ({description})")
    return int(text)


def _size_in_bytes(environ: Mapping[str, str], name: str, default: int) -> int:
    """Read a cache size in MiB and return it in bytes."""
    return _int(environ, name, default, MAX_CACHE_MB, "MiB; 0 disables it") * MEBIBYTE


def _enum(environ: Mapping[str, str], name: str, default: EnumMember) -> EnumMember:
    """Read a member of the enum that `default` belongs to."""
    members = type(default)
    text = environ.get(name) or default
    if text not in set(members):
        raise SettingsError(f"{name}: {text!r} is not valid; use {' or '.join(members)}")
    return members(text)


def _page_size(environ: Mapping[str, str]) -> int:
    page = _int(environ, PAGE, DEFAULT_LIMITS.max_page_size, DEFAULT_LIMITS.max_page_size, "nodes per page")
    if page < MIN_PAGE_SIZE:
        raise SettingsError(
            f"{PAGE}: {page} is less than the default page size of a request; use {MIN_PAGE_SIZE} or more"
        )
    return page


def _timeout(environ: Mapping[str, str]) -> float:
    text = environ.get(QUERY_TIMEOUT, "").strip() or str(DEFAULT_LIMITS.timeout_seconds)
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or float(text) > MAX_TIMEOUT_SECONDS:
        raise SettingsError(
            f"{QUERY_TIMEOUT}: {text[:20]!r} is not a number from 0 to 3600 (seconds; 0 is no limit)"
        )
    return float(text)


def _optional_flag(environ: Mapping[str, str], name: str) -> bool | None:
    """Read a flag; return None if it is not set."""
    return _flag(environ, name, default=False) if environ.get(name, "").strip() else None


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _TRUE | _FALSE:
        raise SettingsError(f"{name}: {text!r} is not a boolean; use 1 or 0")
    return text in _TRUE
