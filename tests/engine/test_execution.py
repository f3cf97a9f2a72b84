"""The root field cache: what it saves, and that responses are the same as without it."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable, Coroutine
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.protocol import BatchResults, SnapshotId, Statements
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse
from gqlnews.query.entities import Audience
from tests.effort import examples
from tests.live import Live, open_live
from tests.store import UnreadStore

pytestmark = pytest.mark.usefixtures("frozen_heap")  # they collect garbage to measure memory

ENOUGH = 1 << 20
LIST = "articles { nodes { slug title related { title article { title } } } totalCount }"
ARTICLE = "article(slug: $slug) { title excerpt }"


class CachedEngine(UnreadStore):
    """An engine with a root field cache over a store that changes, which it wraps.

    `dispatches` holds the number of statements of each dispatch to the readers. `before` runs before the next
    dispatch. `knows` says whether the version is known. `database` distinguishes stores that have
    reached the same version.
    """

    def __init__(self, live: Live, limit: int = ENOUGH, limits: Limits = UNLIMITED) -> None:
        self.live = live
        self.dispatches: list[int] = []
        self.before: Callable[[], None] = lambda: None
        self.knows = True
        self.database = 0
        self.engine = Engine(self, live.engine.schema, limits, field_cache_bytes=limit)
        self.cache = self.engine.field_cache

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        version = self.live.revision.version(audience)
        return SnapshotId(self.database, version) if self.knows and version is not None else None

    async def execute_batch(self, statements: Statements) -> BatchResults:
        self.dispatches.append(len(statements))
        before, self.before = self.before, lambda: None
        before()
        return BatchResults(await self.live.readers.execute_batch(statements))

    async def answer(
        self, query: str, audience: Audience = Audience.PUBLIC, **variables: Any
    ) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads((await self._answer(query, audience, variables)).body)
        return parsed

    async def _answer(self, query: str, audience: Audience, variables: dict[str, Any]) -> GraphQLResponse:
        return await self.engine.execute(GraphQLRequest(query, variables), audience)

    def since(self) -> list[int]:
        """Return the number of statements of each dispatch since the last call."""
        dispatches, self.dispatches = self.dispatches, []
        return dispatches


def run(scenario: Callable[[CachedEngine], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run a scenario with a store of two articles, of which `b` lists `a`."""

    async def play() -> None:
        async with open_live() as live:
            live.write("a", title="A 0")
            live.write("b", title="B 0", related=[{"title": "of a", "webUrl": "https://x.example/a"}])
            await scenario(CachedEngine(live, **options))

    asyncio.run(play())


def page(slug: str) -> str:
    """A document with a unique name, for an article and the list that every page shows."""
    return f"query Page_{slug}($slug: String!) {{ {ARTICLE} {LIST} }}"


def test_a_field_of_two_requests_runs_once() -> None:
    async def scenario(cached: CachedEngine) -> None:
        first = await cached.answer(page("a"), slug="a")
        second = await cached.answer(page("b"), slug="b")
        alone = await cached.answer(f"{{ every: {LIST} }}")
        assert cached.since() == [2, 1]  # the third query is served from the cache
        assert (cached.cache.hits, cached.cache.misses) == (2, 3)
        assert (first["data"]["article"]["title"], second["data"]["article"]["title"]) == ("A 0", "B 0")
        assert first["data"]["articles"] == second["data"]["articles"] == alone["data"]["every"]

    run(scenario)


def test_null_is_cached_too() -> None:
    async def scenario(cached: CachedEngine) -> None:
        for _ in range(2):
            assert (await cached.answer(page("none"), slug="none"))["data"]["article"] is None
        assert cached.since() == [2]

    run(scenario)


def test_a_change_is_visible_immediately() -> None:
    async def scenario(cached: CachedEngine) -> None:
        for number in range(1, 4):
            cached.live.write("a", title=f"A {number}")
            data = (await cached.answer(page("b"), slug="b"))["data"]
            (entry,) = next(node for node in data["articles"]["nodes"] if node["slug"] == "b")["related"]
            assert entry["article"]["title"] == f"A {number}"
        assert cached.since() == [2, 2, 2]

    run(scenario)


