"""Settings as the code uses them. `config/declarations.py` declares them, `config/sources.py` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from gqlnews.config.declarations import DEFAULTS
from gqlnews.config.values import Origin, PostgresUrl, StatusCodePolicy
from gqlnews.errors import SettingsError

Group = TypeVar("Group")


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """The settings of a command by name, and where each comes from; `warnings` name ignored variables."""

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def group(self, kind: type[Group], **others: Any) -> Group:
        """Create a dataclass from the settings that are named as its fields, and from `others`."""
        names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        return kind(**{name: value for name, value in self.values.items() if name in names} | others)


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
DEFAULT_LIMITS = Limits(**{field.name: DEFAULTS[field.name] for field in fields(Limits)})
"""Default limits of the server."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """HTTP settings. `rate_limit` is the cost allowed per second and client address.

    `forwarded_allow_ips` are addresses and networks of trusted proxies, and `unix:` for Unix domain sockets.
    For `rate_limit` and `max_concurrent_requests`, 0 is no limit. `cache_control` is for anonymous GET.
    """

    status_codes: StatusCodePolicy = DEFAULTS["status_codes"]
    allow_origins: tuple[str, ...] = DEFAULTS["allow_origins"]
    persisted_documents: tuple[Path, ...] = DEFAULTS["persisted_documents"]
    persisted_only: bool = DEFAULTS["persisted_only"]
    max_concurrent_requests: int = DEFAULTS["max_concurrent_requests"]
    rate_limit: int = DEFAULTS["rate_limit"]
    forwarded_allow_ips: tuple[str, ...] = DEFAULTS["forwarded_allow_ips"]
    cache_control: str = DEFAULTS["cache_control"]
    compression: bool = DEFAULTS["compression"]


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Settings of the server's connections, in seconds.

    `keep_alive` is the time for which an idle connection stays open after a response, `drain_delay` the time
    from SIGTERM until the drain.
    """

    keep_alive: int = DEFAULTS["keep_alive"]
    drain_delay: float = DEFAULTS["drain_delay"]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of the server application; `editor_tokens` are SHA-256 digests of 32 bytes each.

    With `postgres`, that database is served, and `database` is not read.

    With `media`, images of the content `folder` are served, if it is known. With `reader`, the reader is
    served, and its documents are trusted. Raises SettingsError if only trusted documents may run and there
    are none.
    """

    database: Path
    postgres: PostgresUrl | None = None
    unpublished: bool = DEFAULTS["unpublished"]
    explorer: bool = DEFAULTS["explorer"]
    reader: bool = False
    editor_tokens: tuple[bytes, ...] = DEFAULTS["editor_tokens"]
    response_cache_bytes: int = DEFAULTS["response_cache_bytes"]
    field_cache_bytes: int = DEFAULTS["field_cache_bytes"]
    max_streams: int = DEFAULTS["max_streams"]
    max_streams_per_client: int = DEFAULTS["max_streams_per_client"]
    limits: Limits = DEFAULT_LIMITS
    http: HttpSettings = HttpSettings()
    metrics: bool = DEFAULTS["metrics"]
    media: bool = DEFAULTS["media"]
    folder: Path | None = None
    tracing: bool = False

    def __post_init__(self) -> None:
        if self.http.persisted_only and not (self.http.persisted_documents or self.reader):
            raise SettingsError(
                "--persisted-only needs trusted documents: set --persisted-documents, or --reader"
            )
