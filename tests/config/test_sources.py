"""Settings from options and variables, their origins, and rejected values."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gqlnews.config import sources
from gqlnews.config.declarations import APPLICATION, DEFAULTS, SETTINGS, Setting, settings_of
from gqlnews.config.settings import DEFAULT_LIMITS, HttpSettings, ServerSettings
from gqlnews.config.sources import (
    cache_folder,
    read_arguments,
    read_settings,
    server_settings,
    tracing_enabled,
)
from gqlnews.config.values import LogFormat, Origin, PostgresUrl, StatusCodePolicy
from gqlnews.errors import SettingsError

ONE, OTHER = (sha256(token).hexdigest() for token in (b"one", b"other"))


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Return the environment of the test, which has no settings but the database."""
    variables = {"GQLNEWS_DB": "a", "HOME": str(tmp_path)}
    monkeypatch.setattr(os, "environ", variables)
    return variables


def server(environ: dict[str, str], **variables: str) -> ServerSettings:
    """Read the settings of the application from the environment with these variables."""
    environ.update(variables)
    return server_settings(read_settings(APPLICATION))


def test_by_default_published_articles_and_the_explorer_are_served(environ: dict[str, str]) -> None:
    assert server(environ) == ServerSettings(Path("a"))
    assert not DEFAULTS["unpublished"]
    assert DEFAULTS["explorer"]


def test_the_default_limits_are_the_declared_ones(environ: dict[str, str]) -> None:
    assert server(environ).limits == DEFAULT_LIMITS
    assert (DEFAULT_LIMITS.max_depth, DEFAULT_LIMITS.max_response_bytes) == (16, 64 << 20)


def test_server_settings_can_be_set_by_environment(environ: dict[str, str]) -> None:
    settings = server(
        environ,
        GQLNEWS_DB="news.db",
        GQLNEWS_UNPUBLISHED="Yes",
        GQLNEWS_EXPLORER="0",
        GQLNEWS_EDITOR_TOKENS=f" {ONE.upper()} ,\n{OTHER},",
        GQLNEWS_RESPONSE_CACHE_MB="2",
        GQLNEWS_MAX_DEPTH="3",
    )
    assert settings.database == Path("news.db")
    assert (settings.unpublished, settings.explorer) == (True, False)
    assert settings.editor_tokens == (bytes.fromhex(ONE), bytes.fromhex(OTHER))
    assert settings.response_cache_bytes == 2 << 20
    assert settings.limits.max_depth == 3


def test_client_settings_can_be_set_by_environment(environ: dict[str, str]) -> None:
    settings = server(
        environ,
        GQLNEWS_STATUS_CODES="draft",
        GQLNEWS_ALLOW_ORIGINS="https://a.example http://B.example:80",
        GQLNEWS_PERSISTED_DOCUMENTS="documents",
        GQLNEWS_PERSISTED_ONLY="1",
        GQLNEWS_MAX_CONCURRENT_REQUESTS="5",
        GQLNEWS_RATE_LIMIT="20000",
        GQLNEWS_FORWARDED_ALLOW_IPS="10.0.0.0/8, ::1 unix:",
    )
    assert settings.http == HttpSettings(
        StatusCodePolicy.DRAFT,
        ("https://a.example", "http://b.example"),
        (Path("documents"),),
        persisted_only=True,
        max_concurrent_requests=5,
        rate_limit=20_000,
        forwarded_allow_ips=("10.0.0.0/8", "::1", "unix:"),
    )


def test_options_take_precedence_over_variables_and_variables_over_defaults(environ: dict[str, str]) -> None:
    environ.update(GQLNEWS_PORT="1", GQLNEWS_HOST="localhost")
    settings = read_settings("serve", {"folder": "content", "port": "2"})
    assert (settings["port"], settings["host"], settings["workers"]) == (2, "localhost", 1)
    assert [settings.origins[name] for name in ("port", "host", "workers")] == [
        Origin.OPTION,
        Origin.ENVIRONMENT,
        Origin.DEFAULT,
    ]


@pytest.mark.parametrize("value", ["", "  "])
@pytest.mark.parametrize("setting", settings_of(APPLICATION), ids=lambda setting: setting.name)
def test_a_blank_variable_counts_as_unset(environ: dict[str, str], setting: Setting, value: str) -> None:
    environ[setting.variable] = value
    settings = read_settings(APPLICATION)
    assert settings[setting.name] == setting.in_code(setting.default)
    assert settings.origins[setting.name] is Origin.DEFAULT


