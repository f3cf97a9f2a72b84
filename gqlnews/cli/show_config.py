"""`gqlnews config`: the settings that `gqlnews serve` would have, and where each comes from."""

import json
from pathlib import Path
from typing import Any

from gqlnews.cli.content_options import get_database
from gqlnews.config.declarations import Setting, settings_of
from gqlnews.config.settings import EffectiveSettings
from gqlnews.config.sources import server_settings
from gqlnews.config.values import ConfigFormat


def format_config(settings: EffectiveSettings) -> str:
    """Format as an aligned table or as a JSON array. Raises SettingsError as `gqlnews serve` does."""
    database = get_database(settings) if settings["folder"] else settings["database"]
    server = server_settings(settings, database or Path())
    effective = {**settings.values, "database": database, "tracing": server.tracing}
    rows = [(row, effective[row.name], settings.origins[row.name]) for row in settings_of("serve")]
    if settings["format"] is ConfigFormat.JSON:
        keys = ("option", "variable", "value", "origin")
        cells = [(row.flag or None, row.variable, _plain(row, value), origin) for row, value, origin in rows]
        return json.dumps([dict(zip(keys, row, strict=True)) for row in cells], indent=2)
    lines = [(row.flag or row.variable, _text(row, value), origin) for row, value, origin in rows]
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    return "\n".join(f"{name:{widths[0]}}  {value:{widths[1]}}  {origin}" for name, value, origin in lines)


def _plain(row: Setting, value: Any) -> Any:
    """Return the value in the setting's unit, as JSON has it; of a secret only the number of values."""
    if row.is_secret:
        return len(value)
    if row.unit > 1:
        return value // row.unit
    return str(value) if isinstance(value, Path) else value


def _text(row: Setting, value: Any) -> str:
    """Return the value on one line."""
    if row.is_secret:
        return f"{len(value)} (not shown)"
    if value is None or value == ():
        return row.default_text or "not set"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = " ".join(value) if isinstance(value, tuple) else str(_plain(row, value))
    return text if text.isprintable() else repr(text)
