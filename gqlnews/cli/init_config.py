"""`gqlnews init`: write a configuration file for a folder, and print what it says."""

from pathlib import Path

import typer

from gqlnews.cli.formatters import printable, progress
from gqlnews.cli.supervisor import exit_on_signal
from gqlnews.discovery.config_files import OWN_CONFIG, config_candidates
from gqlnews.discovery.scan import open_root
from gqlnews.discovery.suggest_config import SuggestedConfig, suggest_config, type_text
from gqlnews.errors import SettingsError


def run_init(folder: Path, *, force: bool = False) -> None:
    """Write `gqlnews.toml` into the folder, and print where and what.

    Raises SettingsError if the folder has a configuration, or one above applies to it, unless `force`.
    """
    with open_root(folder) as content, exit_on_signal("no file was written"):
        present = next((path for path in config_candidates(folder) if path.exists()), None)
        if present is not None and not force:
            raise SettingsError(f"{present} applies to {folder} already: edit it, or pass --force")
        with progress("Reading articles") as on_progress:
            suggested = suggest_config(content, on_progress or (lambda _done, _total: None))
        path = folder / OWN_CONFIG
        _write(path, suggested.text(), force=force)
    typer.echo(f"wrote {printable(str(path))}, by looking at {suggested.article_count}")
    for line in _summary(suggested):
        typer.echo(f"  {printable(line)}")


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write the file in one step, so that a running server never reads a part of it."""
    if not force:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        return
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


def _summary(suggested: SuggestedConfig) -> list[str]:
    lines = [f"{key} = {value}" for key, value in suggested.values.items()]
    if suggested.fields:
        lines.append("suggested fields, commented out:")
    for guessed in suggested.fields:
        key = ".".join(guessed.field.key)
        source = "" if key == guessed.field.name else f" from {key}"
        lines.append(
            f"  {guessed.field.name}{source}: {type_text(guessed.field)}, {suggested.share(guessed)}"
        )
    return lines
