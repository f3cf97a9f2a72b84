"""The bounds of a rejected request: few short errors, and no more memory than the cache counts."""

import gc
import json
import tracemalloc
from typing import Any

import pytest

from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse
from gqlnews.engine.validation import MAX_ERROR_BYTES, MAX_ERRORS, MAX_SUGGESTIONS
from gqlnews.query.entities import Audience
from tests.product import Product

pytestmark = pytest.mark.usefixtures("frozen_heap")  # they collect garbage to measure memory

ELSEWHERE = 200_000  # bytes that Python allocates meanwhile for other purposes
DEEP = "{a:" * 150 + '"😀"' + "}" * 150
UNKNOWN = ",".join(f"u{number}:1" for number in range(50))
TYPOS = ",".join(f"publishe{number}:1" for number in range(250))
FILTER = "query ($w: ArticleFilter) { articles(where: $w) { totalCount } }"


def filtered(where: str) -> str:
    return f"{{ articles(where: {{{where}}}) {{ totalCount }} }}"


REQUESTS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "a deep object": (filtered(f"{UNKNOWN},x:{DEEP}"), None),
    "a deep list": (filtered(f"{UNKNOWN},x:{'[' * 150}{']' * 150}"), None),
    "a deep default": (
        f"query ($w: ArticleFilter = {{{UNKNOWN},x:{DEEP}}}) {{ articles {{ totalCount }} }}",
        None,
    ),
    "a deep argument of a directive": (f"{{ articles @skip(if: {DEEP}) {{ totalCount }} }}", None),
    "signs that are escaped": (filtered(UNKNOWN + ',x:"' + "\x7f" * 254_000 + '"'), None),
    "lines of a block string": (filtered(UNKNOWN + ',x:"""' + " x\n" * 8_000 + '"""'), None),
    "many signs, wrong type": ('{ articles(first: "' + "😀" * 60_000 + '") { totalCount } }', None),
    "typing errors": (filtered(TYPOS), None),
    "typing errors of fields": ("{ articles { nodes { " + TYPOS.replace(":1,", " ")[:-2] + " } } }", None),
    "a long name": (f"{{ {'a' * 200_000} }}", None),
    "a long operation name": (f"query {'a' * 200_000} {{ b }} query {'a' * 20_000} {{ b }}", None),
    "a long variable": (f"query (${'a' * 200_000}: Int) {{ articles {{ totalCount }} }}", None),
    "long aliases that conflict": (
        " ".join(
            ["{ articles {", *(f"{'a' * 2_000}: {name}" for name in ("totalCount", "nodes") * 40), "} }"]
        ),
        None,
    ),
    "a long alias whose argument is wrong": (
        f"{{ {'a' * 200_000}: articles(first: 999) {{ totalCount }} }}",
        None,
    ),
    "a long directive": (f"{{ articles @{'a' * 200_000} {{ totalCount }} }}", None),
    "no syntax": ("{ articles(" + "😀" * 50_000, None),
    "a string without end": ('{ articles(a: "' + "x" * 200_000, None),
    "unknown keys of a variable": (FILTER, {"w": {f"publishe{number}": 1 for number in range(15_000)}}),
    "a long key of a variable": (FILTER, {"w": {"x" * 200_000: 1}}),
    "wrong values of a variable": (FILTER, {"w": {"quality": {"in": ["😀" * 5_000] * 20}}}),
    "a long cursor": ("query ($c: String) { articles(after: $c) { totalCount } }", {"c": "x" * 200_000}),
    "a long date": ("query ($d: DateTime) { trending(asOf: $d) { totalCount } }", {"d": "😀" * 50_000}),
}


@pytest.fixture
def engine(examples: Product) -> Engine:
    return Engine(examples.engine.store, examples.engine.schema, DEFAULT_LIMITS)


def refusal(engine: Engine, name: str) -> GraphQLResponse:
    ready = engine.prepare(GraphQLRequest(*REQUESTS[name]), Audience.PUBLIC)
    assert isinstance(ready, GraphQLResponse)
    assert not ready.has_data
    return ready


@pytest.mark.parametrize("name", REQUESTS)
def test_an_error_response_has_few_short_errors(engine: Engine, name: str) -> None:
    body = refusal(engine, name).body
    errors = json.loads(body)["errors"]
    assert 0 < len(errors) <= MAX_ERRORS == 10
    assert max(len(error["message"]) for error in errors) <= 300
    assert all(error["extensions"]["code"] for error in errors)
    assert len(body) <= MAX_ERROR_BYTES + 20


@pytest.mark.no_cover  # tracemalloc is slow enough; other tests run the same code
@pytest.mark.parametrize("name", REQUESTS)
def test_the_cache_does_not_underestimate_an_invalid_document(engine: Engine, name: str) -> None:
    query, variables = REQUESTS[name]
    engine.prepare(GraphQLRequest(query, variables), Audience.PUBLIC)  # one-time loading does not count
    before_counted = engine.cache.size
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(3):
            engine.prepare(GraphQLRequest(f"{query} #{number}", variables), Audience.PUBLIC)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken <= engine.cache.size - before_counted + ELSEWHERE


def test_the_last_error_reports_that_there_are_more(engine: Engine) -> None:
    *_, last = json.loads(refusal(engine, "typing errors").body)["errors"]
    assert last["message"] == "The document has at least 10 errors, and only the first are reported."


def test_names_are_suggested_for_the_first_errors_only(engine: Engine) -> None:
    errors = json.loads(refusal(engine, "typing errors of fields").body)["errors"]
    suggest = ["Did you mean" in error["message"] for error in errors]
    assert suggest == [True] * MAX_SUGGESTIONS + [False] * (MAX_ERRORS - MAX_SUGGESTIONS)


@pytest.mark.parametrize(("wrong", "suggests"), [(1, True), (3, True), (4, False)])
def test_names_are_suggested_for_few_errors_of_variables(engine: Engine, wrong: int, suggests: bool) -> None:
    variables = {"w": {f"publishe{number}": True for number in range(wrong)}}
    ready = engine.prepare(GraphQLRequest(FILTER, variables), Audience.PUBLIC)
    assert isinstance(ready, GraphQLResponse)
    assert (b"Did you mean" in ready.body) is suggests


@pytest.mark.parametrize(("depth", "is_read"), [(33, True), (34, False)])
def test_the_depth_of_literals_is_limited(engine: Engine, depth: int, is_read: bool) -> None:
    value = "[" * depth + "]" * depth
    ready = engine.prepare(
        GraphQLRequest(f"{{ articles(first: {value}) {{ totalCount }} }}"), Audience.PUBLIC
    )
    assert isinstance(ready, GraphQLResponse)
    assert ("TOO_DEEP" not in ready.codes) is is_read
