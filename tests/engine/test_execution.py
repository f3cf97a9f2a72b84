"""The root field cache: what it saves, and that responses are the same as without it."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable, Coroutine, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.sqlite.connection import Statement
from gqlnews.database.sqlite.database_handle import SnapshotId
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.engine.engine import Engine
from gqlnews.engine.execution import FieldCache
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse
from gqlnews.query.fields import Audience
from tests.live import Live, living

ENOUGH = 1 << 20
LIST = "articles { nodes { slug title related { title article { title } } } totalCount }"
ARTICLE = "article(slug: $slug) { title excerpt }"


class Keeping:
    """An engine with a root field cache over a store that changes.

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
        self.cache = FieldCache(self._moment, limit)
        self.engine = Engine(self._read, live.engine.schema, limits, field_cache=self.cache)

    def _moment(self, audience: Audience) -> SnapshotId | None:
        version = self.live.revision.version(audience)
        return SnapshotId(self.database, version) if self.knows and version is not None else None

    async def _read(self, statements: Sequence[Statement]) -> Sequence[bytes | None]:
        self.dispatches.append(len(statements))
        before, self.before = self.before, lambda: None
        before()
        return await self.live.readers.read(statements)

    async def answer(
        self, query: str, audience: Audience = Audience.PUBLIC, **variables: Any
    ) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads((await self._answer(query, audience, variables)).body)
        return parsed

    async def _answer(self, query: str, audience: Audience, variables: dict[str, Any]) -> GraphQLResponse:
        return await self.engine.answer(GraphQLRequest(query, variables), audience)

    def since(self) -> list[int]:
        """Return the number of statements of each dispatch since the last call."""
        dispatches, self.dispatches = self.dispatches, []
        return dispatches


