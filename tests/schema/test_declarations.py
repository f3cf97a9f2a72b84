"""The declared types compared with the tables that the migrations create."""

import sqlite3
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args

import pytest
from graphql import is_object_type

from gqlnews.database.before_search import create_index
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.query.entities import Entity, FullTextIndex, JoinTable
from gqlnews.query.fields import ChangeFeed, Column, Declaration, JoinKey, JsonArray, Many, One
from gqlnews.query.filters import FilterFields, FilterFieldType
from gqlnews.query.sql import RENDERERS
from gqlnews.schema.fields import ARTICLE, AUTHOR, PROVIDER
from gqlnews.schema.inputs import ARTICLE_FILTER_FIELDS, AUTHOR_FILTER_FIELDS, PROVIDER_FILTER_FIELDS
from gqlnews.schema.query import ENTITIES, build_schema, collect_declarations

SCHEMA = build_schema()
DECLARED = collect_declarations(SCHEMA)
T = TypeVar("T")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    db = open_writer(tmp_path_factory.mktemp("tables") / "store.db")
    create_index(db)  # of texts before changes, as the subscriptions' reader does
    db.row_factory = sqlite3.Row
    names = [
        row["name"]
        for schema in ("sqlite_master", "sqlite_temp_master")
        for row in db.execute(f"SELECT name FROM {schema} WHERE type IN ('table', 'view')")  # noqa: S608
    ]
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


def declared(kind: type[T]) -> list[T]:
    """Return the declarations of a class, at any depth: of fields, and of what these refer to."""
    pending: list[Any] = [*DECLARED.fields.values(), *DECLARED.entities.values()]
    found = []
    while pending:
        one = pending.pop()
        if isinstance(one, kind):
            found.append(one)
        if is_dataclass(one):
            pending += [getattr(one, field.name) for field in fields(one)]
        elif isinstance(one, tuple):
            pending += one
    return found


def test_every_join_table_exists(tables: dict[str, set[str]]) -> None:
    for one in declared(JoinTable):
        columns = {one.source_key, one.target_key, one.position, one.visibility.column, *one.denormalized}
        assert columns - {None, ""} <= tables[one.table]


def test_every_visibility_column_exists(tables: dict[str, set[str]]) -> None:
    for one in declared(Entity):
        assert not one.visibility.column or one.visibility.column in tables[one.table]


def test_every_full_text_index_has_the_columns_of_its_prefixes(tables: dict[str, set[str]]) -> None:
    indexes = declared(FullTextIndex)
    assert indexes
    for index in indexes:
        assert all(set(index.columns) <= tables[table] for table in index.tables)


@pytest.mark.parametrize(
    ("entity", "filter_fields"),
    [(ARTICLE, ARTICLE_FILTER_FIELDS), (PROVIDER, PROVIDER_FILTER_FIELDS), (AUTHOR, AUTHOR_FILTER_FIELDS)],
)
def test_every_text_filter_has_a_casefolded_column(
    entity: Entity, filter_fields: FilterFields, tables: dict[str, set[str]]
) -> None:
    texts = {one.column for one in filter_fields.values() if one.type is FilterFieldType.TEXT}
    assert {f"{column}{entity.casefold_suffix}" for column in texts} <= tables[entity.table]


def test_every_column_of_a_change_feed_exists(tables: dict[str, set[str]]) -> None:
    (feed,) = declared(ChangeFeed)
    log = {feed.changes.key, feed.change_number, feed.first_creation, feed.last_creation, feed.is_deleted}
    assert log <= tables[feed.changes.table]
    assert {feed.version, feed.number, feed.last_pruned} <= tables[feed.state.table]


def test_every_declaration_has_a_renderer() -> None:
    assert set(RENDERERS) == set(get_args(Declaration))
