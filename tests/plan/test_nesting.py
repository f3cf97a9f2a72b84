"""Links nest in SQL as deep as SQLite's parser has room for, and leave some, whichever way they lead."""

import sqlite3
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    is_object_type,
)

from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Answer, Asked, Engine
from gqlnews.store.database import open_writer

LONGEST = 6  # links in a row: what is deeper begins layers, which begin anew
ROOM = 8  # parentheses that a statement can still be put in: the parser has room for some 75
PASSED_OVER = {"Problem", "PageInfo", "Site", "ArticleFacets", "IntRange", "DateTimeRange"}
ARGUMENTS = {"slug": '"x"', "url": '"http://a.example/b"', "query": '"ai"', "domain": '"x"', "by": "DAY"}
LINKS = ("related", "article", "story", "providers", "provider", "lead", "topics", "images", "drift", "nodes")


def written(name: str, field: GraphQLField) -> str:
    needed = [
        f"{argument}: {ARGUMENTS[argument]}"
        for argument, definition in field.args.items()
        if is_non_null_type(definition.type) and definition.default_value is Undefined
    ]
    return f"{name}({', '.join(needed)})" if needed else name


def leaves(kind: GraphQLObjectType) -> str:
    """Every plain field."""
    return " ".join(name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type)))


def paths(schema: GraphQLSchema, kind: GraphQLObjectType, length: int) -> Iterator[list[str]]:
    """The ways through the links that nest, `length` of them at most, each to a type's plain fields."""
    yield [leaves(kind)]
    if length:
        for name in LINKS:
            field = kind.fields.get(name)
            if field is not None and is_object_type(target := get_named_type(field.type)):
                for rest in paths(schema, target, length - 1):
                    yield [written(name, field), *rest]


def requests(schema: GraphQLSchema) -> Iterator[str]:
    assert schema.query_type is not None
    for name, field in schema.query_type.fields.items():
        target = get_named_type(field.type)
        if is_object_type(target) and target.name not in PASSED_OVER:
            for steps in paths(schema, target, LONGEST):
                yield " { ".join(["", written(name, field), *steps]) + " }" * (len(steps) + 1)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    db = open_writer(tmp_path_factory.mktemp("nesting") / "empty.db")
    yield db
    db.close()


def test_every_way_through_the_links_leaves_the_parser_room(connection: sqlite3.Connection) -> None:
    engine = Engine(no_store)
    for request in requests(engine.schema._schema):
        prepared = engine.prepare(Asked(request), Audience.EDITOR)
        assert not isinstance(prepared, Answer), prepared
        (query,) = prepared.bound.queries.values()
        connection.execute(f"EXPLAIN SELECT {'(' * ROOM}({query.sql}){')' * ROOM}", query.parameters)


async def no_store(_statements: object) -> list[bytes | None]:
    raise AssertionError("nothing is read here")
