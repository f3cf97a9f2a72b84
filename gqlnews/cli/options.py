"""Every command-line argument and option, each with its environment variable."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gqlnews.config.settings import (
    ALLOW_ORIGINS,
    COST,
    DEPTH,
    DOCUMENTS,
    FIELDS,
    HTTP_STATUS,
    IN_FLIGHT,
    INTROSPECTION,
    METRICS,
    MOST_CACHE_MB,
    MOST_COST,
    MOST_OF_ANY,
    MOST_OF_RATE,
    MOST_SECONDS,
    RATE,
    SCAN,
    SECONDS,
    STREAMS,
    STREAMS_OF_ONE,
    TRACES,
    TRUSTED_ONLY,
    LogFormat,
    StatusCodePolicy,
)

LIMITS, CLIENTS, SCHEMA = "Limits", "Clients", "Schema"  # panels of the help

Folder = Annotated[
    Path,
    typer.Argument(envvar="GQLNEWS_FOLDER", help="The content folder: Markdown files with front matter."),
]
Database = Annotated[
    Path | None,
    typer.Option(
        "--db",
        envvar="GQLNEWS_DB",
        help="The database file.",
        show_default="one a folder, in the user's cache folder",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url", envvar="GQLNEWS_BASE_URL", help="Makes relative URLs of the content absolute."
    ),
]
IframeHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--iframe-host",
        envvar="GQLNEWS_IFRAME_HOSTS",
        help="A host whose iframes may stand in featured content; repeat it for several.",
        show_default="YouTube and Vimeo",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--processes",
        envvar="GQLNEWS_PROCESSES",
        min=1,
        max=256,
        help="How many processes read files.",
        show_default="one a processor",
    ),
]
Host = Annotated[str, typer.Option("--host", envvar="GQLNEWS_HOST", help="The address to listen on.")]
Port = Annotated[
    int,
    typer.Option(
        "--port", envvar="GQLNEWS_PORT", min=0, max=65535, help="The port to listen on; 0 takes a free one."
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


LogStyle = Annotated[
    LogFormat, typer.Option("--log-format", envvar="GQLNEWS_LOG_FORMAT", help="How the log is written.")
]


CacheSize = Annotated[
    int,
    typer.Option(
        "--cache-mb",
        envvar="GQLNEWS_CACHE_MB",
        min=0,
        max=MOST_CACHE_MB,
        help="Mebibytes of answers to keep in memory; 0 keeps none.",
    ),
]
FieldsSize = Annotated[
    int,
    typer.Option(
        "--fields-mb",
        envvar=FIELDS,
        min=0,
        max=MOST_CACHE_MB,
        help="Mebibytes of root fields to keep, for requests that share some; 0 keeps none.",
    ),
]
Rebuild = Annotated[
    bool,
    typer.Option(
        "--rebuild",
        envvar="GQLNEWS_REBUILD",
        help="Build the database again from all files and swap it in: the way out where it is damaged.",
    ),
]
GoOn = Annotated[
    bool,
    typer.Option(
        "--watch", envvar="GQLNEWS_WATCH", help="Go on until Ctrl-C: take in every change as it is saved."
    ),
]
Poll = Annotated[
    bool,
    typer.Option(
        "--poll",
        envvar="GQLNEWS_POLL",
        help="Look at the whole folder again and again, where the system does not tell what changes.",
    ),
]
UntilEof = Annotated[
    bool, typer.Option("--until-eof", hidden=True, help="With --watch: end with the standard input.")
]


Watch = Annotated[
    bool,
    typer.Option(
        "--watch/--no-watch", envvar="GQLNEWS_WATCH", help="Take in what changes in FOLDER while serving."
    ),
]
Workers = Annotated[
    int,
    typer.Option("--workers", envvar="GQLNEWS_WORKERS", min=1, max=64, help="How many processes serve."),
]
Streams = Annotated[
    int,
    typer.Option(
        "--streams",
        envvar=STREAMS,
        min=0,
        max=MOST_OF_ANY,
        help="WebSockets and event streams that a process holds open; 0 is no limit.",
        rich_help_panel=LIMITS,
    ),
]
PerClient = Annotated[
    int,
    typer.Option(
        "--per-client",
        envvar=STREAMS_OF_ONE,
        min=0,
        max=MOST_OF_ANY,
        help="The same for one client address.",
        rich_help_panel=LIMITS,
    ),
]
MaxCost = Annotated[
    int,
    typer.Option(
        "--max-cost",
        envvar=COST,
        min=0,
        max=MOST_COST,
        help="Objects that an answer can hold; 0 is no limit.",
        rich_help_panel=LIMITS,
    ),
]
MaxScan = Annotated[
    int,
    typer.Option(
        "--max-scan",
        envvar=SCAN,
        min=0,
        max=MOST_COST,
        help="Scan work of a request in thousands of comparisons; 0 is no limit.",
        rich_help_panel=LIMITS,
    ),
]
MaxDepth = Annotated[
    int,
    typer.Option(
        "--max-depth",
        envvar=DEPTH,
        min=0,
        max=MOST_COST,
        help="Fields with selections, one in the other; 0 is no limit.",
        rich_help_panel=LIMITS,
    ),
]
MaxSeconds = Annotated[
    float,
    typer.Option(
        "--max-seconds",
        envvar=SECONDS,
        min=0.0,
        max=MOST_SECONDS,
        help="How long an operation may take; 0 is no limit.",
        rich_help_panel=LIMITS,
    ),
]
Introspection = Annotated[
    bool,
    typer.Option(
        "--introspection/--no-introspection",
        envvar=INTROSPECTION,
        help="Tell the schema to who asks for it.",
        rich_help_panel=SCHEMA,
    ),
]

Metrics = Annotated[
    bool,
    typer.Option("--metrics", envvar=METRICS, help="Tell Prometheus at /metrics, where it asks from inside."),
]

Traces = Annotated[
    bool | None,
    typer.Option(
        "--traces/--no-traces",
        envvar=TRACES,
        help="Send traces by OpenTelemetry, which the extra `otel` brings.",
        show_default="as the OTEL variables say",
    ),
]


StatusCodes = Annotated[
    StatusCodePolicy,
    typer.Option(
        "--http-status",
        envvar=HTTP_STATUS,
        help="Whose status codes: the newest draft's, or not.",
        rich_help_panel=CLIENTS,
    ),
]
AllowOrigins = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        envvar=ALLOW_ORIGINS,
        help="An origin whose pages may read the answers; repeat it for several, * for any.",
        show_default="none but the server's own",
        rich_help_panel=CLIENTS,
    ),
]
TrustedDocuments = Annotated[
    Path | None,
    typer.Option(
        "--documents",
        envvar=DOCUMENTS,
        help="Trusted documents: a folder, or a manifest.",
        rich_help_panel=CLIENTS,
    ),
]
TrustedOnly = Annotated[
    bool,
    typer.Option(
        "--trusted-only",
        envvar=TRUSTED_ONLY,
        help="Run no other documents than these.",
        rich_help_panel=CLIENTS,
    ),
]
InFlight = Annotated[
    int,
    typer.Option(
        "--in-flight",
        envvar=IN_FLIGHT,
        min=0,
        max=MOST_OF_ANY,
        help="Operations that a process runs at a time; 0 is no limit.",
        rich_help_panel=LIMITS,
    ),
]
Rate = Annotated[
    int,
    typer.Option(
        "--rate",
        envvar=RATE,
        min=0,
        max=MOST_OF_RATE,
        help="Cost a second that one client address may ask for; 0 is no limit.",
        rich_help_panel=LIMITS,
    ),
]


class CheckFormat(StrEnum):
    """Output format of problems."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


CheckStyle = Annotated[
    CheckFormat, typer.Option("--format", envvar="GQLNEWS_CHECK_FORMAT", help="How problems are printed.")
]
NewFolder = Annotated[
    Path, typer.Argument(envvar="GQLNEWS_FOLDER", help="The folder to write; made where missing.")
]
Articles = Annotated[
    int,
    typer.Option(
        "--articles", envvar="GQLNEWS_SAMPLE_ARTICLES", min=1, max=1_000_000, help="How many files."
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", envvar="GQLNEWS_SAMPLE_SEED", help="The same seed writes the same bytes.")
]
