"""Incremental delivery: the merged parts equal the whole response, whatever is deferred."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    NameNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_nullable_type,
    is_list_type,
    parse,
    print_ast,
    validate,
    visit,
)
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.database.protocol import Statements
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.engine.engine import Engine
from gqlnews.engine.incremental import IncrementalPayload, IncrementalUnavailableError, incremental_payloads
from gqlnews.engine.requests import GraphQLRequest, PreparedIncremental, PreparedQuery
from gqlnews.query.entities import Audience
from gqlnews.server.stream_framing import encode_2022, encode_v2
from tests.effort import examples
from tests.oracle.content import read_folder
from tests.oracle.engine import Oracle, oracle_schema
from tests.oracle.folders import write_folder
from tests.oracle.strategies import Options, operations
from tests.oracle.values import values_of
from tests.product import run_ingest
from tests.store import PoolStore, UnreadStore


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Answers:
    """An engine over a real file, and its responses in parts. Use it in a `with` block."""

    def __init__(self, database: Path) -> None:
        self._runner = asyncio.Runner()
        self._readers = ReadPool()
        self._runner.run(self._readers.open(database))
        self.engine = Engine(PoolStore(self._readers))
        self.statements: list[str] = []

    def close(self) -> None:
        self._runner.run(self._readers.close())
        self._runner.close()

    def trace(self) -> None:
        self._runner.run(self._readers.trace(self.statements.append))

    def whole(self, asked: GraphQLRequest) -> dict[str, Any]:
        answer = self._runner.run(self.engine.execute(asked, Audience.OPEN))
        parsed: dict[str, Any] = json.loads(answer.body)
        return parsed

    def parts(self, query: str, variables: dict[str, Any] | None = None) -> list[IncrementalPayload] | None:
        """Return the parts, or None if the response comes whole."""
        made = self.engine.prepare(GraphQLRequest(query, variables, incremental=True), Audience.OPEN)
        if not isinstance(made, PreparedIncremental):
            return None
        return self._runner.run(self._collected(made))

    async def _collected(self, made: PreparedIncremental) -> list[IncrementalPayload] | None:
        try:
            parts = incremental_payloads(made.bound, self.engine.store, deepcopy, asyncio.to_thread)
            return [part async for part in parts]
        except IncrementalUnavailableError:
            return None


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    database = tmp_path_factory.mktemp("parts") / "news.db"
    run_ingest(Path(__file__).parents[2] / "examples" / "news", database)
    answers = Answers(database)
    yield answers
    answers.close()


@pytest.fixture(scope="module")
def unusual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Answers, Any]]:
    """A small folder with all unusual cases, and generated requests over it."""
    place = tmp_path_factory.mktemp("unusual")
    folder = write_folder(place / "content", seed=7, articles=40)
    run_ingest(folder, place / "store.db")
    oracle = Oracle(oracle_schema())
    values = values_of(read_folder(folder), oracle.registry)
    answers = Answers(place / "store.db")
    yield answers, operations(oracle_schema(), values, Options(bad_arguments=0))
    answers.close()


class Deferring(Visitor):
    """Move parts of each selection set into deferred fragments, and stream some lists."""

    def __init__(self, dice: Random, info: TypeInfo, *, streams: bool) -> None:
        super().__init__()
        self._dice, self._info, self._streams = dice, info, streams
        self._labels = 0

    def leave_selection_set(self, node: SelectionSetNode, *_: object) -> SelectionSetNode:
        immediate: list[SelectionNode] = []
        deferred: list[SelectionNode] = []
        for selection in node.selections:
            (deferred if self._dice.random() < 0.3 else immediate).append(selection)
        if not deferred:
            return node
        self._labels += 1
        label = ArgumentNode(name=NameNode(value="label"), value=StringValueNode(value=f"L{self._labels}"))
        directive = DirectiveNode(name=NameNode(value="defer"), arguments=(label,))
        fragment = InlineFragmentNode(
            directives=(directive,), selection_set=SelectionSetNode(selections=tuple(deferred))
        )
        return SelectionSetNode(selections=(*immediate, fragment))

    def enter_field(self, node: FieldNode, *_: object) -> FieldNode | None:
        kind = self._info.get_type()
        if not self._streams or kind is None or not is_list_type(get_nullable_type(kind)):
            return None
        count = parse(f"{{ f @stream(initialCount: {self._dice.randrange(3)}) }}").definitions[0]
        (directive,) = count.selection_set.selections[0].directives  # type: ignore[attr-defined]
        return FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=node.arguments,
            directives=(*(node.directives or ()), directive),
            selection_set=node.selection_set,
        )


def deferring(document: str, seed: int, schema: Any, *, streams: bool) -> str:
    info = TypeInfo(schema)
    visitor = TypeInfoVisitor(info, Deferring(Random(seed), info, streams=streams))  # noqa: S311
    made: DocumentNode = visit(parse(document), visitor)
    return print_ast(made)


def merged(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge the parts as a client of the newer format does."""
    data, paths = bodies[0]["data"], {}
    for body in bodies:
        paths.update({one["id"]: one["path"] for one in body.get("pending", ())})
        for piece in body.get("incremental", ()):
            assert piece["id"] in paths
            put(data, [*paths[piece["id"]], *piece.get("subPath", ())], piece)
        for one in body.get("completed", ()):
            del paths[one["id"]]
    assert paths == {}, "what is pending comes"
    return {"data": data}


