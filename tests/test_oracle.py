"""The oracle itself: its reading of files, its pages, and that its requests are valid and its checks see faults."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracle.content import read_folder
from tests.oracle.document import Operation
from tests.oracle.engine import Oracle, oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.harness import Ask, check, differences, learn_cursors
from tests.oracle.instants import read_instant
from tests.oracle.markers import MARKERS, Cursor, LooseTail, OneOf, Registry
from tests.oracle.strategies import operations
from tests.oracle.values import values_of
from tests.oracle.world import AUDIENCES, Audience, World, make_world, topic_slug

SCHEMA = oracle_schema()


def as_program(value: Any) -> Any:
    """An answer of the oracle with text in place of markers, as a program gives it."""
    if isinstance(value, dict):
        return {key: as_program(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_program(item) for item in value]
    if isinstance(value, Cursor):
        return b64encode(repr(value).encode()).decode()
    if isinstance(value, LooseTail):
        return [*value.head, *sorted(value.tail)]
    if isinstance(value, OneOf):
        return min(value.words)
    return "anything" if isinstance(value, MARKERS) else value


class Setting:
    """A folder's worlds, an oracle, and a program that answers as the oracle does."""

    def __init__(self, folder: Path) -> None:
        content = read_folder(folder)
        self.oracle = Oracle(SCHEMA)
        self.worlds: dict[Audience, World] = {one: make_world(content, one) for one in AUDIENCES}
        for world in self.worlds.values():
            learn_cursors(self.ask, self.oracle, world)
        self.operations = operations(SCHEMA, values_of(content, self.oracle.registry))

    def ask(self, query: str, variables: dict[str, Any], name: str | None, audience: Audience) -> dict[str, Any]:
        answer = as_program(self.oracle.execute(self.worlds[audience], query, variables, name))
        parsed: dict[str, Any] = json.loads(json.dumps(answer))
        return parsed


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(write_folder(tmp_path_factory.mktemp("content"), seed=1, articles=40))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_generated_requests_are_valid_and_checked(setting: Setting, data: st.DataObject) -> None:
    operation = data.draw(setting.operations)
    assert validate(SCHEMA, parse(operation.document)) == []
    for world in setting.worlds.values():
        check(setting.ask, setting.oracle, world, operation)
