"""The content folder, database and parse options of a command, validated before it starts."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gqlnews.config.settings import cache_folder
from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.damage import default_database
from gqlnews.errors import ContentFolderError, SettingsError

_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """A content folder, its database, parse options, and number of parser processes (None: the default)."""

    folder: Path
    database: Path
    options: ParseOptions
    processes: int | None

    def with_database(self, database: Path) -> "IngestTarget":
        """Return a copy with another database."""
        return replace(self, database=database)


def build_target(
    folder: Path,
    database: Path | None,
    base_url: str | None,
    iframe_hosts: Sequence[str] | None,
    processes: int | None,
    *,
    allow_missing: bool = False,
) -> IngestTarget:
    """Validate the options. With `allow_missing`, the folder may be missing or unreadable.

    Raises ContentFolderError and SettingsError.
    """
    if not allow_missing:
        _check_folder(folder)
    return IngestTarget(
        folder,
        database or default_database(folder, cache_folder()),
        _options(base_url, iframe_hosts),
        processes,
    )


def _check_folder(folder: Path) -> None:
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise ContentFolderError(
            f"folder {folder} cannot be read ({error.strerror}): pass the folder that contains the articles"
        ) from error


def _options(base_url: str | None, iframe_hosts: Sequence[str] | None) -> ParseOptions:
    options = ParseOptions(base_url=_checked_url(base_url))
    if not iframe_hosts:
        return options
    hosts = tuple(host.lower() for host in iframe_hosts)
    if wrong := [host for host in hosts if not _HOST_NAME.fullmatch(host)]:
        raise SettingsError(
            f"--allowed-iframe-host {wrong[0]!r} is not a host name: use one such as player.vimeo.com"
        )
    return msgspec.structs.replace(options, iframe_hosts=hosts)


def _checked_url(base_url: str | None) -> str | None:
    if base_url is None:
        return None
    try:
        parts = urlsplit(base_url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(
            f"--base-url {base_url!r} is not an http or https URL: use one such as https://example.com/"
        )
    return base_url
