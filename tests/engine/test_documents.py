"""The two caches of documents and prepared requests: what they count, and what they evict."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from gqlnews.engine.documents import PreparedCache
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, PreparedIncremental, PreparedQuery, PreparedSubscription
from gqlnews.query.entities import Audience
from tests.product import Product
from tests.store import UnreadStore

pytestmark = pytest.mark.usefixtures("frozen_heap")  # they collect garbage to measure memory

LEAVES = "title excerpt url webUrl type quality slug category heat published wordCount updatedAt"
LINKS = f"related {{ title article {{ {LEAVES} story {{ id }} }} }}"
WIDE = "".join(f" a{number}: articles(first: 1) {{ nodes {{ {LINKS} }} }}" for number in range(25))
TESTS = [{"title": {"contains": str(number)}} for number in range(90)]
LITERALS = ",".join(f'{{title: {{contains: "{number}"}}}}' for number in range(90))
DEFERRED = (
    f"{{ articles {{ nodes {{ slug ... @defer {{ {LEAVES} related {{ ... @defer {{ url }} }} }} }} }} }}"
)
DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "small": ("{ site { version } }", {}),
    "nested": (f"{{ articles {{ nodes {{ {LEAVES} {LINKS} }} }} }}", {}),
    "more than half a megabyte": (f"{{ {WIDE} }}", {}),
    "a filter": (f"{{ articles(where: {{or: [{LITERALS}]}}) {{ totalCount }} }}", {}),
    "a filter in the variables": (
        "query ($w: ArticleFilter) { articles(where: $w) { totalCount } }",
        {"w": {"or": TESTS}},
    ),
    "a long string": (f'{{ article(slug: "{"x" * 100_000}") {{ slug }} }}', {}),
    "a long variable": ("query ($s: String!) { article(slug: $s) { slug } }", {"s": "😀" * 20_000}),
    "fragments": (
        f"{{ {' '.join(f'a{n}: articles {{ nodes {{ ...F }} }}' for n in range(18))} }}"
        f" fragment F on Article {{ {LEAVES} {LINKS} }}",
        {},
    ),
    "deferred fragments": (DEFERRED, {}),
    "a subscription": (f"subscription {{ articleChanged {{ kind article {{ {LEAVES} {LINKS} }} }} }}", {}),
}
COPIES = 3


@pytest.fixture
def engine(examples: Product) -> Engine:
    """An engine with empty caches."""
    return Engine(UnreadStore(), examples.engine.schema)


def request(name: str, number: int = 0) -> GraphQLRequest:
    """Return a request with its own copies of all texts."""
    text, variables = orjson.loads(orjson.dumps(DOCUMENTS[name]))
    return GraphQLRequest(f"{text} #{number}", variables, incremental=True)


def query(engine: Engine, text: str, **variables: object) -> PreparedQuery:
    prepared = engine.prepare(GraphQLRequest(text, variables), Audience.PUBLIC)
    assert isinstance(prepared, PreparedQuery)
    return prepared


@contextmanager
def counted_and_taken(engine: Engine) -> Iterator[Callable[[], tuple[int, int]]]:
    """Yield a function that returns by how much the caches have grown: as they count, and as Python does."""
    counted_before = engine.cache.size
    gc.collect()
    tracemalloc.start()
    taken_before, _ = tracemalloc.get_traced_memory()

    def grown() -> tuple[int, int]:
        gc.collect()
        return engine.cache.size - counted_before, tracemalloc.get_traced_memory()[0] - taken_before

    try:
        yield grown
    finally:
        tracemalloc.stop()


@pytest.mark.no_cover  # tracemalloc is slow enough; other tests run the same code
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_counts_with_its_plans_and_statements(engine: Engine, name: str) -> None:
    engine.prepare(request(name), Audience.PUBLIC)  # one-time loading does not count
    with counted_and_taken(engine) as grown:
        for number in range(1, 1 + COPIES):
            engine.prepare(request(name, number), Audience.PUBLIC)
        counted, taken = grown()
    assert 0.7 * taken < counted < 1.7 * taken


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "defer" not in name and "subs" not in name])
def test_a_request_counts_with_its_payload_and_values(engine: Engine, name: str) -> None:
    def prepare_and_cache(number: int) -> None:
        payload = bytes(bytearray(orjson.dumps([number, *DOCUMENTS[name]])))  # without spare memory
        prepared = engine.prepare(request(name), Audience.PUBLIC)
        assert isinstance(prepared, PreparedQuery)
        engine.cache.set_request(payload, len(payload), prepared)

    prepare_and_cache(-1)  # what runs for the first time, also in a tracer, does not count
    with counted_and_taken(engine) as grown:
        for number in range(COPIES):
            prepare_and_cache(number)
        counted, taken = grown()
    assert 0.7 * taken < counted < 2.5 * taken


@pytest.mark.parametrize(
    ("name", "kind"), [("deferred fragments", PreparedIncremental), ("a subscription", PreparedSubscription)]
)
def test_other_operations_are_prepared_once(engine: Engine, name: str, kind: type) -> None:
    sizes = [engine.cache.size]
    for _ in range(3):
        assert isinstance(engine.prepare(request(name), Audience.PUBLIC), kind)
        sizes.append(engine.cache.size)
    document = engine.cache.get_document(request(name).query)
    assert document is not None
    assert document.operations_size > 0
    assert sizes[0] < sizes[1] == sizes[2] == sizes[3]


def test_the_caches_hold_as_many_bytes_as_allowed(engine: Engine) -> None:
    engine.cache = PreparedCache(400_000)
    for number in range(3):
        for text in [f"{{ site {{ version }} }} #{number % 2} {one}" for one in range(100)]:
            prepared = query(engine, text)
            engine.cache.set_request(text.encode(), len(text), prepared)
            assert engine.cache.size <= 400_000
    assert engine.cache.size > 300_000


def test_a_document_is_evicted_after_its_requests(engine: Engine) -> None:
    engine.cache = PreparedCache(400_000)
    used = "query ($s: String!) { article(slug: $s) { slug } }"
    for slug in "ab":
        engine.cache.set_request(slug, 1, query(engine, used, s=slug))
    for number in range(200):
        assert engine.cache.get_request("a") is not None
        for _ in range(2):
            query(engine, f"{{ site {{ version }} }} #{number}")
    assert engine.cache.get_request("b") is None  # it was used by no one
    assert engine.cache.get_document(used) is not None


def test_a_request_is_not_cached_without_its_document(engine: Engine) -> None:
    prepared = query(engine, "{ site { version } }")
    engine.cache = PreparedCache()
    engine.cache.set_request("payload", 1, prepared)
    engine.cache.set_document(engine.parse("{ site { version } }"))  # as another thread does
    engine.cache.set_request("payload", 1, prepared)
    assert engine.cache.get_request("payload") is None


def test_the_document_that_is_cached_first_remains(engine: Engine) -> None:
    first, second = engine.parse("{ site { version } }"), engine.parse("{ site { version } }")
    for document in (first, second):
        engine.cache.set_document(document)
    assert engine.cache.get_document("{ site { version } }") is first


def test_a_document_with_too_many_statements_starts_again(engine: Engine) -> None:
    """Requests that refer to its statements are evicted with them."""
    text, other = "query ($w: ArticleFilter) { articles(where: $w) { totalCount } }", "{ site { version } }"
    engine.cache = PreparedCache(1_000_000)
    engine.cache.set_request("other", 1, query(engine, other))
    document, sizes = engine.parse(text), [0]
    engine.cache.set_document(document)
    while sizes[-1] >= sizes[-2 if len(sizes) > 1 else 0]:
        engine.cache.set_request(len(sizes), 1, query(engine, text, w={"or": TESTS[: len(sizes)]}))
        sizes.append(document.operations_size)
    assert 125_000 / 2 < max(sizes) <= 125_000
    assert engine.cache.get_request(1) is None
    assert engine.cache.get_request("other") is not None
    assert engine.cache.get_document(text) is document
