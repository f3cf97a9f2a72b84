"""The SQL of SQLite's statements is pinned: the cookbook's queries and filters, for every audience.

If a change of SQL is intended, compare old and new statements, then write the new digests:

    python -m tests.query.test_sqlite_statements
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import (
    GraphQLRequest,
    PreparedIncremental,
    PreparedQuery,
    PreparedRequest,
    PreparedSubscription,
)
from gqlnews.query.entities import Audience
from tests.store import UnreadStore
from tests.test_cookbook import _FILTER_ROW, RECIPES, section

DIGESTS = Path(__file__).with_name("sqlite_statements.json")
COUNT = "{ articles(where: %s) { totalCount facets { topics { key count } } nodes { slug } } }"
SEARCH = '{ search(query: "a", where: %s) { edges { score snippet cursor } pageInfo { hasNextPage } } }'
EVENTS = "subscription { articleChanged(where: %s) { slug article { title similar { slug } } } }"


def requests() -> Iterator[tuple[str, GraphQLRequest]]:
    """Yield requests with their names."""
    for recipe in RECIPES:
        request = GraphQLRequest(recipe.query, recipe.variables, include_hints=True, incremental=True)
        yield recipe.name, request
    for number, (where, _) in enumerate(_FILTER_ROW.findall(section("Filters"))):
        for name, query in (("count", COUNT), ("search", SEARCH), ("events", EVENTS)):
            yield f"{name} {number}", GraphQLRequest(query % where, include_hints=True)


def statements(prepared: PreparedRequest) -> Iterator[str]:
    """Yield the SQL of a request's statements."""
    if isinstance(prepared, PreparedSubscription):
        yield prepared.bound.render_events("[]")[0]
        yield prepared.bound.filter_changes("[]", "[]")[0]
    elif isinstance(prepared, PreparedIncremental):
        for increment in prepared.bound.increments:
            yield from (query.sql for query in increment.queries.values())
        yield from statements(prepared.query)
    elif isinstance(prepared, PreparedQuery):  # otherwise the audience may not filter by the field
        yield from (sql for sql, _ in prepared.bound.statements)
        if prepared.hints is not None and prepared.hints.statement is not None:
            yield prepared.hints.statement[0]


def digest(engine: Engine, request: GraphQLRequest) -> str:
    texts = (text for audience in Audience for text in statements(engine.prepare(request, audience)))
    return sha256("\n\n".join(texts).encode()).hexdigest()[:16]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(UnreadStore())


REQUESTS = dict(requests())
EXPECTED: dict[str, str] = json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_statements_of_sqlite_are_those_of_before(name: str, engine: Engine) -> None:
    assert digest(engine, REQUESTS[name]) == EXPECTED[name]


if __name__ == "__main__":
    current = Engine(UnreadStore())
    found = {name: digest(current, request) for name, request in REQUESTS.items()}
    DIGESTS.write_text(json.dumps(found, indent=2) + "\n")
