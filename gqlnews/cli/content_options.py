"""The content folder, database and parse options of a command."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from gqlnews.cli.site_options import OVERRIDES, build_overrides, override_arguments
from gqlnews.config.declarations import settings_of
from gqlnews.config.settings import EffectiveSettings
from gqlnews.config.sources import cache_folder
from gqlnews.config.values import LogFormat, Origin
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.damage import default_database
from gqlnews.errors import ContentFolderError, SettingsError

INGEST_SETTINGS = (
    *("content_config", "watch", "force_polling", "ingest_workers", "base_url", "iframe_hosts"),
    *OVERRIDES,
)
"""Settings that concern only the ingest."""


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """A content folder, its database, parse options, and number of parser processes (None: the default).

    `shows_progress`: an ingest has a progress bar on a terminal.
    """

    folder: Path
    database: Path
    options: ParseOptions
    processes: int | None
    shows_progress: bool = True

    def with_database(self, database: Path) -> "IngestTarget":
        """Return a copy with another database."""
        return replace(self, database=database)


def build_target(settings: EffectiveSettings, *, allow_missing: bool = False) -> IngestTarget:
    """Raise ContentFolderError if the folder is missing or unreadable, unless `allow_missing`.

    Raises SettingsError if `--config` is no file, or an option that overrides the configuration is invalid.
    """
    if not allow_missing:
        _check_folder(settings["folder"])
    options = build_options(settings)
    return IngestTarget(settings["folder"], get_database(settings), options, settings["ingest_workers"])


def build_options(settings: EffectiveSettings) -> ParseOptions:
    """Raise SettingsError if `--config` is no file, or an option that overrides the site's is invalid."""
    overrides = build_overrides(*(settings[name] for name in OVERRIDES))
    config = settings["content_config"]
    if config is not None and not config.is_file():
        raise SettingsError(f"--config {config} is not a file: pass the path of a gqlnews.toml")
    options = ParseOptions(
        base_url=settings["base_url"],
        overrides=overrides,
        config_path=None if config is None else str(config.absolute()),
        media=settings.values.get("media", False),  # `check` needs no images
    )
    if settings["iframe_hosts"]:
        options = msgspec.structs.replace(options, iframe_hosts=settings["iframe_hosts"])
    return options


def content_arguments(target: IngestTarget, log_format: LogFormat) -> list[str]:
    """Return the options of `gqlnews ingest` with which it interprets the folder as this process does."""
    options = target.options
    command = ["--log-format", str(log_format)]
    if options.base_url is not None:
        command += ["--base-url", options.base_url]
    if options.config_path is not None:
        command += ["--config", options.config_path]
    command += override_arguments(options.overrides)
    if not options.media:
        command.append("--no-media")
    for host in options.iframe_hosts:
        command += ["--allowed-iframe-host", host]
    if target.processes is not None:
        command += ["--ingest-workers", str(target.processes)]
    return command


def ignored_options(settings: EffectiveSettings) -> tuple[str, ...]:
    """Return a warning for each setting of `gqlnews serve` that has no effect without FOLDER."""
    set_by = {row.name: (row, settings.origins[row.name]) for row in settings_of("serve")}
    return tuple(
        f"{row.option if origin is Origin.OPTION else row.variable} is ignored: without FOLDER, the server "
        "does not ingest, and serves what another process publishes"
        for row, origin in map(set_by.__getitem__, INGEST_SETTINGS)
        if origin is not Origin.DEFAULT
    )


def get_database(settings: EffectiveSettings) -> Path:
    """Return the path of the SQLite database, by default one per content folder."""
    database = settings.values.get("database")
    return database if isinstance(database, Path) else default_database(settings["folder"], cache_folder())


def _check_folder(folder: Path) -> None:
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise ContentFolderError(
            f"folder {folder} cannot be read ({error.strerror}): pass the folder that contains the articles"
        ) from error
