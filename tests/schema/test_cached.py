"""A repeated document needs no parser, validator, planner or compiler."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.product import Product

QUERY = """
query Page($first: Int!, $text: String!, $more: Boolean = false) {
  articles(first: $first, where: {title: {contains: $text}, quality: {gte: 1}}) {
    nodes { title related(first: $first) { title article { slug provider { name } } } }
    totalCount @include(if: $more)
  }
}
"""
AT_WORK = {
    "parser": "graphql.language.parser",
    "lexer": "graphql.language.lexer",
    "validator": "graphql.validation.",
    "collector": "gqlnews.query.planner",
    "renderer": "gqlnews.query.sql.render_root",
    "compiler": "gqlnews.query.sql.compile.compile_statement",
    "SQLAlchemy": "sqlalchemy.",
}
EXECUTOR = "gqlnews.schema.fields."


def request(text: str, first: int, **more: bool) -> GraphQLRequest:
    return GraphQLRequest(QUERY, {"first": first, "text": text, **more})


def workers(run: Callable[[], object]) -> set[str]:
    """Return which of AT_WORK had a function called during `run`, on this thread."""
    functions = called(run)
    return {name for name, prefix in AT_WORK.items() if any(one.startswith(prefix) for one in functions)}


def called(run: Callable[[], object]) -> set[str]:
    """Return the functions called during `run` on this thread, with their modules."""
    functions: set[str] = set()

    def hook(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            functions.add(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}")

    sys.setprofile(hook)
    try:
        run()
    finally:
        sys.setprofile(None)
    return functions


@pytest.fixture
def engine(examples: Product) -> Engine:
    """An engine with empty caches."""
    return Engine(examples.engine.store, examples.engine.schema)


def test_a_new_document_runs_all_stages(examples: Product, engine: Engine) -> None:
    assert workers(lambda: examples.answer(request("a", 3), Audience.PUBLIC, engine)) == set(AT_WORK)


def test_a_cached_document_is_not_parsed_again(examples: Product, engine: Engine) -> None:
    examples.answer(request("a", 3), Audience.PUBLIC, engine)
    again = [request("a", 3), request("the", 20), request("ü", 0)]
    for one in again:
        at_work = workers(lambda one=one: examples.answer(one, Audience.PUBLIC, engine))  # type: ignore[misc]
        assert not at_work


def test_conditional_variables_are_planned_once_per_value(examples: Product, engine: Engine) -> None:
    examples.answer(request("a", 3), Audience.PUBLIC, engine)
    first = workers(lambda: examples.answer(request("a", 3, more=True), Audience.PUBLIC, engine))
    assert first == {"collector", "renderer", "compiler", "SQLAlchemy"}
    assert not workers(lambda: examples.answer(request("b", 4, more=True), Audience.PUBLIC, engine))
    assert not workers(lambda: examples.answer(request("b", 4), Audience.PUBLIC, engine))


def test_each_audience_has_its_own_statement(examples: Product, engine: Engine) -> None:
    examples.answer(request("a", 3), Audience.PUBLIC, engine)
    assert workers(lambda: examples.answer(request("a", 3), Audience.EDITOR, engine)) == {
        "renderer", "compiler", "SQLAlchemy",
    }  # fmt: skip


def test_a_broken_document_is_validated_once(examples: Product, engine: Engine) -> None:
    broken = GraphQLRequest("{ nothing }")
    assert "validator" in workers(lambda: examples.answer(broken, Audience.PUBLIC, engine))
    assert not workers(lambda: examples.answer(broken, Audience.PUBLIC, engine))


def test_only_incomplete_responses_use_the_executor(examples: Product, engine: Engine) -> None:
    for query, wanted in [
        (QUERY, False),
        ("{ __typename site { version } }", False),
        ("{ __schema { description } }", True),
    ]:
        one = GraphQLRequest(query, {"first": 1, "text": "a"})
        functions = called(lambda one=one: examples.answer(one, Audience.PUBLIC, engine))  # type: ignore[misc]
        assert any(name.startswith(EXECUTOR) for name in functions) is wanted
