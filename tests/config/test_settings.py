"""Settings read from the environment, and rejected values."""

from hashlib import sha256
from pathlib import Path

import pytest

from gqlnews.config import settings as read
from gqlnews.config.settings import (
    HttpSettings,
    LogFormat,
    StatusCodePolicy,
    cache_folder,
    editor_tokens,
    log_format,
    parse_origins,
    server_settings,
    tracing_enabled,
)
from gqlnews.errors import SettingsError

ONE, OTHER = (sha256(token).hexdigest() for token in (b"one", b"other"))


@pytest.mark.parametrize("value", [f"{ONE},{OTHER}", f"{ONE} {OTHER}", f" {ONE.upper()} ,\n{OTHER},"])
def test_tokens_are_separated_by_commas_or_blanks(value: str) -> None:
    assert editor_tokens({"GQLNEWS_EDITOR_TOKENS": value}) == (bytes.fromhex(ONE), bytes.fromhex(OTHER))


@pytest.mark.parametrize("environ", [{}, {"GQLNEWS_EDITOR_TOKENS": ""}, {"GQLNEWS_EDITOR_TOKENS": " , "}])
def test_no_tokens_make_no_editors(environ: dict[str, str]) -> None:
    assert editor_tokens(environ) == ()


@pytest.mark.parametrize("wrong", ["secret", ONE[:-1], ONE + "0", "x" * 64])
def test_an_invalid_hash_is_rejected_without_repeating_it(wrong: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^GQLNEWS_EDITOR_TOKENS: entry 2 is not a SHA-256 hash"
    ) as error:
        editor_tokens({"GQLNEWS_EDITOR_TOKENS": f"{ONE},{wrong}"})
    assert wrong not in str(error.value).split()


def test_every_setting_can_be_set_by_environment() -> None:
    settings = server_settings(
        {
            "GQLNEWS_DB": "/tmp/news.db",  # noqa: S108 - nothing is written
            "GQLNEWS_UNPUBLISHED": "Yes",
            "GQLNEWS_EXPLORER": "0",
            "GQLNEWS_EDITOR_TOKENS": ONE,
        }
    )
    assert settings.database == Path("/tmp/news.db")  # noqa: S108
    assert (settings.unpublished, settings.explorer) == (True, False)
    assert settings.editor_tokens == (bytes.fromhex(ONE),)


def test_client_settings_can_be_set_by_environment() -> None:
    assert server_settings({"GQLNEWS_DB": "a"}).http == HttpSettings()
    settings = server_settings(
        {
            "GQLNEWS_DB": "a",
            "GQLNEWS_STATUS_CODES": "draft",
            "GQLNEWS_ALLOW_ORIGINS": "https://a.example http://b.example:3000",
            "GQLNEWS_PERSISTED_DOCUMENTS": "documents",
            "GQLNEWS_PERSISTED_ONLY": "1",
            "GQLNEWS_MAX_CONCURRENT_REQUESTS": "5",
            "GQLNEWS_RATE_LIMIT": "20000",
        }
    )
    assert settings.http == HttpSettings(
        StatusCodePolicy.DRAFT,
        ("https://a.example", "http://b.example:3000"),
        Path("documents"),
        persisted_only=True,
        max_concurrent_requests=5,
        rate_limit=20_000,
    )


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("*", "*"),
        ("HTTPS://News.Example/", "https://news.example"),
        ("https://news.example:443", "https://news.example"),
        ("http://news.example:443", "http://news.example:443"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_origins_are_normalized(given: str, origin: str) -> None:
    assert parse_origins([given]) == (origin,)


@pytest.mark.parametrize(
    "wrong", ["", "null", "news.example", "ftp://a", "https://a/b", "https://*.a", "https://"]
)
def test_an_invalid_origin_is_rejected(wrong: str) -> None:
    with pytest.raises(SettingsError, match="is not an origin; use one such as"):
        parse_origins([wrong])


def test_by_default_published_articles_and_the_explorer_are_served() -> None:
    settings = server_settings({"GQLNEWS_DB": "news.db", "GQLNEWS_UNPUBLISHED": ""})
    assert (settings.unpublished, settings.explorer, settings.editor_tokens) == (False, True, ())


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, r"^GQLNEWS_DB is not set"),
        (
            {"GQLNEWS_DB": "a", "GQLNEWS_UNPUBLISHED": "perhaps"},
            r"^GQLNEWS_UNPUBLISHED: 'perhaps' is not a boolean",
        ),
        ({"GQLNEWS_DB": "a", "GQLNEWS_EXPLORER": "2"}, r"^GQLNEWS_EXPLORER: '2' is not a boolean"),
        (
            {"GQLNEWS_DB": "a", "GQLNEWS_STATUS_CODES": "new"},
            r"^GQLNEWS_STATUS_CODES: 'new' .* spec or draft",
        ),
        ({"GQLNEWS_DB": "a", "GQLNEWS_PERSISTED_ONLY": "1"}, r"^--persisted-only needs"),
        ({"GQLNEWS_DB": "a", "GQLNEWS_RATE_LIMIT": "-1"}, r"^GQLNEWS_RATE_LIMIT: "),
    ],
)
def test_invalid_values_are_rejected(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        server_settings(environ)


@pytest.mark.parametrize(("value", "format"), [("", LogFormat.TEXT), ("json", LogFormat.JSON)])
def test_the_log_has_two_formats(value: str, format: LogFormat) -> None:
    assert log_format({"GQLNEWS_LOG_FORMAT": value}) is format


def test_an_unknown_log_format_is_rejected() -> None:
    with pytest.raises(SettingsError, match=r"'xml' .* text or json"):
        log_format({"GQLNEWS_LOG_FORMAT": "xml"})


def test_the_cache_folder_is_the_named_one(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize("environ", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative/cache"}])
def test_without_an_absolute_path_the_cache_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder(environ) == tmp_path / ".cache"


COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("asked", "environ", "installed", "on"),
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
    monkeypatch: pytest.MonkeyPatch, asked: bool | None, environ: dict[str, str], installed: bool, on: bool
) -> None:
    monkeypatch.setattr(read, "TRACING_MODULES", ("json",) if installed else ("no_such_package.at_all",))
    assert tracing_enabled(asked, environ) is on


def test_tracing_without_the_extra_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "TRACING_MODULES", ("no_such_package",))
    with pytest.raises(
        SettingsError, match=r"^--tracing needs OpenTelemetry: pip install 'gqlnews\[otel\]'$"
    ):
        server_settings({"GQLNEWS_DB": "a", "GQLNEWS_TRACING": "1"})


@pytest.mark.parametrize(("word", "on"), [("", False), ("1", True), ("off", False)])
def test_metrics_and_traces_by_environment(word: str, on: bool) -> None:
    settings = server_settings({"GQLNEWS_DB": "a", "GQLNEWS_METRICS": word, "GQLNEWS_TRACING": word})
    assert (settings.metrics, settings.tracing) == (on, on)
