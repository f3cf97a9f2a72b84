"""Links nest in SQL within the depth limit of SQLite's parser, whichever links a query follows."""

import sqlite3
from collections.abc import Iterator, Sequence
from random import Random

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

from gqlnews.database.sqlite.writer import open_writer
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse, PreparedQuery
from gqlnews.query.entities import Audience
from tests.effort import number
from tests.store import UnreadStore

MAX_SAMPLES = number(60)  # requests of a kind, drawn once
ROOM = 6  # more nested parentheses that a statement must allow; the parser has room for about 75
PASSED_OVER = {"Problem", "PageInfo", "Site", "IntRange", "DateTimeRange"}
ARGUMENTS = {
    "slug": '"x"',
    "url": '"http://a.example/b"',
    "query": '"ai"',
    "domain": '"x"',
    "by": "DAY",
    "path": '"x"',
}
NESTING = (
    "related",
    "article",
    "story",
    "providers",
    "provider",
    "lead",
    "topics",
    "images",
    "drift",
    "nodes",
    "next",
    "section",
    "authors",
)
ALL = (
    *NESTING,
    "edges",
    "node",
    "referencedBy",
    "articles",
    "facets",
    "image",
    "tableOfContents",
    "topic",
    "similar",
    "translations",
    "sections",
    "children",
    "parent",
)


def written(name: str, field: GraphQLField) -> str:
    needed = [
        f"{argument}: {ARGUMENTS[argument]}"
        for argument, definition in field.args.items()
        if is_non_null_type(definition.type) and definition.default_value is Undefined
    ]
    return f"{name}({', '.join(needed)})" if needed else name


def leaves(kind: GraphQLObjectType, width: int) -> str:
    """Select every plain field, and repeat the first one under aliases until there are `width`."""
    names = [name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type))]
    names += [f"w{number}: {names[0] if names else '__typename'}" for number in range(width - len(names))]
    return " ".join(names)


def paths(
    schema: GraphQLSchema, kind: GraphQLObjectType, links: Sequence[str], length: int, width: int
) -> Iterator[list[str]]:
    """Yield the paths of at most `length` of these links, each to a type's plain fields."""
    yield [leaves(kind, width)]
    for name in links if length else ():
        field = kind.fields.get(name)
        if field is not None and is_object_type(target := get_named_type(field.type)):
            above = leaves(kind, width - 1) if width > 1 else ""
            for rest in paths(schema, target, links, length - 1, width):
                yield [f"{above} {written(name, field)}", *rest]


def requests(schema: GraphQLSchema, links: Sequence[str], length: int, width: int) -> Iterator[str]:
    assert schema.query_type is not None
    for name, field in schema.query_type.fields.items():
        target = get_named_type(field.type)
        if is_object_type(target) and target.name not in PASSED_OVER:
            for steps in paths(schema, target, links, length, width):
                yield " { ".join(["", written(name, field), *steps]) + " }" * (len(steps) + 1)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    db = open_writer(tmp_path_factory.mktemp("nesting") / "empty.db")
    yield db
    db.close()


@pytest.mark.generated
@pytest.mark.parametrize(
    ("links", "length", "width"),
    [(NESTING, 6, 1), (NESTING, 5, 61), (NESTING, 4, 119), (ALL, 4, 1), (ALL, 3, 61)],
    ids=["deep", "deep and wide", "deep and widest", "any link", "any link, wide"],
)
def test_nested_relations_do_not_overflow_the_parser_stack(
    connection: sqlite3.Connection, links: Sequence[str], length: int, width: int
) -> None:
    engine = Engine(UnreadStore())
    tried = 0
    every = list(requests(engine.schema._schema, links, length, width))
    drawn = Random(1).sample(every, min(MAX_SAMPLES, len(every)))  # noqa: S311 - the same each time, that is the point
    for request in drawn:
        prepared = engine.prepare(GraphQLRequest(request), Audience.EDITOR)
        if isinstance(prepared, GraphQLResponse):
            assert b"TOO_WIDE" in prepared.body, request
            continue
        assert isinstance(prepared, PreparedQuery)
        (query,) = prepared.bound.queries.values()
        try:
            connection.execute(f"EXPLAIN SELECT {'(' * ROOM}({query.sql}){')' * ROOM}", query.statement[1])
        except sqlite3.OperationalError as error:
            raise AssertionError(request) from error
        tried += 1
    assert tried > MAX_SAMPLES / 2