def test_variables_in_lower_case_are_not_settings(environ: dict[str, str]) -> None:
    environ.update(port="1", gqlnews_port="2")
    assert read_settings("config")["port"] == 8000


# The same rule for the command line and the environment.

VALUES = [
    "0",
    "1",
    "7",
    " 5 ",
    "+5",
    "05",
    "1_0",
    "1e1",
    "1.5",
    "0.00001",
    "3600.5",
    "70000",
    "9999999",
    "-1",
]
VALUES += ["10000000", "nan", "inf", "yes", "OFF", " true ", "2", "text", "json", "x", "http://a.example"]


def outcome(setting: Setting, given: dict[str, Any]) -> tuple[Any, str]:
    """Return the value, or the error message without the name of the option or variable."""
    try:
        return read_settings("config", given)[setting.name], ""
    except SettingsError as error:
        return None, str(error).partition(": ")[2]


@pytest.mark.parametrize(
    "setting", [setting for setting in settings_of("config") if setting.option], ids=lambda one: one.name
)
def test_options_and_variables_accept_the_same_values(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, setting: Setting
) -> None:
    monkeypatch.setattr(sources, "settings_of", lambda _: (setting,))  # all of them would be read each time
    by_option = [outcome(setting, {setting.name: value}) for value in VALUES]
    by_variable = []
    for value in VALUES:
        environ[setting.variable] = value
        by_variable.append(outcome(setting, {}))
    assert by_variable == by_option


@pytest.mark.parametrize("value", ["0.00001", "1.23456", "1e2", "3600"])
def test_a_time_limit_may_have_any_number_of_decimals(environ: dict[str, str], value: str) -> None:
    assert server(environ, GQLNEWS_QUERY_TIMEOUT=value).limits.timeout_seconds == float(value)


@pytest.mark.parametrize("setting", [one for one in SETTINGS if one.range], ids=lambda one: one.name)
def test_the_limits_of_a_range_are_valid_and_the_next_numbers_are_not(setting: Setting) -> None:
    assert setting.range is not None
    low, high = setting.range
    command = setting.commands[0]
    folder = {"folder": "content"} if command != APPLICATION else {}
    for value in (low, high):
        assert read_settings(command, folder | {setting.name: str(value)})[setting.name] == setting.in_code(
            value
        )
    for value in (low - 1, high + 1):
        with pytest.raises(
            SettingsError, match=rf": '{value}' is not a (whole )?number from {low} to {high}"
        ):
            read_settings(command, folder | {setting.name: str(value)})


def test_lists_are_split_at_commas_and_spaces(environ: dict[str, str]) -> None:
    environ["GQLNEWS_ALLOWED_IFRAME_HOSTS"] = "a.example, b.example\nc.example"
    assert read_settings("config")["iframe_hosts"] == ("a.example", "b.example", "c.example")
    given = {"iframe_hosts": ["A.example,b.example", "c.example"]}
    assert read_settings("config", given)["iframe_hosts"] == ("a.example", "b.example", "c.example")


def test_a_list_of_paths_is_split_in_variables_only(environ: dict[str, str]) -> None:
    environ["GQLNEWS_PERSISTED_DOCUMENTS"] = "a.json, b.json\nc"
    assert read_settings("config")["persisted_documents"] == (Path("a.json"), Path("b.json"), Path("c"))
    given = {"persisted_documents": [Path("our documents, 1.json"), Path("c")]}
    assert read_settings("config", given)["persisted_documents"] == (Path("our documents, 1.json"), Path("c"))


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("our documents.json", ["our documents.json"]),
        (Path("a.json"), ["a.json"]),
        (["our documents.json", Path("b")], ["our documents.json", "b"]),
        ([], []),
    ],
)
def test_create_app_takes_one_path_or_several(value: Any, paths: list[str]) -> None:
    settings = read_arguments({"persisted_documents": value})
    assert settings["persisted_documents"] == tuple(map(Path, paths))


