"""The statements of a subscription: events equal query results, and what evaluating filters reads."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import orjson
import pytest
from graphql import DocumentNode
from hypothesis import assume, given
from hypothesis import strategies as st

from gqlnews.database.before_search import create_index
from gqlnews.engine.requests import GraphQLRequest, GraphQLResponse, PreparedSubscription
from gqlnews.errors import Code
from gqlnews.query.entities import Audience
from tests.effort import examples
from tests.live import PLAIN, Live, open_live
from tests.product import Product

DEEP = "title"
for _ in range(6):
    DEEP = f"title related(first: 2) {{ title article {{ {DEEP} }} }}"

SELECTIONS = {
    "a name": "__typename",
    "aliases": "d: title e: slug title",
    "fragments": "... on Article { title ...Both } ...Both",
    "six links deep": DEEP,
    "connections": "topics { name articles(first: 2) { totalCount nodes { slug } edges { cursor } } }",
    "a provider": "provider { domain names articles(last: 1) { nodes { slug } } }",
    "what is derived": "similar { slug } referencedBy { nodes { slug } } story { id } relatedCount wordCount",
    "what is an editor's": "published extra secured",
    "texts": "body html excerpt updatedAt publishedDateTime tableOfContents { text }",
    "a directive": "title @skip(if: $yes) slug @include(if: $yes) heat @include(if: $no)",
}
SPECIAL = 'Quotes " and \\ and \u2028 and \u0001 and \n'
CHANGE = " fragment Change on ArticleChange { slug article { topics { name } } }"
FRAGMENT = " fragment Both on Article { slug ... on Node { id } }"


def fill(live: Live) -> None:
    for slug, next_slug in (("a", "b"), ("b", "c"), ("c", "a")):
        live.folder.article(
            f"{slug}.md",
            url=f"https://x.example/{slug}",
            title=f"{slug} {SPECIAL}",
            related=[{"title": next_slug, "webUrl": f"https://x.example/{next_slug}"}],
            topics=["AI", "Art"],
            provider={"name": "P", "domain": "p.example"},
            secured="for editors",
            special={"x": [1, SPECIAL]},
        )
    live.ingest()


async def event_and_answer(live: Live, selection: str, audience: Audience) -> tuple[bytes, bytes]:
    """Return the bytes of an article in an event and in a query's response."""
    given = "$yes: Boolean! = true, $no: Boolean! = false"
    fragment = FRAGMENT if "Both" in selection else ""
    used = f"({given})" if "$yes" in selection else ""
    watching = await live.subscribed(
        f"subscription {used} {{ articleChanged {{ article {{ {selection} }} }} }}{fragment}", audience
    )
    fill(live)
    await watching.wait_for_events(3)
    query = f'query {used} {{ article(slug: "a") {{ {selection} }} }}{fragment}'
    return watching.bodies[0], (await live.engine.execute(GraphQLRequest(query), audience)).body


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("name", SELECTIONS)
def test_an_event_renders_an_article_like_a_query(name: str, audience: Audience) -> None:
    async def run() -> None:
        async with open_live() as live:
            event, answer = await event_and_answer(live, SELECTIONS[name], audience)
            assert event == b'{"data":{"articleChanged":%b}}' % answer.removeprefix(b'{"data":')[:-1]

    asyncio.run(run())


class Lines:
    """Yields finished events to Strawberry's resolver, as JSON."""

    def __init__(self, document: DocumentNode | None, lines: list[bytes]) -> None:
        self.document, self._lines = document, lines

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for line in self._lines:
            yield line


@pytest.mark.parametrize(
    "selection",
    [
        "{ kind slug version article { title } }",
        "{ a: kind b: kind __typename c: article { d: title } }",
        "{ ...Change slug }",
    ],
)
def test_strawberry_returns_the_same_bytes(selection: str) -> None:
    async def run() -> None:
        async with open_live() as live:
            fragment = CHANGE if "Change" in selection else ""
            query = f"subscription {{ changed: articleChanged {selection} }}{fragment}"
            watching = await live.subscribed(query)
            fill(live)
            await watching.wait_for_events(3)
            live.remove("b")
            await watching.wait_for_events(4)
            lines = [body.removeprefix(b'{"data":{"changed":')[:-2] for body in watching.bodies]
            context = Lines(live.engine.parse(query).node, lines)
            results: Any = await live.engine.schema.subscribe(query, context_value=context)
            bodies = [orjson.dumps({"data": result.data}) async for result in results]
            assert bodies == watching.bodies

    asyncio.run(run())


words = st.sampled_from(["", "ai", "Two words", "100%_", "é", 'a"b', "nul\0"])
counts = st.integers(-(2**31), 2**31 - 1)
instants = st.sampled_from(["2021-04-15", "2021-04-15T13:00:00.5Z", "9999-12-31"])
flags = st.booleans()


def operators(value: st.SearchStrategy[Any], *names: str, **more: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries({}, optional={**dict.fromkeys(names, value), **more})


lists = {"in": st.lists(words, max_size=3), "notIn": st.lists(words, max_size=3), "isNull": flags}
texts = operators(words, "eq", "ne", "startsWith", "contains", **lists)
numbers = operators(counts, "eq", "ne", "gt", "gte", "lt", "lte", isNull=flags)
dates = operators(instants, "eq", "gt", "gte", "lt", "lte", withinLast=st.just("P2D"))
sets = operators(st.lists(words, max_size=3), "any", "all", "none")
tests = {
    **dict.fromkeys(("slug", "title", "category", "type", "provider"), texts),
    **dict.fromkeys(("publishedDateTime", "updatedAt"), dates),
    **dict.fromkeys(("quality", "heat"), numbers),
    **dict.fromkeys(("published", "hasImage", "hasRelated"), flags),
    "topic": sets,
    "matches": st.sampled_from(["model", "a b OR c", '"two words" -x', "pre*", "", "title:model"]),
}
wheres = st.recursive(
    st.fixed_dictionaries({}, optional=tests),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"and": st.lists(inner, max_size=3), "or": st.lists(inner, max_size=3), "not": inner}
    ),
    max_leaves=6,
)


def ready(product: Product, where: object, audience: Audience) -> PreparedSubscription:
    ready = product.engine.prepare(GraphQLRequest(PLAIN, {"where": where}), audience)
    assert isinstance(ready, PreparedSubscription), ready
    return ready


@examples(200)
@given(wheres, st.sampled_from(Audience))
def test_the_change_filter_looks_up_images_by_id_and_articles_by_slug(
    examples: Product, where: dict[str, Any], audience: Audience
) -> None:
    made = examples.engine.prepare(GraphQLRequest(PLAIN, {"where": where}), audience)
    assume(not (isinstance(made, GraphQLResponse) and made.codes == (Code.TOO_WIDE,)))  # more than 200 parts
    sql, values = ready(examples, where, audience).bound.filter_changes("[1, 2]", '["a", "b"]')
    with closing(sqlite3.connect(examples.database)) as db:
        create_index(db)
        rows: list[Any] = db.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    lines = [row[3] for row in rows]
    assert not [line for line in lines if line.startswith(("SCAN t1", "SCAN t2"))], lines
    for table, key in (("t1", "(rowid=?)"), ("t2", "(slug=?)")):
        (looked_up,) = [line for line in lines if line.startswith(f"SEARCH {table} ")]
        assert looked_up.endswith(key), lines
