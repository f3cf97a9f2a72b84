"""The main rule: one SQL statement per root field, and one dispatch per request; and how statements run."""

import sqlite3
from typing import Any

import pytest

from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.product import Product

pytestmark = pytest.mark.usefixtures("no_inline_execution")

SIX_DEEP = "title"
for _ in range(6):
    SIX_DEEP = f"title related(first: 2) {{ title article {{ {SIX_DEEP} }} }}"

PAGE = (
    "edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
)
QUERIES = {
    "six links deep": f'{{ article(slug: "%SLUG%") {{ {SIX_DEEP} }} }}',
    "front page": f"{{ articles(first: 20) {{ nodes {{ {SIX_DEEP} }} {PAGE} }} }}",
    "from the end": f"{{ articles(last: 5) {{ {PAGE} }} }}",
    "topics": f"{{ topics {{ name articles(first: 2) {{ {PAGE} nodes {{ provider {{ names }} }} }} }} }}",
    "providers": f"{{ providers(first: 5) {{ nodes {{ names articles(last: 2) {{ {PAGE} }} }} }} }}",
    "by URL": '{ articleByUrl(url: "https://x.example/") { related { provider { domain } } } }',
    "by id": '{ nodes(ids: ["%ID%", "nope"]) { __typename ... on Article { topics { name } } } }',
    "site": "{ site { version articleCount problems(first: 3) { path } } }",
}


@pytest.fixture
def product(examples: Product) -> Product:
    return examples


def filled(query: str, product: Product) -> str:
    article = product.data("{ articles(first: 1) { nodes { slug id } } }")["articles"]["nodes"][0]
    return query.replace("%SLUG%", article["slug"]).replace("%ID%", article["id"])


def run_statements(product: Product, query: str, audience: Audience = Audience.PUBLIC) -> list[str]:
    """Return the statements that a query ran, without those of the transaction."""
    query = filled(query, product)
    product.statements.clear()
    product.store.dispatches = 0
    product.data(query, audience=audience)
    return [sql for sql in product.statements if sql.startswith(("SELECT", "WITH"))]


@pytest.mark.parametrize("name", QUERIES)
def test_a_root_field_is_one_statement(product: Product, name: str) -> None:
    assert len(run_statements(product, QUERIES[name])) == 1
    assert product.store.dispatches == 1


def test_a_request_is_one_dispatch_and_one_transaction(product: Product) -> None:
    query = (
        "{ a: articles(first: 1) { totalCount } topics { name } site { version } b: articles { totalCount } "
        "c: articles { nodes { slug } } }"
    )
    assert len(run_statements(product, query)) == 4  # a and b share a statement
    assert product.store.dispatches == 1
    assert [sql for sql in product.statements if sql.startswith("BEGIN")] == ["BEGIN"]


def test_introspection_runs_no_statement(product: Product) -> None:
    assert run_statements(product, "{ __typename __schema { queryType { name } } }") == []
    assert product.store.dispatches == 0


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("name", QUERIES)
def test_a_statement_scans_no_table(product: Product, name: str, audience: Audience) -> None:
    """It may scan a CTE or an ordered index, but no table, nor may it build a Bloom filter over one."""
    (statement,) = run_statements(product, QUERIES[name], audience)
    plan = explain(product, statement)
    tables = {"article", "related", "article_topic", "article_url", "url_owner", "provider", "source"}
    for line in plan:
        assert "BLOOM FILTER" not in line
        word, name, *how = line.split()
        if word == "SCAN" and table_of(statement, name) in tables:
            assert "INDEX" in how, (line, statement)


def explain(product: Product, statement: str) -> list[str]:
    db = sqlite3.connect(product.database)
    try:
        rows: list[Any] = db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    finally:
        db.close()
    return [row[3] for row in rows if not row[3].startswith(("CO-ROUTINE", "MATERIALIZE"))]


def table_of(statement: str, alias: str) -> str | None:
    """Return the table that has this alias in the statement, or None for a subquery or CTE."""
    words = statement.replace("\n", " ").split()
    for table, keyword, name in zip(words, words[1:], words[2:], strict=False):
        if keyword == "AS" and name.rstrip("),") == alias:
            return table
    return None


def test_statement_text_is_deterministic(product: Product) -> None:
    query = "query ($n: Int, $m: Int) { articles(first: $n) { nodes { related(first: $m) { title } } } }"
    texts: set[str] = set()
    for first, links in [(1, 1), (20, 0), (5, None)]:
        engine = Engine(product.store)
        product.answer(GraphQLRequest(query, {"n": first, "m": links}), Audience.PUBLIC, engine)
        document = engine.cache.get_document(query)
        assert document is not None
        (operation,) = document.operations.values()
        texts.update(statement.sql for statement in operation.statements.values())
    assert len(texts) == 1


def test_a_selection_over_the_sqlite_argument_limit_keeps_its_order(product: Product) -> None:
    wide = [f"f{number}: {name}" for number in range(60) for name in ("title", "slug")]
    wide = [f"{name}{at}: {field}" for at, (name, field) in enumerate(pair.split(": ") for pair in wide)]
    node = product.data(f"{{ articles(first: 1) {{ nodes {{ {' '.join(wide)} }} }} }}")["articles"]["nodes"][
        0
    ]
    assert list(node) == [field.split(":")[0] for field in wide]
    assert len(set(node.values())) == 2