def test_cached_fields_are_never_mixed_with_newer_ones() -> None:
    """The content changes after the list was found in the cache and before the article is read."""

    async def scenario(cached: CachedEngine) -> None:
        await cached.answer(f"{{ {LIST} }}")
        cached.before = lambda: cached.live.write("a", title="A 1")
        data = (await cached.answer(page("a"), slug="a"))["data"]
        titles = {node["slug"]: node["title"] for node in data["articles"]["nodes"]}
        assert data["article"]["title"] == titles["a"] == "A 1"
        assert cached.since() == [1, 1, 2]

    run(scenario)


def test_each_audience_has_its_own_entries() -> None:
    async def scenario(cached: CachedEngine) -> None:
        cached.live.write("hidden", title="H", published=False)
        counts = {
            audience: (await cached.answer(f"{{ {LIST} }}", audience))["data"]["articles"]["totalCount"]
            for audience in (Audience.EDITOR, Audience.PUBLIC, Audience.EDITOR, Audience.PUBLIC)
        }
        assert counts == {Audience.EDITOR: 3, Audience.PUBLIC: 2}

    run(scenario)


def test_fields_that_read_the_clock_are_not_cached_but_their_siblings_are() -> None:
    async def scenario(cached: CachedEngine) -> None:
        clock = 'now: articles(where: {publishedDateTime: {withinLast: "P1D"}}) { totalCount }'
        for query in (clock, clock, f"{clock} {LIST}", f"{clock} {LIST}", LIST):
            await cached.answer(f"{{ {query} }}")
        assert cached.since() == [1, 1, 2, 1]
        assert (cached.cache.hits, cached.cache.misses) == (2, 1)

    run(scenario)


def test_equal_fields_of_one_request_run_once() -> None:
    async def scenario(cached: CachedEngine) -> None:
        data = (await cached.answer(f"{{ one: {LIST} two: {LIST} }}"))["data"]
        assert data["one"] == data["two"]
        assert cached.since() == [1]

    run(scenario)


def test_nothing_is_cached_while_the_version_is_unknown() -> None:
    async def scenario(cached: CachedEngine) -> None:
        cached.knows = False
        for _ in range(2):
            await cached.answer(f"{{ {LIST} }}")
        assert cached.since() == [1, 1]
        assert cached.cache.size == 0

    run(scenario)


def test_clients_cannot_make_keys_collide() -> None:
    """Python does not salt hashes of numbers, and hash(-1) == hash(-2): 2 ** 12 tuples of these collide."""

    async def scenario(cached: CachedEngine) -> None:
        sql = f"SELECT '' || ({' + '.join('?' * 12)})"
        statements = [(sql, numbers) for numbers in product((-1, -2), repeat=12)]
        assert len({hash(statement) for statement in statements}) == 1
        for statement in statements:
            await cached.cache.read(Audience.PUBLIC, [statement])
        assert len({hash(key) for key in cached.cache._fields._values}) == len(statements)

    run(scenario, limit=1 << 23)


def test_results_read_before_a_database_replacement_are_not_cached_after_it() -> None:
    async def scenario(cached: CachedEngine) -> None:
        def replace() -> None:
            cached.database += 1

        for _ in range(3):
            cached.before = replace
            await cached.answer(f"{{ {LIST} }}")
        await cached.answer("{ topics { name } }")
        cached.before = replace
        await cached.answer(f"{{ topics {{ name }} {LIST} }}")
        assert cached.since() == [1, 1, 1, 1, 1, 2]  # the last field was read again
        assert cached.cache.hits == 0

    run(scenario)


@pytest.mark.no_cover  # tracemalloc is slow enough; other tests run the same code
@pytest.mark.parametrize("sign", ["x", "ü", "中", "😀"])
@pytest.mark.parametrize("length", [1, 100, 400, 50_000])
def test_memory_is_bounded(sign: str, length: int) -> None:
    """Measured by tracemalloc over several turnovers of the cache; other allocations are smaller."""

    async def scenario(cached: CachedEngine) -> None:
        await ask(cached, 0)
        tracemalloc.start()
        try:
            for number in range(1, 600):
                await ask(cached, number)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] < 1.2 * limit
        finally:
            tracemalloc.stop()
        assert cached.cache.size <= limit
        assert (cached.cache.size > limit / 2) is (length < 50_000)  # too rare to cache

    async def ask(cached: CachedEngine, number: int) -> None:
        audience, bound = Audience.PUBLIC, f"{sign * length}{number}"
        assert await cached.cache.read(audience, [("SELECT ?", (bound,))])

    limit = 400_000
    run(scenario, limit=limit)


