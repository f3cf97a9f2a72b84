"""The public Python API: an application that serves a content folder. Documented in docs/python.md."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

# yaml-rs 0.1 crashes the process if it is imported on a thread that ends, such as that of an application's
# ingest, and then used on another one, such as that of the next application.
import yaml_rs  # noqa: F401
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gqlnews.app import build_app, from_environment
from gqlnews.cli.content_options import IngestTarget, build_target
from gqlnews.cli.serve import attempt_ingest
from gqlnews.cli.watch import supervise_watcher
from gqlnews.config.settings import EffectiveSettings, ServerSettings
from gqlnews.config.sources import environment_without_settings, read_arguments, server_settings
from gqlnews.errors import NotStartedError
from gqlnews.server.app_state import NOT_STARTED
from gqlnews.server.observability import logs

__all__ = ["NewsApp", "Settings", "create_app", "from_environment"]

FilePath = str | os.PathLike[str]


class Settings(TypedDict, total=False):
    """Settings of `create_app`: those of docs/settings.md, named as their variables without `GQLNEWS_`."""

    allow_origins: Sequence[str]
    allowed_iframe_hosts: Sequence[str]
    base_url: str
    cache_control: str
    compression: bool
    editor_tokens: Sequence[str]
    expired: Literal["hide", "show"]
    explorer: bool
    field_cache_mb: int
    force_polling: bool
    forwarded_allow_ips: Sequence[str]
    future: Literal["hide", "show"]
    ingest_workers: int
    introspection: bool
    log_format: Literal["text", "json"]
    max_aliases: int
    max_concurrent_requests: int
    max_cost: int
    max_depth: int
    max_directives: int
    max_page: int
    max_response_mb: int
    max_root_fields: int
    max_scan: int
    max_streams: int
    max_streams_per_client: int
    max_tokens: int
    media: bool
    metrics: bool
    permalink: str
    persisted_documents: FilePath | Sequence[FilePath]
    persisted_only: bool
    preset: str
    provider: str
    query_timeout: float
    rate_limit: int
    reader: bool
    response_cache_mb: int
    status_codes: Literal["spec", "draft"]
    tracing: bool
    unpublished: bool
    watch: bool


def create_app(
    content: FilePath,
    *,
    config: FilePath | None = None,
    db: FilePath | None = None,
    **settings: Unpack[Settings],
) -> "NewsApp":
    """Create an ASGI application that serves the articles of the folder `content`.

    `config` is the path of a `gqlnews.toml`, by default one in the folder or above it; `db` that of the
    database, by default one per folder in the user's cache folder. No environment variable is a setting.

    Nothing is read or started until the application's lifespan runs. Raises SettingsError for an unknown or
    invalid setting, and ContentFolderError if the folder cannot be read.
    """
    return NewsApp(*read_target(content, {**settings, "config": config, "db": db}))


def read_target(content: FilePath, arguments: Mapping[str, Any]) -> tuple[IngestTarget, EffectiveSettings]:
    """Return what to ingest, and the settings, for the arguments of `create_app`; raises what that raises."""
    effective = read_arguments(arguments)
    folder = Path(content).absolute()
    target = build_target(EffectiveSettings({**effective.values, "folder": folder}, effective.origins))
    return replace(target, database=target.database.absolute(), shows_progress=False), effective


def target_settings(target: IngestTarget, settings: EffectiveSettings) -> ServerSettings:
    """Return the settings of the server application over this target. Raises SettingsError."""
    return replace(server_settings(settings, target.database), folder=target.folder)


class NewsApp:
    """ASGI application that ingests a content folder at its start, serves it, and follows its changes.

    An ASGI server runs the lifespan. If another application mounts this one, that application must, with
    `lifespan`. It can run again after its end.
    """

    def __init__(self, target: IngestTarget, settings: EffectiveSettings) -> None:
        self._target, self._settings = target, settings
        self._server_settings = target_settings(target, settings)
        self._router = Router(lifespan=self.lifespan)
        self._app: ASGIApp | None = None
        self._has_started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._router(scope, receive, send)
        elif self._app is None:
            raise NotStartedError(NOT_STARTED)
        else:
            # `state` is that of the lifespan of the application that mounts this one.
            await self._app({**scope, "state": {}}, receive, send)

    @asynccontextmanager
    async def lifespan(self, host: object = None) -> AsyncIterator[None]:
        """Ingest the folder, then serve it and follow its changes until the block ends.

        Use it in the lifespan of the application that mounts this one, or as its `lifespan`; `host` is that
        application. Raises CommandError if the folder cannot be ingested.
        """
        if self._has_started:
            raise RuntimeError("the lifespan of this gqlnews application is running already")
        self._has_started = True
        try:
            logs.configure_own_logger(self._settings["log_format"])
            await self._ingest()
            async with AsyncExitStack() as stack:
                if self._settings["watch"]:
                    watcher = supervise_watcher(
                        self._target,
                        self._settings["log_format"],
                        force_polling=self._settings["force_polling"],
                        environment=environment_without_settings(),
                    )
                    stack.push_async_callback(asyncio.to_thread, watcher.stop)
                warns = not self._settings["watch"]
                app = await asyncio.to_thread(build_app, self._server_settings, warns_of_schedule=warns)
                await stack.enter_async_context(app.lifespan())
                self._app = app
                yield
        finally:
            self._app, self._has_started = None, False

    async def _ingest(self) -> None:
        attempts = attempt_ingest(self._target, has_watcher=self._settings["watch"])
        while (pause := await asyncio.to_thread(next, attempts, None)) is not None:  # noqa: ASYNC110 - a backoff
            await asyncio.sleep(pause)
