"""Read settings: the command line before the environment, or arguments; validated by pydantic-settings.

No other module reads the environment. Import this module only when a command runs, as pydantic-settings takes
0.2 s.
"""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from gqlnews.config.declarations import CREATE_APP, REQUIRED, VARIABLE_PREFIX, Setting, settings_of
from gqlnews.config.settings import EffectiveSettings, HttpSettings, Limits, ServerSettings
from gqlnews.config.values import Origin, PostgresUrl
from gqlnews.errors import SettingsError, shorten

OTLP_ENDPOINT_VARS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TRACING_MODULES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
MAX_SHOWN = 80  # characters of an invalid value

_POSTGRES_VARIABLES = (
    *("PGHOST", "PGPORT", "PGDATABASE", "PGUSER"),
    *("PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR"),
)
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://[\w.:\[\]]+")
"""Value of the variable `NAME_PORT` that Kubernetes sets for a service called `name`."""


class EnvironmentSource(EnvSettingsSource):
    """Environment variables; blank ones, and those that Kubernetes sets for a service, count as unset."""

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, _: bool) -> Any:
        is_set = value and value.strip() and not _is_service_link(str(field.validation_alias), value)
        return value if is_set else None


class SettingsModel(BaseSettings):
    """Base of the models that `read_settings` builds; `states` are the given values by origin."""

    model_config = SettingsConfigDict(case_sensitive=True, validate_default=False, hide_input_in_errors=True)
    states: ClassVar[dict[Origin, dict[str, Any]]]
    reads_environment: ClassVar[bool] = True

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources; the first that has a value wins."""
        sources = {Origin.OPTION: init_settings}
        if cls.reads_environment:
            sources[Origin.ENVIRONMENT] = EnvironmentSource(settings_cls)
        cls.states = {origin: source() for origin, source in sources.items()}
        return tuple(sources.values())


class ArgumentsModel(SettingsModel):
    """Base of the model of the arguments of `gqlnews.create_app`."""

    reads_environment = False


def read_settings(command: str, given: Mapping[str, Any] | None = None) -> EffectiveSettings:
    """Merge and validate the settings of a command; `given` are the options on the command line, as text.

    For CREATE_APP, `given` are the only source. Raises SettingsError.
    """
    rows = settings_of(command)
    fields: dict[str, Any] = {row.name: _field(row) for row in rows}
    base = ArgumentsModel if command == CREATE_APP else SettingsModel
    model = create_model("Settings", __base__=base, **fields)
    options = {row.key: given[row.name] for row in rows if given and row.name in given}
    try:
        values = dict(model(**options))
    except ValidationError as error:
        raise SettingsError(_message(error.errors()[0], model, rows)) from None
    origins = {row.name: _origin(row, model.states) for row in rows}
    if base is SettingsModel:
        _reject_visible_passwords(rows, values, origins)
    return EffectiveSettings(values, origins, _ignored(rows, options))


def _reject_visible_passwords(
    rows: Iterable[Setting], values: Mapping[str, Any], origins: Mapping[str, Origin]
) -> None:
    for row in rows:
        value = values[row.name]
        if isinstance(value, PostgresUrl) and value.has_password and origins[row.name] is Origin.OPTION:
            raise SettingsError(
                f"{row.flag}: the URL contains a password, which other users see in the list of processes: "
                f"set {row.variable} to the URL, or use PGPASSFILE or a service file"
            )


def read_arguments(arguments: Mapping[str, Any]) -> EffectiveSettings:
    """Validate the arguments of `gqlnews.create_app`; None is the default. Raises SettingsError."""
    rows = {row.argument: row for row in settings_of(CREATE_APP)}
    for argument in sorted(arguments.keys() - rows.keys()):
        near = get_close_matches(argument, rows, 1)
        hint = f"did you mean {near[0]!r}?" if near else "gqlnews.Settings has those that there are"
        raise SettingsError(f"create_app has no setting {argument!r}: {hint}")
    given = {rows[name].name: _one_path_as_list(rows[name], value) for name, value in arguments.items()}
    return read_settings(CREATE_APP, {name: value for name, value in given.items() if value is not None})


def _one_path_as_list(row: Setting, value: Any) -> Any:
    """Return a list of one path if the setting is a list of paths, and the value a path."""
    return [value] if row.has_paths and isinstance(value, str | os.PathLike) else value


def _field(row: Setting) -> tuple[Any, Any]:
    """Return type and default of a setting for pydantic."""
    kind, parse = row.type, row.parse  # type: Any, Any
    if row.type is list:
        split = _split_paths if row.has_paths else _split
        kind = Annotated[tuple[Any, ...], BeforeValidator(parse), BeforeValidator(split)]
    elif row.type is bool:
        kind = Annotated[bool, BeforeValidator(lambda value: str(value).strip())]
    elif row.type is Path and parse is not None:
        kind = Annotated[Any, BeforeValidator(parse)]  # a path would lose one slash of a URL
    elif parse is not None:
        kind = Annotated[kind, AfterValidator(parse)]
    if row.range is not None:
        low, high = row.range
        kind = Annotated[kind, Field(ge=low, le=high), AfterValidator(row.in_code)]
    default = row.default if row.default is REQUIRED else row.in_code(row.default)
    return kind, Field(default, validation_alias=row.key)


def _split(value: Any) -> list[str]:
    """Split a list of texts, or a text, at commas and spaces."""
    if not isinstance(value, str | list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError("the value is not a list of texts")
    text = value if isinstance(value, str) else " ".join(value)
    return text.replace(",", " ").split()


def _split_paths(value: Any) -> list[str]:
    """Split a text at commas and spaces; a path of a list may contain both."""
    if isinstance(value, str):
        return _split(value)
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | os.PathLike) for one in value):
        raise ValueError("the value is not a path or a list of paths")
    return [os.fspath(one) for one in value]


def _origin(row: Setting, states: Mapping[Origin, Mapping[str, Any]]) -> Origin:
    return next((origin for origin, state in states.items() if row.key in state), Origin.DEFAULT)


def _message(error: Any, model: type[SettingsModel], rows: Iterable[Setting]) -> str:
    """Format an error of pydantic: where the value comes from, the value, and what is allowed."""
    (row,) = (row for row in rows if row.key == error["loc"][0])
    if error["type"] == "missing":
        return f"{row.flag} is missing: pass it, or set {row.variable}"
    is_option = _origin(row, model.states) is Origin.OPTION
    source = row.variable if not is_option else row.flag if model.reads_environment else row.argument
    if error["type"] == "value_error":  # raised by a parser
        return f"{source}: {error['ctx']['error']}"
    return f"{source}: {shorten(str(error['input']), MAX_SHOWN)!r} is not {row.expected}"


def _ignored(rows: Iterable[Setting], options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a warning for each variable that is ignored because Kubernetes set it."""
    return tuple(
        f"{row.variable}={value} is ignored: Kubernetes sets it for a service called gqlnews; "
        f"set enableServiceLinks: false for the pod, or set {row.variable} to a number"
        for row in rows
        if row.key not in options
        and _is_service_link(row.variable, value := os.environ.get(row.variable, ""))
    )