def test_one_large_field_does_not_evict_all_others() -> None:
    async def scenario(cached: CachedEngine) -> None:
        await cached.answer(page("a"), slug="a")
        cached.live.write("c", title="C", excerpt="x" * 10_000)
        for slug in "abca":
            await cached.answer(page(slug).replace(LIST, ""), slug=slug)
        assert cached.since() == [2, 1, 1, 1]
        assert cached.cache.size < 10_000

    run(scenario, limit=40_000)


def test_the_response_size_limit_includes_cached_fields() -> None:
    async def scenario(cached: CachedEngine) -> None:
        await cached.live.readers.close()
        cached.live.readers = ReadPool(limits)
        await cached.live.readers.open(cached.live.database)
        excerpt = "x" * 2_000
        cached.live.write("a", "b", "c", excerpt=excerpt)
        for slugs, whole in (
            ("a", True),
            ("ab", True),
            ("abc", False),
            ("aba", False),
            ("aaa", False),
            ("bc", True),
        ):
            fields = " ".join(
                f'f{n}: article(slug: "{slug}") {{ title excerpt }}' for n, slug in enumerate(slugs)
            )
            answer = await cached.answer(f"{{ {fields} }}")
            if whole:
                assert [one["excerpt"] for one in answer["data"].values()] == [excerpt] * len(slugs)
            else:
                assert answer["errors"][0]["extensions"]["code"] == "ANSWER_TOO_LARGE"

    limits = Limits(max_response_bytes=5_000)
    run(scenario, limits=limits)


SLUGS = ["a", "b", "c"]
QUERIES = [
    f"{{ {LIST} }}",
    f"query ($slug: String!) {{ {ARTICLE} {LIST} }}",
    f"query ($slug: String!) {{ {ARTICLE} }}",
    f"query ($slug: String!) {{ mine: {ARTICLE} topics {{ name }} site {{ articleCount }} }}",
    "{ topics { name articles { totalCount } } }",
    "{ site { version } articles(first: 1, after: null) { nodes { title } } __typename }",
    "{ changes { nodes { slug kind } } }",
    "query ($slug: String!) { one: article(slug: $slug) { title } two: article(slug: $slug) { title } }",
    "query ($slug: String!) { search(query: $slug) { nodes { article { title } } } topics { name } }",
    '{ trending(first: 2, asOf: "2024-01-02T00:00:00Z") { nodes { title } } providers { nodes { name } } }',
    "query ($slug: String!) { article(slug: $slug) { similar { slug } } problems { nodes { code path } } }",
]
steps = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(SLUGS), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("remove"), st.sampled_from(SLUGS)),
    st.tuples(st.just("ask"), st.sampled_from(QUERIES), st.sampled_from(SLUGS), st.sampled_from(Audience)),
)


@pytest.mark.parametrize("limit", [3_000, ENOUGH])
@examples(25)
@given(st.lists(steps, min_size=3, max_size=25))
def test_responses_equal_those_without_a_cache(limit: int, history: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        async with open_live() as live:
            live.ingest()
            cached = CachedEngine(live, limit)
            for step in history:
                match step:
                    case ("write", slug, number, published):
                        topics = [f"topic {number}"]
                        live.write(slug, title=f"{slug} {number}", topics=topics, published=published)
                    case ("remove", slug) if (live.folder.root / f"{slug}.md").exists():
                        live.remove(slug)
                    case ("ask", query, slug, audience):
                        asked = GraphQLRequest(query, {"slug": slug} if "$slug" in query else {})
                        expected = await live.engine.execute(asked, audience)
                        assert await cached.engine.execute(asked, audience) == expected

    asyncio.run(play())
