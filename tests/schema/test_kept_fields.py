"""Root fields that are kept: what is spared, and that nobody can tell but by the time it takes."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gqlnews.limits import Limits
from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Answer, Asked, Engine
from gqlnews.schema.kept_fields import KeptFields
from gqlnews.schema.work import Statement
from gqlnews.store.readers import Readers
from tests.live import Live, living

ENOUGH = 1 << 20
LIST = "articles { nodes { slug title related { title article { title } } } totalCount }"
ARTICLE = "article(slug: $slug) { title excerpt }"


class Keeping:
    """An engine that keeps root fields of a store that changes; `hops` are the statements of each hop.

    `before` runs before the next hop reads.
    """

    def __init__(self, live: Live, limit: int = ENOUGH, most_bytes: int = 0) -> None:
        self.live = live
        self.hops: list[int] = []
        self.before: Callable[[], None] = lambda: None
        self.kept = KeptFields(live.revision.version, limit, most_bytes)
        self.engine = Engine(self._read, live.engine.schema, kept=self.kept)

    async def _read(self, statements: Sequence[Statement]) -> Sequence[bytes | None]:
        self.hops.append(len(statements))
        before, self.before = self.before, lambda: None
        before()
        return await self.live.readers.read(statements)

    async def answer(
        self, query: str, audience: Audience = Audience.PUBLIC, **variables: Any
    ) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads((await self._answer(query, audience, variables)).body)
        return parsed

    async def _answer(self, query: str, audience: Audience, variables: dict[str, Any]) -> Answer:
        return await self.engine.answer(Asked(query, variables), audience)

    def since(self) -> list[int]:
        """Of each hop since it was last called, how many statements it ran."""
        hops, self.hops = self.hops, []
        return hops


def run(scenario: Callable[[Keeping], Coroutine[Any, Any, None]], **options: int) -> None:
    """With a store of two articles, of which `b` lists `a`."""

    async def play() -> None:
        async with living() as live:
            live.write("a", title="A 0")
            live.write("b", title="B 0", related=[{"title": "of a", "webUrl": "https://x.example/a"}])
            await scenario(Keeping(live, **options))

    asyncio.run(play())


def page(slug: str) -> str:
    """A document of its own, of an article and of what every page shows."""
    return f"query Page_{slug}($slug: String!) {{ {ARTICLE} {LIST} }}"


def test_what_two_requests_ask_alike_runs_once() -> None:
    async def scenario(keeping: Keeping) -> None:
        first = await keeping.answer(page("a"), slug="a")
        second = await keeping.answer(page("b"), slug="b")
        alone = await keeping.answer(f"{{ every: {LIST} }}")
        assert keeping.since() == [2, 1]  # the third needs no store
        assert (keeping.kept.hits, keeping.kept.misses) == (2, 3)
        assert (first["data"]["article"]["title"], second["data"]["article"]["title"]) == ("A 0", "B 0")
        assert first["data"]["articles"] == second["data"]["articles"] == alone["data"]["every"]

    run(scenario)


def test_null_is_kept_too() -> None:
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


def test_what_is_kept_never_stands_beside_what_is_newer() -> None:
    """The content changes after the list was found among what is kept, and before the article is read."""

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


def test_what_reads_the_clock_is_not_kept() -> None:
    async def scenario(keeping: Keeping) -> None:
        for _ in range(2):
            await keeping.answer(
                '{ articles(where: {publishedDateTime: {withinLast: "P1D"}}) { totalCount } }'
            )
        assert keeping.since() == [1, 1]
        assert keeping.kept.size == 0

    run(scenario)


def test_memory_is_bounded() -> None:
    async def scenario(keeping: Keeping) -> None:
        for number in range(50):
            await keeping.answer(page("x"), slug=f"none-{number}")
            assert 0 < keeping.kept.size <= 6_000
        await keeping.answer(page("x"), slug="none-0")  # it went first
        assert keeping.since()[-1] == 1

    run(scenario, limit=6_000)


def test_kept_or_not_an_answer_may_be_no_larger() -> None:
    async def scenario(keeping: Keeping) -> None:
        await keeping.live.readers.close()
        readers = Readers(Limits(answer_bytes=5_000))
        await readers.open(keeping.live.database)
        keeping.live.readers = readers
        excerpt = "x" * 2_000
        keeping.live.write("a", "b", excerpt=excerpt)
        each = [await keeping.answer(page(slug), slug=slug) for slug in "ab"]
        assert [one["data"]["article"]["excerpt"] for one in each] == [excerpt] * 2
        both = '{ a: article(slug: "a") { title excerpt } b: article(slug: "b") { title excerpt } }'
        three = both[:-1] + 'c: article(slug: "a") { title excerpt } }'
        assert "data" in await keeping.answer(both)
        assert (await keeping.answer(three))["errors"][0]["extensions"]["code"] == "ANSWER_TOO_LARGE"

    run(scenario, most_bytes=5_000)


SLUGS = ["a", "b", "c"]
QUERIES = [
    f"{{ {LIST} }}",
    f"query ($slug: String!) {{ {ARTICLE} {LIST} }}",
    f"query ($slug: String!) {{ {ARTICLE} }}",
    f"query ($slug: String!) {{ mine: {ARTICLE} topics {{ name }} site {{ articleCount }} }}",
    "{ topics { name articles { totalCount } } }",
    "{ site { version } articles(first: 1, after: null) { nodes { title } } __typename }",
    "{ changes { nodes { slug kind } } }",
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
                        asked = Asked(query, {"slug": slug} if "$slug" in query else {})
                        expected = await live.engine.answer(asked, audience)
                        assert await keeping.engine.answer(asked, audience) == expected

    asyncio.run(play())
