"""Typer options, built from the declared settings.

Typer parses the command line and prints --help. It passes on the text of the options that are given there;
`config/sources.py` reads the environment, and validates both.
"""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from gqlnews.config.declarations import REQUIRED, Setting, settings_of
from gqlnews.config.settings import EffectiveSettings

_CONTEXT = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)


def with_options(command: Callable[[EffectiveSettings], None]) -> Callable[..., None]:
    """Give a command the options of the settings that are declared for its name."""
    name = command.__name__

    @wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        from gqlnews.config.sources import read_settings

        command(read_settings(name, {key: value for key, value in values.items() if _is_given(context, key)}))

    parameters = (_parameter(setting) for setting in settings_of(name) if setting.option)
    run.__signature__ = Signature([_CONTEXT, *parameters])  # type: ignore[attr-defined]
    return run


def _is_given(context: typer.Context, name: str) -> bool:
    """Return whether the command line contains the option."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _parameter(setting: Setting) -> Parameter:
    """Return the parameter from which Typer makes the option."""
    low, high = setting.range or (None, None)
    shared: dict[str, Any] = {
        "envvar": setting.variable or None,
        "help": f"{setting.help}{f'; 0 {setting.zero}' if setting.zero else ''}.",
        "show_default": setting.default_text or True,
        "rich_help_panel": setting.group,
        "min": low,
        "max": high,
        "hidden": setting.is_hidden,
        "parser": None if setting.type in (str, Path, list) else lambda text: text,
    }
    is_option = setting.option.startswith("-")
    info = typer.Option(setting.option, **shared) if is_option else typer.Argument(**shared)
    kind: Any = setting.type
    if setting.type is list:
        kind = list[Path] if setting.has_paths else list[str]
    elif setting.type is Path and setting.parse is not None:
        kind = str  # a path would lose one slash of a URL
    default = Parameter.empty if setting.default is REQUIRED else setting.default
    return Parameter(
        setting.name,
        Parameter.KEYWORD_ONLY,
        default=None if setting.type is list else default,
        annotation=Annotated[kind, info],
    )
