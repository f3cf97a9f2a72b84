"""All command-line arguments and options, each with its environment variable."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gqlnews.config.settings import (
    ALLOW_ORIGINS,
    CONCURRENT_REQUESTS,
    COST,
    DEPTH,
    FIELD_CACHE,
    INTROSPECTION,
    MAX_CACHE_MB,
    MAX_COST,
    MAX_LIMIT,
    MAX_RATE,
    MAX_TIMEOUT_SECONDS,
    METRICS,
    PERSISTED_DOCUMENTS,
    PERSISTED_ONLY,
    QUERY_TIMEOUT,
    RATE_LIMIT,
    SCAN,
    STATUS_CODES,
    STREAMS,
    STREAMS_PER_CLIENT,
    TRACING,
    LogFormat,
    StatusCodePolicy,
)

LIMITS, CLIENTS, SCHEMA = "Limits", "Clients", "Schema"  # groups of options in --help

Folder = Annotated[
    Path,
    typer.Argument(envvar="GQLNEWS_FOLDER", help="Content folder with Markdown files."),
]
Database = Annotated[
    Path | None,
    typer.Option(
        "--db",
        envvar="GQLNEWS_DB",
        help="SQLite database file.",
        show_default="one per content folder, in the user's cache folder",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", envvar="GQLNEWS_BASE_URL", help="Base URL of relative URLs in the content."),
]
IframeHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-iframe-host",
        envvar="GQLNEWS_ALLOWED_IFRAME_HOSTS",
        help="Host whose iframes are allowed in featured content; repeatable.",
        show_default="YouTube and Vimeo",
    ),
]
IngestWorkers = Annotated[
    int | None,
    typer.Option(
        "--ingest-workers",
        envvar="GQLNEWS_INGEST_WORKERS",
        min=1,
        max=256,
        help="Number of parser processes.",
        show_default="one per processor",
    ),
]
Host = Annotated[str, typer.Option("--host", envvar="GQLNEWS_HOST", help="Address to listen on.")]
Port = Annotated[
    int,
    typer.Option(
        "--port", envvar="GQLNEWS_PORT", min=0, max=65535, help="Port to listen on; 0 selects a free one."
    ),
]
Unpublished = Annotated[
    bool,
    typer.Option(
        "--unpublished", envvar="GQLNEWS_UNPUBLISHED", help="Show unpublished articles to everyone."
    ),
]
Explorer = Annotated[
    bool,
    typer.Option("--explorer/--no-explorer", envvar="GQLNEWS_EXPLORER", help="Serve GraphiQL to browsers."),
]


LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", envvar="GQLNEWS_LOG_FORMAT", help="Log format.")
]


ResponseCacheSize = Annotated[
    int,
    typer.Option(
        "--response-cache-mb",
        envvar="GQLNEWS_RESPONSE_CACHE_MB",
        min=0,
        max=MAX_CACHE_MB,
        help="Size of the response cache in MiB; 0 disables it.",
    ),
]
FieldCacheSize = Annotated[
    int,
    typer.Option(
        "--field-cache-mb",
        envvar=FIELD_CACHE,
        min=0,
        max=MAX_CACHE_MB,
        help="Size of the root field cache in MiB; 0 disables it.",
    ),
]
Rebuild = Annotated[
    bool,
    typer.Option(
        "--rebuild",
        envvar="GQLNEWS_REBUILD",
        help="Build a new database from all files and replace the old one, for example if that is damaged.",
    ),
]
IngestWatch = Annotated[
    bool,
    typer.Option(
        "--watch", envvar="GQLNEWS_WATCH", help="Keep running and ingest every change until Ctrl-C."
    ),
]
ForcePolling = Annotated[
    bool,
    typer.Option(
        "--force-polling",
        envvar="GQLNEWS_FORCE_POLLING",
        help="Scan the whole folder repeatedly, for file systems without change notifications.",
    ),
]
UntilEof = Annotated[
    bool, typer.Option("--until-eof", hidden=True, help="With --watch: exit when standard input closes.")
]


ServeWatch = Annotated[
    bool,
    typer.Option(
        "--watch/--no-watch", envvar="GQLNEWS_WATCH", help="Ingest changes in FOLDER while serving."
    ),
]
Workers = Annotated[
    int,
    typer.Option("--workers", envvar="GQLNEWS_WORKERS", min=1, max=64, help="Number of server processes."),
]
MaxStreams = Annotated[
    int,
    typer.Option(
        "--max-streams",
        envvar=STREAMS,
        min=0,
        max=MAX_LIMIT,
        help="Maximum number of open WebSockets and event streams per process; 0 disables the limit.",
        rich_help_panel=LIMITS,
    ),
]
MaxStreamsPerClient = Annotated[
    int,
    typer.Option(
        "--max-streams-per-client",
        envvar=STREAMS_PER_CLIENT,
        min=0,
        max=MAX_LIMIT,
        help="Maximum number of open WebSockets and event streams per client address; 0 disables the limit.",
        rich_help_panel=LIMITS,
    ),
]
MaxCost = Annotated[
    int,
    typer.Option(
        "--max-cost",
        envvar=COST,
        min=0,
        max=MAX_COST,
        help="Maximum cost of a request in objects; 0 disables the limit.",
        rich_help_panel=LIMITS,
    ),
]
MaxScan = Annotated[
    int,
    typer.Option(
        "--max-scan",
        envvar=SCAN,
        min=0,
        max=MAX_COST,
        help="Maximum scan work of a request in thousands of comparisons; 0 disables the limit.",
        rich_help_panel=LIMITS,
    ),
]
MaxDepth = Annotated[
    int,
    typer.Option(
        "--max-depth",
        envvar=DEPTH,
        min=0,
        max=MAX_COST,
        help="Maximum depth of nested fields; 0 disables the limit.",
        rich_help_panel=LIMITS,
    ),
]
QueryTimeout = Annotated[
    float,
    typer.Option(
        "--query-timeout",
        envvar=QUERY_TIMEOUT,
        min=0.0,
        max=MAX_TIMEOUT_SECONDS,
        help="Time limit of an operation in seconds; 0 disables it.",
        rich_help_panel=LIMITS,
    ),
]
Introspection = Annotated[
    bool,
    typer.Option(
        "--introspection/--no-introspection",
        envvar=INTROSPECTION,
        help="Allow introspection of the schema.",
        rich_help_panel=SCHEMA,
    ),
]

Metrics = Annotated[
    bool,
    typer.Option(
        "--metrics", envvar=METRICS, help="Expose Prometheus metrics at /metrics (private addresses only)."
    ),
]

Tracing = Annotated[
    bool | None,
    typer.Option(
        "--tracing/--no-tracing",
        envvar=TRACING,
        help="Export OpenTelemetry traces (needs the extra `otel`).",
        show_default="on if OTEL_EXPORTER_OTLP_ENDPOINT is set",
    ),
]


StatusCodes = Annotated[
    StatusCodePolicy,
    typer.Option(
        "--status-codes",
        envvar=STATUS_CODES,
        help="HTTP status codes: `spec`, as widely implemented, or `draft`, as in the newest draft.",
        rich_help_panel=CLIENTS,
    ),
]
AllowOrigins = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        envvar=ALLOW_ORIGINS,
        help="Origin allowed by CORS; repeatable; * allows any.",
        show_default="none but the server's own",
        rich_help_panel=CLIENTS,
    ),
]
PersistedDocuments = Annotated[
    Path | None,
    typer.Option(
        "--persisted-documents",
        envvar=PERSISTED_DOCUMENTS,
        help="Trusted documents: a folder of .graphql files, or a JSON manifest.",
        rich_help_panel=CLIENTS,
    ),
]
PersistedOnly = Annotated[
    bool,
    typer.Option(
        "--persisted-only",
        envvar=PERSISTED_ONLY,
        help="Reject all documents but those of --persisted-documents.",
        rich_help_panel=CLIENTS,
    ),
]
MaxConcurrentRequests = Annotated[
    int,
    typer.Option(
        "--max-concurrent-requests",
        envvar=CONCURRENT_REQUESTS,
        min=0,
        max=MAX_LIMIT,
        help="Maximum number of concurrent operations per process; 0 disables the limit.",
        rich_help_panel=LIMITS,
    ),
]
RateLimit = Annotated[
    int,
    typer.Option(
        "--rate-limit",
        envvar=RATE_LIMIT,
        min=0,
        max=MAX_RATE,
        help="Maximum cost and scan work per second and client address; 0 disables the limit.",
        rich_help_panel=LIMITS,
    ),
]


class CheckFormat(StrEnum):
    """Output format of `gqlnews check`."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


CheckFormatOption = Annotated[
    CheckFormat, typer.Option("--format", envvar="GQLNEWS_CHECK_FORMAT", help="Output format.")
]
NewFolder = Annotated[
    Path, typer.Argument(envvar="GQLNEWS_FOLDER", help="Folder to write the files to; created if missing.")
]
Articles = Annotated[
    int,
    typer.Option(
        "--articles", envvar="GQLNEWS_SAMPLE_ARTICLES", min=1, max=1_000_000, help="Number of files to write."
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        envvar="GQLNEWS_SAMPLE_SEED",
        help="Random seed; the same seed and number of files write the same bytes.",
    ),
]