def test_persisted_only_needs_documents_or_the_reader(environ: dict[str, str]) -> None:
    environ.update(GQLNEWS_DB="news.db", GQLNEWS_PERSISTED_ONLY="1", GQLNEWS_READER="1")
    assert server_settings(read_settings(APPLICATION)).http.persisted_only
    environ["GQLNEWS_READER"] = "0"
    with pytest.raises(SettingsError, match="--persisted-only needs trusted documents"):
        server_settings(read_settings(APPLICATION))


# Messages.


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"GQLNEWS_DB": ""}, "GQLNEWS_DB is not set: set it to the database that `gqlnews ingest` created"),
        ({"GQLNEWS_UNPUBLISHED": "perhaps"}, "GQLNEWS_UNPUBLISHED: 'perhaps' is not a boolean; use 1 or 0"),
        ({"GQLNEWS_EXPLORER": "2"}, "GQLNEWS_EXPLORER: '2' is not a boolean; use 1 or 0"),
        ({"GQLNEWS_STATUS_CODES": "new"}, "GQLNEWS_STATUS_CODES: 'new' is not valid; use spec or draft"),
        ({"GQLNEWS_LOG_FORMAT": "xml"}, "GQLNEWS_LOG_FORMAT: 'xml' is not valid; use text or json"),
        (
            {"GQLNEWS_PERSISTED_ONLY": "1"},
            "--persisted-only needs trusted documents: set --persisted-documents, or --reader",
        ),
        (
            {"GQLNEWS_RATE_LIMIT": "-1"},
            "GQLNEWS_RATE_LIMIT: '-1' is not a whole number from 0 to 9999999 (0 disables the limit)",
        ),
        (
            {"GQLNEWS_QUERY_TIMEOUT": "2s"},
            "GQLNEWS_QUERY_TIMEOUT: '2s' is not a number from 0 to 3600 (0 disables the limit)",
        ),
        (
            {"GQLNEWS_ALLOW_ORIGINS": "* a.example"},
            "GQLNEWS_ALLOW_ORIGINS: 'a.example' is not an origin; use one such as https://news.example, or *",
        ),
        (
            {"GQLNEWS_FORWARDED_ALLOW_IPS": "10.0.0.7 *"},
            "GQLNEWS_FORWARDED_ALLOW_IPS: '*' is not an address or network of a proxy; "
            "use one such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32",
        ),
    ],
)
def test_a_message_names_the_variable_and_what_is_allowed(
    environ: dict[str, str], variables: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as error:
        server(environ, **variables)
    assert str(error.value) == message


def test_a_message_names_the_option_if_it_is_given(environ: dict[str, str]) -> None:
    environ["GQLNEWS_EXPLORER"] = "1"
    with pytest.raises(SettingsError, match=r"^--explorer: 'x' is not a boolean"):
        read_settings("config", {"explorer": "x"})


def test_a_required_setting_that_is_missing_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^FOLDER is missing: pass it, or set GQLNEWS_FOLDER$"):
        read_settings("ingest")


def test_a_message_shows_only_the_beginning_of_a_long_value(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        server(environ, GQLNEWS_MAX_DEPTH="x" * 10_000)
    assert len(str(error.value)) < 200


def test_no_message_contains_a_token(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        server(environ, GQLNEWS_EDITOR_TOKENS=f"{ONE} secret")
    assert str(error.value).startswith("GQLNEWS_EDITOR_TOKENS: entry 2 is not a SHA-256 hash")
    assert ONE not in str(error.value)
    assert "secret" not in str(error.value)
    assert error.value.__suppress_context__, "pydantic's error is not printed in a traceback"


# Variables that Kubernetes sets for a service.

SERVICE = {
    "GQLNEWS_PORT": "tcp://10.96.0.10:8000",
    "GQLNEWS_SERVICE_HOST": "10.96.0.10",
    "GQLNEWS_SERVICE_PORT": "8000",
    "GQLNEWS_PORT_8000_TCP": "tcp://10.96.0.10:8000",
    "GQLNEWS_PORT_8000_TCP_PROTO": "tcp",
    "GQLNEWS_PORT_8000_TCP_PORT": "8000",
    "GQLNEWS_PORT_8000_TCP_ADDR": "10.96.0.10",
}


def test_variables_of_a_kubernetes_service_are_ignored_with_one_warning(environ: dict[str, str]) -> None:
    environ.update(SERVICE)
    settings = read_settings("serve", {"folder": "content"})
    assert (settings["port"], settings.origins["port"]) == (8000, Origin.DEFAULT)
    (warning,) = settings.warnings
    assert warning.startswith("GQLNEWS_PORT=tcp://10.96.0.10:8000 is ignored: Kubernetes sets it")
    assert "\n" not in warning


def test_there_is_no_warning_if_the_port_is_set(environ: dict[str, str]) -> None:
    environ.update(SERVICE)
    assert read_settings("serve", {"folder": "content", "port": "1"}).warnings == ()
    environ["GQLNEWS_PORT"] = "8080"
    settings = read_settings("serve", {"folder": "content"})
    assert (settings["port"], settings.warnings) == (8080, ())


def test_an_application_without_the_command_line_ignores_them_too(environ: dict[str, str]) -> None:
    assert server(environ, **SERVICE) == ServerSettings(Path("a"))


# Folders, formats and traces.


@pytest.mark.parametrize(("value", "format"), [("", LogFormat.TEXT), ("json", LogFormat.JSON)])
def test_the_log_has_two_formats(environ: dict[str, str], value: str, format: LogFormat) -> None:
    environ["GQLNEWS_LOG_FORMAT"] = value
    assert read_settings(APPLICATION)["log_format"] is format


def test_the_cache_folder_is_the_named_one(environ: dict[str, str], tmp_path: Path) -> None:
    environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    assert cache_folder() == tmp_path / "cache"


@pytest.mark.parametrize("value", [None, "", "relative/cache"])
def test_without_an_absolute_path_the_cache_is_in_the_home_folder(
    environ: dict[str, str], tmp_path: Path, value: str | None
) -> None:
    if value is not None:
        environ["XDG_CACHE_HOME"] = value
    assert cache_folder() == tmp_path / ".cache"


COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("requested", "variables", "installed", "on"),
    [
        (None, {}, True, False),
        (None, COLLECTOR, True, True),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True, True),
        (None, COLLECTOR, False, False),  # it may be set for all programs on a machine
        (False, COLLECTOR, True, False),
        (True, {}, True, True),
    ],
)
def test_when_operations_are_traced(
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    requested: bool | None,
    variables: dict[str, str],
    installed: bool,
    on: bool,
) -> None:
    modules = ("json",) if installed else ("no_such_package.at_all",)
    monkeypatch.setattr(sources, "TRACING_MODULES", modules)
    environ.update(variables)
    assert tracing_enabled(requested) is on


def test_tracing_without_the_extra_is_rejected(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    monkeypatch.setattr(sources, "TRACING_MODULES", ("no_such_package",))
    with pytest.raises(
        SettingsError, match=r"^--tracing needs OpenTelemetry: pip install 'gqlnews\[otel\]'$"
    ):
        server(environ, GQLNEWS_TRACING="1")


@pytest.mark.parametrize(("word", "on"), [("", False), ("1", True), ("off", False)])
def test_metrics_and_traces_by_environment(environ: dict[str, str], word: str, on: bool) -> None:
    settings = server(environ, GQLNEWS_METRICS=word, GQLNEWS_TRACING=word)
    assert (settings.metrics, settings.tracing) == (on, on)


URL = "postgresql://ann:s3cret@db/news"


def test_a_database_url_with_a_password_comes_from_the_environment(environ: dict[str, str]) -> None:
    environ["GQLNEWS_DB"] = URL
    assert read_settings("ingest", {"folder": "news"})["database"] == PostgresUrl(URL)
    with pytest.raises(SettingsError, match=r"^--db: .*password.* set GQLNEWS_DB") as error:
        read_settings("ingest", {"folder": "news", "database": URL})
    assert "s3cret" not in str(error.value)


def test_a_database_url_without_a_password_may_be_an_option() -> None:
    url = "postgresql://ann@db/news?passfile=/etc/pass"
    assert read_settings("ingest", {"folder": "news", "database": url})["database"] == PostgresUrl(url)


@pytest.mark.parametrize("url", [URL, "pgsql://u:s3cret@db/news", PostgresUrl(URL)])
def test_create_app_accepts_no_database_url(url: object) -> None:
    with pytest.raises(SettingsError, match=r"^db: .*(SQLite database only|scheme pgsql)") as error:
        sources.read_arguments({"db": url})
    assert "s3cret" not in str(error.value)