def run(scenario: Callable[[Keeping], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run a scenario with a store of two articles, of which `b` lists `a`."""

    async def play() -> None:
        async with living() as live:
            live.write("a", title="A 0")
            live.write("b", title="B 0", related=[{"title": "of a", "webUrl": "https://x.example/a"}])
            await scenario(Keeping(live, **options))

    asyncio.run(play())


def page(slug: str) -> str:
    """A document with a unique name, for an article and the list that every page shows."""
    return f"query Page_{slug}($slug: String!) {{ {ARTICLE} {LIST} }}"


def test_what_two_requests_ask_alike_runs_once() -> None:
    async def scenario(keeping: Keeping) -> None:
        first = await keeping.answer(page("a"), slug="a")
        second = await keeping.answer(page("b"), slug="b")
        alone = await keeping.answer(f"{{ every: {LIST} }}")
        assert keeping.since() == [2, 1]  # the third query is served from the cache
        assert (keeping.cache.hits, keeping.cache.misses) == (2, 3)
        assert (first["data"]["article"]["title"], second["data"]["article"]["title"]) == ("A 0", "B 0")
        assert first["data"]["articles"] == second["data"]["articles"] == alone["data"]["every"]

    run(scenario)


def test_null_is_cached_too() -> None:
    async def scenario(keeping: Keeping) -> None:
        for _ in range(2):
            assert (await keeping.answer(page("none"), slug="none"))["data"]["article"] is None
        assert keeping.since() == [2]

    run(scenario)


def test_a_change_shows_at_once() -> None:
    async def scenario(keeping: Keeping) -> None:
        for number in range(1, 4):
            keeping.live.write("a", title=f"A {number}")
            data = (await keeping.answer(page("b"), slug="b"))["data"]
            (entry,) = next(node for node in data["articles"]["nodes"] if node["slug"] == "b")["related"]
            assert entry["article"]["title"] == f"A {number}"
        assert keeping.since() == [2, 2, 2]

    run(scenario)


def test_cached_fields_are_never_mixed_with_newer_ones() -> None:
    """The content changes after the list was found in the cache and before the article is read."""

    async def scenario(keeping: Keeping) -> None:
        await keeping.answer(f"{{ {LIST} }}")
        keeping.before = lambda: keeping.live.write("a", title="A 1")
        data = (await keeping.answer(page("a"), slug="a"))["data"]
        titles = {node["slug"]: node["title"] for node in data["articles"]["nodes"]}
        assert data["article"]["title"] == titles["a"] == "A 1"
        assert keeping.since() == [1, 1, 2]

    run(scenario)


def test_who_asks_decides() -> None:
    async def scenario(keeping: Keeping) -> None:
        keeping.live.write("hidden", title="H", published=False)
        counts = {
            audience: (await keeping.answer(f"{{ {LIST} }}", audience))["data"]["articles"]["totalCount"]
            for audience in (Audience.EDITOR, Audience.PUBLIC, Audience.EDITOR, Audience.PUBLIC)
        }
        assert counts == {Audience.EDITOR: 3, Audience.PUBLIC: 2}

    run(scenario)


def test_fields_that_read_the_clock_are_not_cached_but_their_siblings_are() -> None:
    async def scenario(keeping: Keeping) -> None:
        clock = 'now: articles(where: {publishedDateTime: {withinLast: "P1D"}}) { totalCount }'
        for query in (clock, clock, f"{clock} {LIST}", f"{clock} {LIST}", LIST):
            await keeping.answer(f"{{ {query} }}")
        assert keeping.since() == [1, 1, 2, 1]
        assert (keeping.cache.hits, keeping.cache.misses) == (2, 1)

    run(scenario)


def test_a_request_that_asks_twice_alike_runs_it_once() -> None:
    async def scenario(keeping: Keeping) -> None:
        data = (await keeping.answer(f"{{ one: {LIST} two: {LIST} }}"))["data"]
        assert data["one"] == data["two"]
        assert keeping.since() == [1]

    run(scenario)


def test_nothing_is_cached_while_the_version_is_unknown() -> None:
    async def scenario(keeping: Keeping) -> None:
        keeping.knows = False
        for _ in range(2):
            await keeping.answer(f"{{ {LIST} }}")
        assert keeping.since() == [1, 1]
        assert keeping.cache.size == 0

    run(scenario)


def test_nobody_can_make_keys_collide() -> None:
    """Python does not salt hashes of numbers, and hash(-1) == hash(-2): 2 ** 12 tuples of these collide."""

    async def scenario(keeping: Keeping) -> None:
        sql = f"SELECT '' || ({' + '.join('?' * 12)})"
        statements = [(sql, numbers) for numbers in product((-1, -2), repeat=12)]
        assert len({hash(statement) for statement in statements}) == 1
        for statement in statements:
            await keeping.cache.read(keeping.engine.read, Audience.PUBLIC, [statement])
        assert len({hash(key) for key in keeping.cache._fields._values}) == len(statements)

    run(scenario, limit=1 << 23)


def test_what_was_read_while_the_database_was_replaced_is_not_served_of_the_next() -> None:
    async def scenario(keeping: Keeping) -> None:
        def replace() -> None:
            keeping.database += 1

        for _ in range(3):
            keeping.before = replace
            await keeping.answer(f"{{ {LIST} }}")
        await keeping.answer("{ topics { name } }")
        keeping.before = replace
        await keeping.answer(f"{{ topics {{ name }} {LIST} }}")
        assert keeping.since() == [1, 1, 1, 1, 1, 2]  # the last field was read again
        assert keeping.cache.hits == 0

    run(scenario)


@pytest.mark.parametrize("sign", ["x", "ü", "中", "😀"])
@pytest.mark.parametrize("length", [1, 100, 400, 50_000])
def test_memory_is_bounded_whatever_is_asked(sign: str, length: int) -> None:
    """Measured by tracemalloc over several turnovers of the cache; other allocations are smaller."""

    async def scenario(keeping: Keeping) -> None:
        await ask(keeping, 0)
        tracemalloc.start()
        try:
            for number in range(1, 600):
                await ask(keeping, number)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] < 1.2 * limit
        finally:
            tracemalloc.stop()
        assert keeping.cache.size <= limit
        assert (keeping.cache.size > limit / 2) is (length < 50_000)  # too rare to cache

    async def ask(keeping: Keeping, number: int) -> None:
        audience, bound = Audience.PUBLIC, f"{sign * length}{number}"
        assert await keeping.cache.read(keeping.engine.read, audience, [("SELECT ?", (bound,))])

    limit = 400_000
    run(scenario, limit=limit)


def test_no_field_takes_the_place_of_all_others() -> None:
    async def scenario(keeping: Keeping) -> None:
        await keeping.answer(page("a"), slug="a")
        keeping.live.write("c", title="C", excerpt="x" * 10_000)
        for slug in "abca":
            await keeping.answer(page(slug).replace(LIST, ""), slug=slug)
        assert keeping.since() == [2, 1, 1, 1]
        assert keeping.cache.size < 10_000

    run(scenario, limit=40_000)


def test_the_response_size_limit_includes_cached_fields() -> None:
    async def scenario(keeping: Keeping) -> None:
        await keeping.live.readers.close()
        keeping.live.readers = ReadPool(limits)
        await keeping.live.readers.open(keeping.live.database)
        excerpt = "x" * 2_000
        keeping.live.write("a", "b", "c", excerpt=excerpt)
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
            answer = await keeping.answer(f"{{ {fields} }}")
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
@given(st.lists(steps, min_size=3, max_size=25))
@settings(max_examples=25)
def test_answers_are_those_of_who_keeps_nothing(limit: int, history: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        async with living() as live:
            live.take_in()
            keeping = Keeping(live, limit)
            for step in history:
                match step:
                    case ("write", slug, number, published):
                        topics = [f"topic {number}"]
                        live.write(slug, title=f"{slug} {number}", topics=topics, published=published)
                    case ("remove", slug) if (live.folder.root / f"{slug}.md").exists():
                        live.remove(slug)
                    case ("ask", query, slug, audience):
                        asked = GraphQLRequest(query, {"slug": slug} if "$slug" in query else {})
                        expected = await live.engine.answer(asked, audience)
                        assert await keeping.engine.answer(asked, audience) == expected

    asyncio.run(play())