def merged_of_2022(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    data = bodies[0]["data"]
    for body in bodies:
        for piece in body.get("incremental", ()):
            path = piece["path"][:-1] if "items" in piece else piece["path"]
            put(data, path, piece)
    return {"data": data}


def put(data: Any, path: list[Any], piece: dict[str, Any]) -> None:
    for step in path:
        data = data[step]
    if "items" in piece:
        data.extend(piece["items"])
    else:
        assert not data.keys() & piece["data"].keys(), "nothing comes twice"
        data.update(piece["data"])


def parsed(parts: list[IncrementalPayload], encode: Any) -> list[dict[str, Any]]:
    return [json.loads(encode(part)) for part in parts]


def check(
    answers: Answers, document: str, variables: dict[str, Any] | None = None
) -> list[IncrementalPayload] | None:
    """Assert that the parts, merged in either format, equal the whole response."""
    whole = answers.whole(GraphQLRequest(document, variables))
    parts = answers.parts(document, variables)
    if parts is None:
        return None
    assert [part.has_next for part in parts] == [*[True] * (len(parts) - 1), False]
    assert merged(parsed(parts, encode_v2)) == whole
    assert merged_of_2022(parsed(parts, encode_2022)) == whole
    return parts


@examples(150)
@given(data=st.data(), seed=st.integers(0, 2**32), streams=st.booleans())
def test_incremental_payloads_merge_to_the_single_response(
    unusual: tuple[Answers, Any], data: st.DataObject, seed: int, streams: bool
) -> None:
    answers, requests = unusual
    operation = data.draw(requests)
    schema = answers.engine.schema._schema
    document = deferring(operation.document, seed, schema, streams=streams)
    if validate(schema, parse(document)):
        return  # a list that is selected twice may not be streamed twice
    made = answers.engine.prepare(
        GraphQLRequest(document, operation.variables, operation.name), Audience.OPEN
    )
    if isinstance(made, PreparedQuery) and made.bound.cacheable and made.bound.complete:
        check(answers, document, operation.variables)


DEEP = """
{
  articles(first: 2) {
    totalCount
    nodes {
      slug
      ... @defer(label: "more") {
        title
        related(first: 1) { title ... @defer(label: "deep") { url article { slug } } }
      }
    }
  }
}
"""


def test_a_nested_fragment_is_delivered_after_its_parent(news: Answers) -> None:
    parts = check(news, DEEP)
    assert parts is not None
    assert [[one.label for one in part.completed] for part in parts] == [[], ["more"] * 2, ["deep"] * 2]


def test_the_initial_payload_is_sent_before_the_next_statement_runs(news: Answers) -> None:
    news.trace()
    made = news.engine.prepare(GraphQLRequest(DEEP, incremental=True), Audience.PUBLIC)
    assert isinstance(made, PreparedIncremental)
    assert len(made.bound.increments) == 3
    news.statements.clear()
    assert news.parts(DEEP) is not None
    ran = [text for text in news.statements if text.startswith(("WITH", "SELECT"))]
    assert len(ran) == 3
    assert "related" not in ran[0]
    assert sum(text == "BEGIN" for text in news.statements) == 1


def test_fragments_in_streamed_items_are_delivered_too(news: Answers) -> None:
    document = "{ topics @stream(initialCount: 1) { slug ... @defer { articles { totalCount } } } }"
    parts = check(news, document)
    assert parts is not None
    assert [len(part.pending) for part in parts] == [1 + 1, len(parts[1].patches[0].items or ()), 0]


def test_a_list_is_streamed_from_its_initial_count(news: Answers) -> None:
    parts = check(news, '{ topics @stream(initialCount: 2, label: "rest") { slug } }')
    assert parts is not None
    assert parts[0].data is not None
    assert len(parts[0].data["topics"]) == 2
    assert [(one.pending.label, one.index) for one in parts[1].patches] == [("rest", 2)]


def test_the_initial_count_may_be_a_variable(news: Answers) -> None:
    """The plans of a document depend on it."""
    document = "query ($n: Int) { topics @stream(initialCount: $n) { slug } }"
    for count in (1, 3, 0):
        parts = news.parts(document, {"n": count})
        assert parts is not None
        assert parts[0].data is not None
        assert len(parts[0].data["topics"]) == count


@pytest.mark.parametrize("count", ["null", "$n", "-1"])
def test_an_initial_count_of_null_is_an_error_of_its_field(news: Answers, count: str) -> None:
    document = f"{{ topics @stream(initialCount: {count}) {{ slug }} }}"
    if count == "$n":
        document = f"query ($n: Int = 1) {document}"
    made = news.engine.prepare(GraphQLRequest(document, {"n": None}, incremental=True), Audience.OPEN)
    assert isinstance(made, PreparedQuery)
    assert "initialCount must be 0 or more" in made.bound.failures["topics"].message


@pytest.mark.parametrize(
    "document",
    [
        "{ site { articleCount } }",
        "query ($if: Boolean = false) { site { ... @defer(if: $if) { articleCount } } }",
        "query ($if: Boolean = false) { topics @stream(if: $if, initialCount: 1) { slug } }",
    ],
)
def test_without_deferred_fields_the_response_is_single(news: Answers, document: str) -> None:
    assert news.parts(document) is None


def test_clients_without_incremental_delivery_get_a_single_response(news: Answers) -> None:
    beside = "{ __schema { queryType { name } } ... @defer { site { articleCount } } }"
    assert news.whole(GraphQLRequest(beside))["data"] == {
        "__schema": {"queryType": {"name": "Query"}},
        "site": {"articleCount": 20},
    }


@pytest.mark.parametrize(
    ("document", "in_parts"),
    [
        ("{ __typename site { articleCount ... @defer { version } } }", [1, 0]),
        ("{ __typename ... @defer { site { articleCount } } }", [1, 0]),
        ("{ site { articleCount } ... @defer { __typename } }", [1, 0]),
        ("{ topics @stream(initialCount: 1) { slug } of: __typename }", [1, 0]),
        (
            "{ a: __typename ... @defer { b: __typename ... @defer { __typename site { version } } } }",
            [1, 1, 0],
        ),
        ("{ ... @defer { __typename } __typename site { ... @defer { version } } }", [2, 0, 0]),
    ],
)
def test_the_root_typename_does_not_prevent_parts(news: Answers, document: str, in_parts: list[int]) -> None:
    parts = check(news, document)
    assert parts is not None
    assert [len(part.pending) for part in parts] == in_parts


class ScriptedStore(UnreadStore):
    """A store that returns these results, one list per increment."""

    def __init__(self, *results: Any) -> None:
        self._results = [[json.dumps(result).encode()] for result in results]

    async def execute_parts(
        self, parts: Sequence[Statements]
    ) -> AsyncGenerator[Sequence[bytes | None], None]:
        assert len(parts) == len(self._results)
        for result in self._results:
            yield result


def page(related: list[Any]) -> dict[str, Any]:
    """A page of 100 articles with this related coverage each."""
    return {"nodes": [{"related": related}] * 100}


NESTED = "{ articles { nodes { slug ... @defer { related { ... @defer { title } } } } } }"


@pytest.mark.parametrize(
    ("document", "results", "on_loop"),
    [
        pytest.param(
            "{ articles { nodes { related { ... @defer { title } } } } }",
            [page([{}] * 136), page([{"title": ""}] * 136)],
            [False, False],
            id="13,600 objects in 40 KB",
        ),
        pytest.param(
            "{ articles { nodes { body related { ... @defer { title } } } } }",
            [
                {"nodes": [{"body": "x" * 100_000, "related": [{}]}]},
                {"nodes": [{"related": [{"title": ""}]}]},
            ],
            [False, False],
            id="a large result before a small one",
        ),
        pytest.param(
            NESTED,
            [{"nodes": [{"slug": ""}] * 100}, page([{}] * 136), page([{"title": ""}] * 136)],
            [True, False, False],
            id="a small result before a large one",
        ),
    ],
)
@pytest.mark.anyio
async def test_many_objects_are_processed_off_the_event_loop(
    document: str, results: list[Any], on_loop: list[bool]
) -> None:
    """The event loop would process about a hundred objects per millisecond."""
    store = ScriptedStore(*results)
    made = Engine(store).prepare(GraphQLRequest(document, incremental=True), Audience.PUBLIC)
    assert isinstance(made, PreparedIncremental)
    loop_thread = threading.get_ident()

    def encode(payload: IncrementalPayload) -> tuple[bool, bytes]:
        return threading.get_ident() == loop_thread, encode_v2(payload)

    parts = [part async for part in incremental_payloads(made.bound, store, encode, asyncio.to_thread)]
    assert [is_on_loop for is_on_loop, _ in parts] == on_loop
    assert merged([json.loads(body) for _, body in parts])
