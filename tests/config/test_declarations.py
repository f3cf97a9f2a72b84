"""The table of settings: names, variables, and the parts of the program that are built from it."""

from collections import Counter
from dataclasses import fields
from typing import Any

import pytest

from gqlnews.config.declarations import APPLICATION, REQUIRED, SETTINGS, Setting, settings_of
from gqlnews.config.settings import HttpSettings, Limits, ServerSettings
from tests import settings_docs

COMMANDS = sorted({command for setting in SETTINGS for command in setting.commands})


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("attribute", ["name", "key", "flag"])
def test_a_command_has_each_name_option_and_variable_once(command: str, attribute: str) -> None:
    names = Counter(getattr(setting, attribute) for setting in settings_of(command))
    del names[""]  # settings without an option
    assert [name for name, count in names.items() if count > 1] == []


def test_a_variable_belongs_to_one_setting() -> None:
    names: dict[str, set[str]] = {}
    for setting in SETTINGS:
        assert setting.variable.startswith("GQLNEWS_") or setting.is_hidden
        names.setdefault(setting.variable, set()).add(setting.name)
    assert {variable: found for variable, found in names.items() if len(found) > 1} == {}


@pytest.mark.parametrize("kind", [Limits, HttpSettings, ServerSettings])
def test_every_field_of_the_servers_settings_is_declared(kind: Any) -> None:
    declared = {setting.name for setting in settings_of(APPLICATION)} | {"limits", "http"}
    declared.add("postgres")  # the URL in `database`
    assert {field.name for field in fields(kind)} <= declared


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_a_row_is_consistent(setting: Setting) -> None:
    assert not setting.help.endswith(".")
    assert setting.details == "" or setting.details.endswith((".", ")."))
    assert bool(setting.zero) <= bool(setting.range and setting.range[0] == 0)
    assert setting.default in (None, REQUIRED, ()) or type(setting.default) is setting.type
    if setting.range and setting.default is not None:
        assert setting.range[0] <= setting.default <= setting.range[1]
    assert setting.type is not list or setting.parse is not None


def test_the_documented_tables_are_the_declared_ones() -> None:
    text = settings_docs.FILE.read_text("utf-8")
    assert settings_docs.update(text) == text, "run `make settings`"
