"""The declared types compared with the tables that the migrations create."""

import sqlite3
from typing import get_args

import pytest
from graphql import is_object_type

from gqlnews.database.sqlite.writer import open_writer
from gqlnews.query.fields import Column, Declaration, Entity, JoinKey, JsonArray, Many, One
from gqlnews.query.sql import RENDERERS
from gqlnews.schema.query import ENTITIES, build_schema, collect_declarations

SCHEMA = build_schema()
DECLARED = collect_declarations(SCHEMA)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    db = open_writer(tmp_path_factory.mktemp("tables") / "store.db")
    db.row_factory = sqlite3.Row
    names = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {name: {row["name"] for row in db.execute(f"PRAGMA table_info({name})")} for name in names}
    db.close()
    return columns


def test_every_field_has_a_declaration() -> None:
    types = SCHEMA._schema.type_map
    fields = {
        (name, field)
        for name, kind in types.items()
        if is_object_type(kind) and not name.startswith("__")
        for field in kind.fields
    }
    assert fields - set(DECLARED.fields) == set()


@pytest.mark.parametrize(("name", "entity"), ENTITIES.items())
def test_every_column_of_an_entity_exists(name: str, entity: Entity, tables: dict[str, set[str]]) -> None:
    wanted = {entity.key, *(term.column for term in entity.order)}
    for (owner, _), declaration in DECLARED.fields.items():
        if owner == name and isinstance(declaration, Column):
            wanted.add(declaration.name)
        if owner == name and isinstance(declaration, JsonArray):
            wanted.add(declaration.column)
        if owner == name and isinstance(declaration, One | Many) and isinstance(declaration.match, JoinKey):
            wanted.update(filter(None, [declaration.match.parent]))
    assert wanted - tables[entity.table] == set()


def test_every_join_table_exists(tables: dict[str, set[str]]) -> None:
    for declaration in DECLARED.fields.values():
        junction = getattr(declaration, "through", None)
        if junction is not None:
            assert {junction.source_key, junction.target_key} <= tables[junction.table]


def test_every_declaration_has_a_renderer() -> None:
    assert set(RENDERERS) == set(get_args(Declaration))