def _is_service_link(variable: str, value: str) -> bool:
    return variable.endswith("_PORT") and _SERVICE_LINK.fullmatch(value) is not None


def check_postgres_driver() -> None:
    """Raise SettingsError unless the driver of PostgreSQL is installed."""
    if find_spec("asyncpg") is None:
        raise SettingsError('a PostgreSQL database needs its driver: pip install "gqlnews[postgres]"')


def server_settings(settings: EffectiveSettings, database: Path | None = None) -> ServerSettings:
    """Return the settings of the server application. Raises SettingsError.

    `reader` is off if it is not set: its default depends on the listening address, which is not known here.
    """
    path = database or settings["database"]
    postgres = path if isinstance(path, PostgresUrl) else None
    if path is None:
        raise SettingsError("GQLNEWS_DB is not set: set it to the database that `gqlnews ingest` created")
    return settings.group(
        ServerSettings,
        database=Path() if postgres else path,
        postgres=postgres,
        limits=settings.group(Limits),
        http=settings.group(HttpSettings),
        reader=bool(settings["reader"]),
        tracing=tracing_enabled(settings["tracing"]),
    )


def tracing_enabled(requested: bool | None) -> bool:
    """Decide whether to trace operations.

    None enables tracing if an OTLP endpoint is set in the environment and the `otel` extra is installed.
    Raises SettingsError if tracing is requested and the extra is missing.
    """
    try:
        is_installed = all(find_spec(name) for name in TRACING_MODULES)
    except ModuleNotFoundError:  # a parent package is missing
        is_installed = False
    if requested and not is_installed:
        raise SettingsError("--tracing needs OpenTelemetry: pip install 'gqlnews[otel]'")
    has_endpoint = any(os.environ.get(name) for name in OTLP_ENDPOINT_VARS)
    return is_installed and has_endpoint if requested is None else requested


def environment_without_settings() -> dict[str, str]:
    """Return the environment for a process that gets its settings as options."""
    return {name: value for name, value in os.environ.items() if not name.startswith(VARIABLE_PREFIX)}


def postgres_variables() -> list[str]:
    """Return the variables, as `NAME=value`, that decide with a URL which PostgreSQL database it means."""
    return [f"{name}={os.environ[name]}" for name in _POSTGRES_VARIABLES if os.environ.get(name)]


def postgres_service() -> str:
    """Return the name of the service that applies if a URL names none; empty for none."""
    return os.environ.get("PGSERVICE", "")


def postgres_service_files() -> tuple[Path, ...]:
    """Return the files in which libpq looks for a service; one that a variable names need not exist."""
    named, folder = os.environ.get("PGSERVICEFILE"), os.environ.get("PGSYSCONFDIR")
    own = Path(named) if named else Path(os.path.expanduser("~"), ".pg_service.conf")
    shared = [Path(folder, "pg_service.conf")] if folder else []
    return tuple(file for file in (own, *shared) if (file == own and named) or file.exists())


def cache_folder() -> Path:
    """Return the user's cache folder; a relative XDG_CACHE_HOME is ignored, as the XDG spec requires."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return folder if folder.is_absolute() else Path.home() / ".cache"
