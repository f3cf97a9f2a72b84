"""`gqlnews config`: the settings that `gqlnews serve` would have, and where each comes from.

With a folder, an option that is not given has the value of `gqlnews.toml`, of the site's configuration, or
its default. Further rows show what has no option.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gqlnews.cli.content_options import build_options, get_database
from gqlnews.cli.formatters import printable
from gqlnews.config.declarations import Setting, settings_of
from gqlnews.config.settings import EffectiveSettings
from gqlnews.config.sources import server_settings
from gqlnews.config.values import ConfigFormat, Origin, PostgresUrl
from gqlnews.content.models import NO_CONFIG, ContentConfig, ParseOptions, apply_config
from gqlnews.content.presets.site import DEFAULT_ZONE, ContentSite, SiteOverrides, get_host
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.find_config import FoundConfig, find_config
from gqlnews.discovery.sites import find_sites


class ConfigRow(NamedTuple):
    """A value and its origin; `setting` is None for a key without an option."""

    setting: Setting | None
    key: str
    value: Any
    origin: str


def format_config(settings: EffectiveSettings) -> tuple[str, list[str]]:
    """Format as an aligned table or as a JSON array, and return warnings about the configuration file.

    Raises SettingsError as `gqlnews serve` does.
    """
    database = settings["database"]
    if settings["folder"] and not isinstance(database, PostgresUrl):
        database = get_database(settings)
    server = server_settings(settings, database or Path())
    effective = {**settings.values, "database": database, "tracing": server.tracing}
    rows = [
        ConfigRow(row, "", effective[row.name], settings.origins[row.name]) for row in settings_of("serve")
    ]
    options = build_options(settings)
    content = _look_at_folder(settings["folder"], options) if settings["folder"] else None
    if content is not None:
        rows = [*(content.complete(row) for row in rows), *content.further_rows()]
    format_rows = _format_json if settings["format"] is ConfigFormat.JSON else _format_table
    return format_rows(rows), [] if content is None else content.warnings()


def _format_json(rows: list[ConfigRow]) -> str:
    objects = []
    for row in rows:
        setting = row.setting
        name = {"key": row.key} if setting is None else {}
        option, variable = (setting.flag or None, setting.variable) if setting else (None, None)
        value = row.value if setting is None else _plain(setting, row.value)
        objects.append({"option": option, "variable": variable, **name, "value": value, "origin": row.origin})
    return json.dumps(objects, indent=2)


def _format_table(rows: list[ConfigRow]) -> str:
    lines = [
        (
            row.key if row.setting is None else row.setting.flag or row.setting.variable,
            _text(row.setting, row.value),
            printable(row.origin),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    return "\n".join(f"{name:{widths[0]}}  {value:{widths[1]}}  {origin}" for name, value, origin in lines)


def _plain(setting: Setting, value: Any) -> Any:
    """Return the value in the setting's unit, as JSON has it; of a secret only the number of values."""
    if setting.is_secret:
        return len(value)
    if setting.unit > 1:
        return value // setting.unit
    if isinstance(value, tuple):
        return tuple(str(one) for one in value)
    return str(value) if isinstance(value, Path | PostgresUrl) else value


def _text(setting: Setting | None, value: Any) -> str:
    """Return the value on one line."""
    if setting is not None and setting.is_secret:
        return f"{len(value)} (not shown)"
    if value is None or value in ((), {}):
        return (setting.default_text if setting else "") or "not set"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        text = "; ".join(f"{name}: {', '.join(keys)}" for name, keys in value.items())
    else:
        plain = _plain(setting, value) if setting is not None else value
        text = " ".join(plain) if isinstance(plain, tuple) else str(plain)
    return text if text.isprintable() else repr(text)


# The folder.


class _FolderContent(NamedTuple):
    """The configuration of a folder, and the site whose values are shown, without that configuration.

    `base_url` is the one in effect.
    """

    folder: Path
    found: FoundConfig
    site: ContentSite
    base_url: str | None

    @property
    def config(self) -> ContentConfig:
        return self.found.config or NO_CONFIG

    def complete(self, row: ConfigRow) -> ConfigRow:
        """Return the row with the value of `gqlnews.toml` or of the site, if it has the default."""
        name = row.setting.name if row.setting else ""
        if name == "content_config" and self.found.path is not None:
            return row._replace(value=self.found.path)
        if row.origin != Origin.DEFAULT or name not in {"preset", "base_url", "permalink", "provider"}:
            return row
        written, of_site = getattr(self, f"_{name}")()
        value = written or of_site
        return row if value is None else row._replace(value=value, origin=self._origin(written, of_site))

    # What `gqlnews.toml` and the site's configuration say.

    def _preset(self) -> tuple[str | None, str | None]:
        return self.config.overrides.preset, self.site.preset if self.site.config else None

    def _base_url(self) -> tuple[str | None, str | None]:
        return self.config.base_url, self.site.base_url

    def _permalink(self) -> tuple[str | None, str | None]:
        patterns = (f"{place}: {pattern}" if place else pattern for place, pattern in self.site.permalinks)
        return self.config.overrides.permalink, "; ".join(patterns) or None

    def _provider(self) -> tuple[str | None, str | None]:
        written = self.config.overrides
        name = written.provider_name or self.site.title
        domain = written.provider_domain or get_host(self.base_url)
        provider = f"{name or ''} <{domain}>".strip() if domain else None
        is_written = written.provider_name or written.provider_domain
        return (provider, None) if is_written else (None, provider)

    def further_rows(self) -> Iterator[ConfigRow]:
        """Yield rows for what has no option."""
        written, site = self.config.overrides, self.site
        zone = None if site.time_zone == DEFAULT_ZONE else site.time_zone
        yield ConfigRow(
            None,
            "time-zone",
            written.time_zone or site.time_zone,
            self._origin(written.time_zone, zone),
        )
        language = written.language or site.language
        yield ConfigRow(None, "language", language, self._origin(written.language, site.language))
        keys = {name: list(keys) for name, keys in written.keys}
        yield ConfigRow(None, "keys", keys, self._origin(keys or None, None))
        count = len(self.config.fields)
        yield ConfigRow(None, "fields", count, self._origin(count or None, None))

    def _origin(self, written: Any, of_site: Any) -> str:
        if written is not None:
            return str(self.found.path)
        is_configured = of_site is not None and self.site.config
        return os.path.normpath(self.folder / self.site.config) if is_configured else Origin.DEFAULT

    def warnings(self) -> list[str]:
        """Return the mistakes in `gqlnews.toml`: the file does not count."""
        lines = []
        for problem in self.found.problems:
            place = ":".join(str(part) for part in (self.found.path, problem.line) if part is not None)
            lines.append(f"{place}: {problem.message}")
        return lines


def _look_at_folder(folder: Path, options: ParseOptions) -> _FolderContent | None:
    """Return the configuration and the site of a folder; None if it cannot be opened.

    Of several sites, that is the only one with a configuration, or else the folder's own.
    """
    try:
        opened = OpenFolder.open(folder)
    except OSError:
        return None
    with opened as content:
        found = find_config(content, options.config_path)
        effective = apply_config(options, found.config or NO_CONFIG)
        preset = SiteOverrides(preset=effective.overrides.preset)
        sites = find_sites(content, ParseOptions(overrides=preset)).sites
    configured = [site for site in sites if site.config]
    own = next(site for site in sites if site.inside == "")
    site = configured[0] if len(configured) == 1 else own
    return _FolderContent(folder, found, site, effective.base_url or site.base_url)
