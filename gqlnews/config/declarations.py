"""Every setting of every command, declared once: one row of `SETTINGS` per setting.

The options and `--help` (`cli/options.py`), the environment variables and the validation
(`config/sources.py`), `gqlnews config`, and the tables of docs/settings.md (`make settings`) are built from
these rows. To add a setting, add a row, and a field of the same name to the dataclass that uses it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gqlnews.config.values import (
    CheckFormat,
    ConfigFormat,
    LogFormat,
    StatusCodePolicy,
    check_cache_control,
    check_url,
    parse_database,
    parse_database_path,
    parse_field_names,
    parse_host_names,
    parse_origins,
    parse_paths,
    parse_proxies,
    parse_token_hashes,
)

MEBIBYTE = 1 << 20
VARIABLE_PREFIX = "GQLNEWS_"

APPLICATION = "application"
"""Stands for `gqlnews.from_environment` among the commands of a setting: it reads variables only."""

CREATE_APP = "create_app"
"""Stands for `gqlnews.create_app` among the commands of a setting: its arguments are the only source."""

SERVE, APP = ("serve", "config"), ("serve", "config", APPLICATION, CREATE_APP)
REQUEST = (*APP, "check")  # limits of a request that are known without the content
CONTENT = ("serve", "config", "ingest", "check", CREATE_APP)
WATCH = ("serve", "config", "ingest", CREATE_APP)
REQUIRED = ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    `name` is its name in the code. `option` is `--name`, `--name/--no-name`, the name of an argument, or
    empty if there is only a variable. `type` is bool, int, float, str, Path, an enum, or list.
    `help` has no period at its end; --help prints it, and docs/settings.md appends `details`.
    """

    name: str
    type: type
    default: Any
    option: str
    variable: str
    commands: tuple[str, ...]
    help: str
    details: str = ""
    group: str | None = None
    range: tuple[int, int] | None = None
    zero: str = ""  # what 0 does
    unit: int = 1  # the code gets the value multiplied by this
    default_text: str = ""  # describes a default that is computed
    parse: Callable[[Any], Any] | None = None  # of the text, or of the list of texts
    is_secret: bool = False  # only the number of values may be shown
    is_hidden: bool = False
    has_paths: bool = False  # the list has paths instead of texts

    @property
    def key(self) -> str:
        """What identifies the setting among those of a command."""
        return self.variable or self.option

    @property
    def flag(self) -> str:
        """The option without its negative form."""
        return self.option.partition("/")[0]

    @property
    def argument(self) -> str:
        """The name as an argument of `gqlnews.create_app`: that of the variable, without the prefix."""
        return self.variable.removeprefix(VARIABLE_PREFIX).lower()

    @property
    def expected(self) -> str:
        """What a valid value is, to complete `'70000' is not …`."""
        if self.type is bool:
            return "a boolean; use 1 or 0"
        if issubclass(self.type, StrEnum):
            return f"valid; use {' or '.join(self.type)}"
        if self.type in (str, Path):
            return "a text" if self.type is str else "a path"
        noun = "whole number" if self.type is int else "number"
        limits = " from {} to {}".format(*self.range) if self.range else ""
        return f"a {noun}{limits}{f' (0 {self.zero})' if self.zero else ''}"

    def in_code(self, value: Any) -> Any:
        """Convert from the setting's unit."""
        return value * self.unit if self.unit > 1 else value


_CACHE_SIZE: Mapping[str, Any] = {"range": (0, 1_000_000), "zero": "disables it", "unit": MEBIBYTE}


def _limit(maximum: int) -> Mapping[str, Any]:
    return {"group": "Limits", "range": (0, maximum), "zero": "disables the limit"}


