"""SQL of PostgreSQL: parameters, values that it cannot store, JSON as SQLite writes it, and subscriptions."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import literal_column, select

from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, PreparedSubscription
from gqlnews.query.entities import Audience
from gqlnews.query.prepared import SqlCall
from gqlnews.query.sql.dialect import INTEGER, TEXT, Placeholder
from gqlnews.query.sql.postgresql import HIGH_TEXT, POSTGRESQL
from gqlnews.text_keys import BeforeExpression, SearchExpression
from tests.both_stores import BothStores
from tests.postgresql import Cluster
from tests.product import Product
from tests.store import UnreadStore

COPY_IMAGES = """
INSERT INTO article_before (%(names)s, slug, version, public_version)
SELECT %(names)s, slug, 1, 1 FROM article
"""


def test_each_bound_value_is_one_numbered_parameter() -> None:
    limit, other = POSTGRESQL.bind("limit", INTEGER), POSTGRESQL.bind("other", TEXT)
    sql, placeholders = POSTGRESQL.number(*POSTGRESQL.compile(select(limit, other, limit)))
    assert sql.replace("\n", " ").split(" AS ")[0] == "SELECT $1::bigint"
    assert sql.count("$1::bigint") == 2
    assert "$2::text" in sql
    assert [one.name for one in placeholders] == ["limit", "other"]


@pytest.mark.parametrize(
    ("type_", "value", "passed"),
    [
        ("", "text", "text"),
        ("", 5, 5),
        ("", b"", HIGH_TEXT),  # the end of the texts with a prefix that has none
        ("text", -5, None),  # in a cursor, a number in place of null
        ("text", b"\xff", None),
    ],
)
def test_values_are_passed_as_postgresql_compares_them(type_: str, value: object, passed: object) -> None:
    placeholder = Placeholder("one", None, type_)
    assert POSTGRESQL.bind_values((placeholder,), {"one": value}) == (passed,)


def test_the_type_of_a_full_text_expression_is_kept() -> None:
    (value,) = POSTGRESQL.bind_values((Placeholder("one", None),), {"one": SearchExpression('"a"')})
    assert isinstance(value, SearchExpression)


@pytest.mark.parametrize("text", ["\0", "a\0b", "a\ud800"])
def test_a_text_that_postgresql_cannot_store_becomes_another(text: str) -> None:
    (value,) = POSTGRESQL.bind_values((Placeholder("one", None),), {"one": text})
    assert isinstance(value, str)
    assert value != text
    assert "\0" not in value
    value.encode()


def test_a_replaced_nul_is_between_the_texts_around_it() -> None:
    (value,) = POSTGRESQL.bind_values((Placeholder("one", None),), {"one": "a\0b"})
    assert "a" < str(value) < "a\x02"


TEXTS = [f"a{chr(code)}b" for code in (*range(1, 0x100), 0x2028, 0x2029, 0xFEFF, 0xE000, 0xFFFF, 0x1F600)]
DOUBLES = [0.0, 1.0, -2.0, 0.1, 1 / 3, 1e-5, 1e-4, 1e14, 1e15, 1e20, -3e-7, 35.123456789012, 2**53 / 7]


def test_json_is_written_as_by_sqlite(postgresql: Cluster) -> None:
    url = postgresql.create_database()
    item = POSTGRESQL.json_array(literal_column("t.value"))
    score = POSTGRESQL.json_array(POSTGRESQL.score(literal_column("t.value")))
    texts, _ = POSTGRESQL.compile(select(item))
    doubles, _ = POSTGRESQL.compile(select(score))

    async def render() -> tuple[list[str], list[str]]:
        connection = await asyncpg.connect(url, server_settings={"extra_float_digits": "0"})
        try:
            rows = await connection.fetch(f"{texts} FROM unnest($1::text[]) AS t(value)", TEXTS)
            scaled = await connection.fetch(
                f"{doubles} FROM unnest($1::float8[]) AS t(value)", [value * 1e12 for value in DOUBLES]
            )
        finally:
            await connection.close()
        return [text for (text,) in rows], [text for (text,) in scaled]

    rendered, scores = asyncio.run(render())
    with closing(sqlite3.connect(":memory:")) as db:
        assert rendered == [db.execute("SELECT json_array(?)", (text,)).fetchone()[0] for text in TEXTS]
        expected = [db.execute("SELECT json_array(? / 1e12)", (v * 1e12,)).fetchone()[0] for v in DOUBLES]
    assert scores == expected
    postgresql.drop_database(url)


# Subscriptions.

FILTERS = [
    'title: { contains: "a" }',
    "published: true, quality: { gte: 1 }",
    'topic: { none: ["ai"] }, slug: { notIn: ["x"] }',
    'section: { under: "2020" }',
    "heat: { in: [1, 2, 3] }",
]


def subscription(where: str) -> GraphQLRequest:
    selection = "kind slug version article { title topics { name } related { title } similar { slug } }"
    return GraphQLRequest(f"subscription {{ articleChanged(where: {{ {where} }}) {{ {selection} }} }}")


@pytest.fixture
def with_images(examples: Product, tmp_path: Path, postgresql: Cluster) -> "tuple[Path, str]":
    """A store that has a before-image of each article, and its copy."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(examples.database)) as source, closing(sqlite3.connect(path)) as db:
        source.backup(db)
        columns = ("article", "article_before")
        shared = set.intersection(
            *({row[1] for row in db.execute(f"PRAGMA table_info({name})")} for name in columns)
        )
        names = ", ".join(sorted(shared - {"id", "slug"}))
        db.execute(COPY_IMAGES % {"names": names})
        db.commit()
    return path, postgresql.copy_of(path)


@pytest.mark.parametrize("audience", Audience)
def test_subscriptions_have_the_same_results(with_images: tuple[Path, str], audience: Audience) -> None:
    path, url = with_images
    with Product(path) as product, BothStores(product, url) as both:
        with closing(sqlite3.connect(path)) as db:
            images = [row[0] for row in db.execute("SELECT id FROM article_before")]
            slugs = [row[0] for row in db.execute("SELECT slug FROM article")]
        assert images
        events = json.dumps(
            [{"slug": slug, "kind": "UPDATED", "version": "a-1", "current_key": slug} for slug in slugs]
        )
        for where in FILTERS:
            calls: list[list[SqlCall]] = []
            for engine in (product.engine, both.engine):
                prepared = engine.prepare(subscription(where), audience)
                if isinstance(prepared, PreparedSubscription):  # otherwise the audience may not filter so
                    bound = prepared.bound
                    filtering = bound.filter_changes(json.dumps(images), json.dumps(slugs))
                    calls.append([filtering, bound.render_events(events)])
            if calls:
                stored, published = calls
                results = product.store.execute_batch(stored), both.engine.store.execute_batch(published)
                passing, rendered = (product._runner.run(result).values for result in results)
                assert sorted(json.loads(passing[0] or b""), key=str) == sorted(
                    json.loads(rendered[0] or b""), key=str
                )
                assert passing[1] == rendered[1]


def test_the_caller_supplies_the_earlier_states_that_match_a_text() -> None:
    engine = Engine(UnreadStore(), dialect=POSTGRESQL)
    prepared = engine.prepare(subscription('matches: "owl"'), Audience.OPEN)
    assert isinstance(prepared, PreparedSubscription)
    sql, parameters = prepared.bound.filter_changes("[1]", '["a"]')
    assert [one for one in parameters if isinstance(one, BeforeExpression)] == ['"owl"']
    assert [one for one in parameters if isinstance(one, SearchExpression)] == ['"owl"']
    assert "before_search" not in sql