# fmt: off
# name, type, default, option, variable, commands, help, details
SETTINGS: tuple[Setting, ...] = (
    Setting("folder", Path, None, "FOLDER", "GQLNEWS_FOLDER", ("serve",),
            "Content folder with Markdown files",
            "[What is an article](content.md#which-files-are-articles). Not required if `--db` is the URL of "
            "a PostgreSQL database: then the server serves what another process publishes, without images.",
            default_text="required without the URL of a PostgreSQL database"),
    Setting("folder", Path, REQUIRED, "FOLDER", "GQLNEWS_FOLDER", ("ingest",),
            "Content folder with Markdown files",
            "[What is an article](content.md#which-files-are-articles)."),
    Setting("folder", Path, None, "FOLDER", "GQLNEWS_FOLDER", ("check",),
            "Content folder with Markdown files; with --operations, only its configuration is read",
            "Required without `--operations`."),
    Setting("folder", Path, None, "FOLDER", "GQLNEWS_FOLDER", ("config", APPLICATION),
            "Content folder with Markdown files",
            "Without it, the default of `--db` is not known, and `from_environment` serves no images."),
    Setting("folder", Path, REQUIRED, "FOLDER", "GQLNEWS_FOLDER", ("sample",),
            "Folder to write the files to; created if missing"),
    Setting("folder", Path, REQUIRED, "FOLDER", "GQLNEWS_FOLDER", ("init",),
            "Content folder with Markdown files",
            "The file `gqlnews.toml` is [written into it](configuration.md)."),
    Setting("force", bool, False, "--force", "GQLNEWS_INIT_FORCE", ("init",),
            "Write the file even if the folder has a configuration; gqlnews.toml in FOLDER is replaced"),
    Setting("database", Path, None, "--db", "GQLNEWS_DB", (CREATE_APP,), "SQLite database file",
            "It contains nothing that is not in the files, so you can delete it at any time.",
            default_text="one per content folder, in the user's cache folder", parse=parse_database_path),
    Setting("database", Path, None, "--db", "GQLNEWS_DB", ("serve", "config", "ingest", APPLICATION),
            "SQLite database file, or URL of a PostgreSQL database",
            "A file contains nothing that is not in the files of FOLDER, so you can delete it at any time. "
            "A URL with a password is accepted in the variable only, as other users see command lines.",
            default_text="one per content folder, in the user's cache folder", parse=parse_database),
    Setting("database", Path, REQUIRED, "--db", "GQLNEWS_DB", ("changes",),
            "SQLite database file, or URL of a PostgreSQL database, to read",
            "A URL with a password is accepted in the variable only, as other users see command lines.",
            parse=parse_database),
    Setting("since", str, None, "--since", "GQLNEWS_CHANGES_SINCE", ("changes",),
            "Version after which to start: the last one that was processed",
            "[Resuming](changes.md#resume).", default_text="all articles first, as added"),
    Setting("follow", bool, False, "--follow", "GQLNEWS_CHANGES_FOLLOW", ("changes",),
            "Keep running and print every further change until Ctrl-C"),
    Setting("fields", list, (), "--fields", "GQLNEWS_CHANGES_FIELDS", ("changes",),
            "Field to print before and after each change, such as title,topic; repeatable",
            "[Fields](changes.md#fields).", default_text="none", parse=parse_field_names),
    Setting("unpublished", bool, False, "--unpublished", "GQLNEWS_UNPUBLISHED", ("changes",),
            "Print the changes of all articles, not only of published ones",
            "The versions are those of `serve --unpublished`."),
    Setting("host", str, "127.0.0.1", "--host", "GQLNEWS_HOST", SERVE, "Address to listen on",
            "`0.0.0.0` is every IPv4 address of the machine."),
    Setting("port", int, 8000, "--port", "GQLNEWS_PORT", SERVE, "Port to listen on",
            "The free port is printed.", range=(0, 65535), zero="selects a free one"),
    Setting("ready_file", Path, None, "--ready-file", "GQLNEWS_READY_FILE", SERVE,
            "JSON file to write with the URLs once the server accepts requests",
            "It is removed when the server stops. [Its members](operations.md#ready-file).",
            default_text="none"),
    Setting("keep_alive", int, 65, "--keep-alive", "GQLNEWS_KEEP_ALIVE", SERVE,
            "Seconds for which an idle connection stays open after a response",
            "Longer than the idle timeout of a load balancer in front, often 60 s: otherwise it sends "
            "requests on connections that are just being closed, and answers 502.", range=(1, 3600)),
    Setting("drain_delay", int, 0, "--drain-delay", "GQLNEWS_DRAIN_DELAY", SERVE,
            "Seconds from SIGTERM or SIGHUP until connections are no longer accepted",
            "Meanwhile `/health/ready` answers 503, so a load balancer stops sending requests. "
            "[Shutdown](operations.md#stopping).", range=(0, 3600), zero="stops accepting at once"),
    Setting("unpublished", bool, False, "--unpublished", "GQLNEWS_UNPUBLISHED", APP,
            "Show unpublished articles to everyone",
            "For local work. `secured`, `extra` and `problems` still need an editor's token."),
    Setting("base_url", str, None, "--base-url", "GQLNEWS_BASE_URL", CONTENT,
            "Base URL of the articles' relative URLs",
            "[Other relative URLs](bodies.md#links-and-images) are resolved against these. After a change, "
            "the next ingest parses every file again.",
            parse=check_url),
    Setting("iframe_hosts", list, (), "--allowed-iframe-host", "GQLNEWS_ALLOWED_IFRAME_HOSTS", CONTENT,
            "Host whose iframes are allowed in featured content and bodies; repeatable",
            "Replaces the default. After a change, the next ingest parses every file again. "
            "[What is allowed](#iframes).", default_text="YouTube and Vimeo", parse=parse_host_names),
    Setting("preset", str, None, "--preset", "GQLNEWS_PRESET", CONTENT,
            "Site generator whose conventions hold, such as hugo or jekyll",
            "[Presets](content.md#sites).", default_text="that of the site's configuration file"),
    Setting("permalink", str, None, "--permalink", "GQLNEWS_PERMALINK", CONTENT,
            "Address of articles, such as /:year/:month/:slug/", "[Addresses](content.md#sites).",
            default_text="that of the site"),
    Setting("provider", str, None, "--provider", "GQLNEWS_PROVIDER", CONTENT,
            "Provider of the site's articles, such as 'Example News <news.example>'",
            default_text="title and host of the site"),
    Setting("future", str, None, "--future", "GQLNEWS_FUTURE", CONTENT,
            "`hide` or `show` articles dated in the future", "[Dates](content.md#dates).",
            default_text="as the site generator does"),
    Setting("expired", str, None, "--expired", "GQLNEWS_EXPIRED", CONTENT,
            "`hide` or `show` articles whose expiry date is past", "[Dates](content.md#dates).",
            default_text="as the site generator does"),
    Setting("content_config", Path, None, "--config", "GQLNEWS_CONFIG", (*CONTENT, "schema"),
            "Configuration file of the content: custom fields, keys, addresses",
            "[Configuration](configuration.md).",
            default_text="gqlnews.toml in FOLDER or above it in its git repository"),
    Setting("media", bool, True, "--media/--no-media", "GQLNEWS_MEDIA",
            ("serve", "config", "ingest", APPLICATION, CREATE_APP),
            "Serve the articles' images that lie in FOLDER at /media",
            "`--no-media` neither reads nor serves them. After a change, the next ingest parses every file "
            "again. [Images](content.md#images)."),
    Setting("explorer", bool, True, "--explorer/--no-explorer", "GQLNEWS_EXPLORER", APP,
            "Serve GraphiQL to browsers at /graphql"),
    Setting("reader", bool, None, "--reader/--no-reader", "GQLNEWS_READER", APP,
            "Serve the reader, a news site, to browsers at /",
            "`--no-reader` sends browsers from `/` to the explorer. Under another ASGI server and in "
            "`create_app` the default is off. [Reader](operations.md#reader).",
            default_text="on if the server listens on a loopback address"),
    Setting("rebuild", bool, False, "--rebuild", "GQLNEWS_REBUILD", ("ingest",),
            "Build a new database from all files and replace the old one, for example if that is damaged",
            "[Damage](operations.md#damage)."),
    Setting("watch", bool, True, "--watch/--no-watch", "GQLNEWS_WATCH", (*SERVE, CREATE_APP),
            "Ingest changes in FOLDER while serving",
            "`--no-watch` ingests only at startup. [Live updates](operations.md#live-updates)."),
    Setting("watch", bool, False, "--watch", "GQLNEWS_WATCH", ("ingest",),
            "Keep running and ingest every change until Ctrl-C",
            "[Live updates](operations.md#live-updates)."),
    Setting("force_polling", bool, False, "--force-polling", "GQLNEWS_FORCE_POLLING", WATCH,
            "Scan the whole folder repeatedly, for file systems without change notifications",
            "With `--watch`: every half second, or less often if a scan takes long. NFS, SMB and other file "
            "systems without change notification are always polled."),
    Setting("until_eof", bool, False, "--until-eof", "", ("ingest",),
            "With --watch: exit when standard input closes", is_hidden=True),
    Setting("log_format", LogFormat, LogFormat.TEXT, "--log-format", "GQLNEWS_LOG_FORMAT",
            (*WATCH, APPLICATION), "Log format",
            "`text` for people; `json` for machines, one object per line."),
    Setting("response_cache_bytes", int, 64, "--response-cache-mb", "GQLNEWS_RESPONSE_CACHE_MB", APP,
            "Size of the response cache in MiB", "[Caching](operations.md#caching).", **_CACHE_SIZE),
    Setting("field_cache_bytes", int, 32, "--field-cache-mb", "GQLNEWS_FIELD_CACHE_MB", APP,
            "Size of the root field cache in MiB",
            "Requests that have root fields in common share its entries. [Caching](operations.md#caching).",
            **_CACHE_SIZE),
    Setting("cache_control", str, "public, no-cache", "--cache-control", "GQLNEWS_CACHE_CONTROL", APP,
            "Cache-Control of responses to anonymous GET requests",
            "With the default, a cache asks the server each time, so that no client gets an old version. "
            "Responses that depend on the clock, have errors or are for editors are never stored. "
            "[Caching](operations.md#caching).",
            parse=check_cache_control),
    Setting("compression", bool, True, "--compression/--no-compression", "GQLNEWS_COMPRESSION", APP,
            "Compress responses with br, zstd or gzip, as the client accepts",
            "`--no-compression` is for a proxy that compresses. [Compression](operations.md#compression)."),
    Setting("workers", int, 1, "--workers", "GQLNEWS_WORKERS", SERVE, "Number of server processes",
            "Each has its own caches, limits and metrics.", range=(1, 64)),
    Setting("max_streams", int, 10_000, "--max-streams", "GQLNEWS_MAX_STREAMS", APP,
            "Maximum number of open WebSockets and event streams per process",
            "An [image](content.md#images) of more than 256 KiB counts as a stream while it is sent.",
            **_limit(100_000)),
    Setting("max_streams_per_client", int, 100, "--max-streams-per-client", "GQLNEWS_MAX_STREAMS_PER_CLIENT",
            APP, "Maximum number of open WebSockets and event streams per client address",
            "With 0, each connection counts as a client in all queues and budgets: for clients that share an "
            "address, as [behind a proxy](operations.md#behind-a-proxy) that does not forward theirs.",
            **_limit(100_000)),
    Setting("status_codes", StatusCodePolicy, StatusCodePolicy.SPEC, "--status-codes", "GQLNEWS_STATUS_CODES",
            APP, "HTTP status codes: `spec`, as widely implemented, or `draft`, as in the newest draft",
            "The newest draft uses codes such as 422 and 294. [Status codes](operations.md#http).",
            group="Clients"),
    Setting("allow_origins", list, (), "--allow-origin", "GQLNEWS_ALLOW_ORIGINS", APP,
            "Origin allowed by CORS; repeatable; * allows any",
            "Pages of an origin such as `https://news.example` may then read responses and open WebSockets. "
            "[CORS](operations.md#cross-origin-requests-cors).", group="Clients",
            default_text="none but the server's own", parse=parse_origins),
    Setting("forwarded_allow_ips", list, (), "--forwarded-allow-ips", "GQLNEWS_FORWARDED_ALLOW_IPS", APP,
            "Address or network of a proxy whose X-Forwarded-For is trusted; repeatable",
            "The limits per client address then apply to the proxy's clients. `unix:` is the peer of a Unix "
            "domain socket. [Behind a proxy](operations.md#behind-a-proxy).", group="Clients",
            default_text="none", parse=parse_proxies),
    Setting("persisted_documents", list, (), "--persisted-documents", "GQLNEWS_PERSISTED_DOCUMENTS", APP,
            "Trusted documents: a folder of .graphql files, or a JSON manifest; repeatable",
            "[Persisted documents](operations.md#persisted-documents).", group="Clients",
            default_text="none", parse=parse_paths, has_paths=True),
    Setting("persisted_only", bool, False, "--persisted-only", "GQLNEWS_PERSISTED_ONLY", APP,
            "Reject all documents but those of --persisted-documents and of the reader", group="Clients"),
    Setting("max_concurrent_requests", int, 1_000, "--max-concurrent-requests",
            "GQLNEWS_MAX_CONCURRENT_REQUESTS", APP, "Maximum number of concurrent operations per process",
            "Further ones get 503.", **_limit(100_000)),
    Setting("rate_limit", int, 0, "--rate-limit", "GQLNEWS_RATE_LIMIT", APP,
            "Maximum cost and scan work per second and client address",
            "After a pause, a burst of twice as much is allowed; requests above the limit get 429. Behind "
            "a proxy, set `--forwarded-allow-ips` too: otherwise all clients share one limit.",
            **_limit(9_999_999)),
    Setting("max_cost", int, 20_000, "--max-cost", "GQLNEWS_MAX_COST", REQUEST,
            "Maximum cost of a request in objects",
            "The number of objects that its response can hold, "
            "[computed before it runs](operations.md#limits).", **_limit(9_999_999)),
    Setting("max_scan", int, 80_000, "--max-scan", "GQLNEWS_MAX_SCAN", APP,
            "Maximum scan work of a request in thousands of comparisons",
            "Comparisons with stored rows, [estimated before it runs](operations.md#limits). Scan work grows "
            "with the content: raise the limit for far more than 100,000 articles.", **_limit(9_999_999)),
    Setting("max_depth", int, 16, "--max-depth", "GQLNEWS_MAX_DEPTH", REQUEST,
            "Maximum depth of nested fields",
            "Only fields that have selections count, and not those of introspection.", **_limit(9_999_999)),
    Setting("timeout_seconds", float, 2.0, "--query-timeout", "GQLNEWS_QUERY_TIMEOUT", APP,
            "Time limit of an operation in seconds",
            "Its statements are stopped with `TIMED_OUT` after three quarters of this value, 1.5 s by "
            "default; a request that waits that long for the database gets 503. 0 also disables the limits "
            "of [subscriptions](operations.md#subscriptions) and of [preparation](operations.md#limits).",
            **_limit(3600)),
    Setting("introspection", bool, True, "--introspection/--no-introspection", "GQLNEWS_INTROSPECTION",
            REQUEST, "Allow introspection of the schema",
            "`--no-introspection` rejects `__schema` and `__type`, and error messages contain no suggestions "
            "of names. The explorer then has no schema.", group="Schema"),
    Setting("metrics", bool, False, "--metrics", "GQLNEWS_METRICS", APP,
            "Expose Prometheus metrics at /metrics (private addresses only)",
            "[Metrics](operations.md#metrics-and-traces)."),
    Setting("tracing", bool, None, "--tracing/--no-tracing", "GQLNEWS_TRACING", APP,
            "Export OpenTelemetry traces (needs the extra `otel`)",
            "[Traces](operations.md#traces). The default also needs the extra to be installed.",
            default_text="on if OTEL_EXPORTER_OTLP_ENDPOINT is set"),
    Setting("ingest_workers", int, None, "--ingest-workers", "GQLNEWS_INGEST_WORKERS", CONTENT,
            "Number of parser processes",
            "Counted are the processors that the process may use, within its affinity (`taskset`, cpusets) "
            "and the quotas of its control groups (containers).",
            range=(1, 256), default_text="one per processor"),
    Setting("format", CheckFormat, CheckFormat.TEXT, "--format", "GQLNEWS_CHECK_FORMAT", ("check",),
            "Output format",
            "`text` in the style of compilers, `json` for an array of problems, `github` for annotations in "
            "GitHub Actions."),
    Setting("operations", Path, None, "--operations", "GQLNEWS_CHECK_OPERATIONS", ("check",),
            "Folder with a front end's sources: check its GraphQL documents instead of the articles",
            "They must match the schema and the limits of requests. [What is checked](check-operations.md)."),
    Setting("verbose", bool, False, "--verbose", "GQLNEWS_CHECK_VERBOSE", ("check",),
            "Print every problem, not one of several equal ones, and the files that are passed over"),
    Setting("format", ConfigFormat, ConfigFormat.TEXT, "--format", "GQLNEWS_CONFIG_FORMAT", ("config",),
            "Output format", "`text` for people, `json` for an array of objects."),
    Setting("articles", int, 1_000, "--articles", "GQLNEWS_SAMPLE_ARTICLES", ("sample",),
            "Number of files to write", range=(1, 1_000_000)),
    Setting("seed", int, 1, "--seed", "GQLNEWS_SAMPLE_SEED", ("sample",),
            "Random seed; the same seed and number of files write the same bytes"),

    # without an option
    Setting("editor_tokens", list, (), "", "GQLNEWS_EDITOR_TOKENS", APP,
            "SHA-256 hashes of the editors' tokens, 64 hex digits each; repeatable",
            "[How to make one](operations.md#editors-tokens).", parse=parse_token_hashes, is_secret=True),
    Setting("max_tokens", int, 2_000, "", "GQLNEWS_MAX_TOKENS", REQUEST,
            "Maximum number of tokens of a document, and of its comments",
            "The maximum number of lines is five times this value; 0 disables that limit too.",
            **_limit(9_999_999)),
    Setting("max_aliases", int, 30, "", "GQLNEWS_MAX_ALIASES", REQUEST,
            "Maximum number of aliases of an operation",
            "The content of a fragment counts each time it is spread.", **_limit(9_999_999)),
    Setting("max_root_fields", int, 20, "", "GQLNEWS_MAX_ROOT_FIELDS", REQUEST,
            "Maximum number of root fields of an operation",
            "The content of a fragment counts each time it is spread.", **_limit(9_999_999)),
    Setting("max_directives", int, 50, "", "GQLNEWS_MAX_DIRECTIVES", REQUEST,
            "Maximum number of directives of an operation",
            "The content of a fragment counts each time it is spread.", **_limit(9_999_999)),
    Setting("max_page_size", int, 100, "", "GQLNEWS_MAX_PAGE", REQUEST,
            "Maximum number of nodes per page, and of ids per `nodes`", range=(20, 100)),
    Setting("max_response_bytes", int, 64, "", "GQLNEWS_MAX_RESPONSE_MB", APP,
            "Maximum size of a response in MiB", "An article larger than that cannot be returned.",
            unit=MEBIBYTE, **_limit(900)),
)
# fmt: on


def settings_of(command: str) -> tuple[Setting, ...]:
    return tuple(setting for setting in SETTINGS if command in setting.commands)


DEFAULTS: Mapping[str, Any] = {
    setting.name: setting.in_code(setting.default)
    for command in ("serve", APPLICATION)
    for setting in settings_of(command)
}
"""Defaults of the server's settings, as the code uses them."""
