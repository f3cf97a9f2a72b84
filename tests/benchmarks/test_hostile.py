"""The attacks match their descriptions, and one of them runs."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
import uvloop
from graphql import parse

from benchmarks.hostile import documents, expensive_documents, scans
from benchmarks.hostile.attacks import ATTACKS
from benchmarks.hostile.clients import ATTACKER, VICTIM, HttpClient, connect
from benchmarks.hostile.floods import Counters, prepare
from benchmarks.hostile.result import Delays, Memory, Result, Times
from benchmarks.hostile.sockets import SOCKETS, watch_since
from benchmarks.hostile.table import markdown
from benchmarks.hostile.traffic import ConnectionFlood, HttpFlood, Payload, SocketFlood
from benchmarks.hostile.victim import Sample
from benchmarks.live.frames import TEXT, FrameParser
from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.engine.documents import parse_document
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLRequest, PreparedQuery
from gqlnews.query.entities import Audience
from gqlnews.schema.query import build_schema
from tests.store import UnreadStore

MOST_BODY, MOST_MESSAGE = 256 * 1024, 64 * 1024  # bytes that the server accepts
ROOT = Path(__file__).parents[2]
VALID = (
    expensive_documents.many_facets(1),
    expensive_documents.many_links(1),
    expensive_documents.most_expensive_inline(1),
    expensive_documents.schema_fields(1),
    expensive_documents.long_valid_name(1),
    expensive_documents.permuted_fields(),
    expensive_documents.MOST_EXPENSIVE,
    expensive_documents.LARGE_RESPONSE,
    expensive_documents.LARGE_PARTS,
)


def floods(kind: type[HttpFlood] | type[SocketFlood]) -> list[Any]:
    return [
        pytest.param(flood, id=f"{attack.name}-{number}")
        for attack in ATTACKS
        for number, flood in enumerate(attack.floods)
        if isinstance(flood, kind)
    ]


def bodies(data: bytes) -> Iterator[bytes]:
    """Yield the bodies of consecutive POST requests."""
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        yield rest[:length]
        data = rest[length:]


def messages(payload: Payload) -> list[dict[str, Any]]:
    return [orjson.loads(text) for opcode, text in FrameParser().feed(payload.data) if opcode == TEXT]


def test_no_two_attacks_have_one_name() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


def test_the_attacks_have_the_documented_groups() -> None:
    assert {attack.group for attack in ATTACKS} == {*range(1, 9), 15}


@pytest.mark.parametrize("flood", floods(HttpFlood))
def test_each_request_is_complete_and_small_enough(flood: HttpFlood) -> None:
    payload = flood.make(0)
    if payload.data.startswith(b"POST") and b"chunked" not in payload.data:
        for body in bodies(payload.data):
            assert len(body) <= MOST_BODY
            assert isinstance(orjson.loads(body), dict)
    assert payload.data.count(b" HTTP/1.1\r\n") == payload.messages


@pytest.mark.parametrize("flood", floods(HttpFlood))
def test_each_request_is_different(flood: HttpFlood) -> None:
    made = {flood.make(number).data for number in range(min(flood.distinct, 5))}
    assert len(made) == min(flood.distinct, 5)


@pytest.mark.parametrize("flood", floods(SocketFlood))
def test_each_message_is_small_enough(flood: SocketFlood) -> None:
    frames = list(FrameParser().feed(flood.make(0).data))
    assert frames
    assert max(len(text) for _, text in frames) <= MOST_MESSAGE


def test_subscriptions_are_messages_of_the_protocol() -> None:
    attack = next(attack for attack in SOCKETS if attack.name == "watch-matches")
    (flood,) = attack.floods
    assert isinstance(flood, SocketFlood)
    sent = messages(flood.make(0))
    assert [message["type"] for message in sent] == ["subscribe"] * 100
    filters = [message["payload"]["variables"]["w"]["or"] for message in sent]
    assert all(len(parts) == 60 and all("matches" in part for part in parts) for parts in filters)
    assert len({repr(parts) for parts in filters}) == 100


def test_an_unknown_object_has_the_size_in_the_issue() -> None:
    sizes = [len(documents.unknown_object(number).encode()) for number in (0, 100, 5_000)]
    assert min(sizes) >= 900
    assert max(sizes) <= 1_100


def test_a_large_string_has_the_requested_size() -> None:
    text = documents.large_string(0)
    assert text.count("\x7f") == documents.LARGE


@pytest.mark.parametrize(
    "make", [documents.unknown_object, documents.large_string, documents.small_misspelled]
)
def test_hostile_documents_are_syntactically_valid(make: Any) -> None:
    assert parse(make(7)).definitions
    assert parse_document(make(7), build_schema()._schema).errors


@pytest.mark.parametrize("text", VALID, ids=lambda text: str(text)[:20])
def test_documents_that_should_run_are_valid(text: str) -> None:
    assert parse_document(text, build_schema()._schema).errors == ()


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (expensive_documents.LARGE_RESPONSE, {"w": scans.many(1)}),
        (expensive_documents.LARGE_PARTS, {"w": scans.many(1)}),
        (expensive_documents.many_links(1), {}),
        (scans.SEARCH, {"q": "a* OR b*"}),
        (scans.STORIES, {"n": 2}),
        (scans.LISTS, {"n": 2}),
    ],
)
def test_documents_that_should_run_are_within_the_limits(text: str, variables: dict[str, object]) -> None:
    engine = Engine(UnreadStore(), limits=DEFAULT_LIMITS)
    prepared = engine.prepare(GraphQLRequest(text, variables), Audience.PUBLIC)
    assert isinstance(prepared, PreparedQuery), prepared


def test_the_placeholder_of_the_store_version_is_replaced() -> None:
    prepared = prepare(SocketFlood(watch_since, 1, 1), "abc0-1")
    sent = messages(next(prepared.payloads))
    assert {message["payload"]["variables"]["s"] for message in sent} == {"abc0-1"}


def test_an_attack_stays_within_its_size_limit() -> None:
    prepared = prepare(ConnectionFlood(b"x", 10, 1.0, limit=3), "")
    assert len(list(prepared.payloads)) == 3


async def serve_one_response(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that answers one request."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    writer.close()
    await writer.wait_closed()


async def received_unread() -> tuple[int, list[int]]:
    """Return how much a non-reading client received before a later client was answered, and its statuses."""
    request = b"GET / HTTP/1.1\r\n\r\n"
    async with await asyncio.start_server(serve_one_response, VICTIM, 0) as server:
        url = f"http://{VICTIM}:{server.sockets[0].getsockname()[1]}/graphql"
        first = await connect(url, ATTACKER, partial(HttpClient, reads=False))
        second = await connect(url, ATTACKER, HttpClient)
        waiting = asyncio.create_task(first.request(request))
        await asyncio.sleep(0)
        assert await second.request(request) == [200]
        received = first.received
        first.transport.resume_reading()
        statuses = await waiting
        for client in (first, second):
            client.abort()
            await client.ended.wait()
        return received, statuses


def test_a_client_that_does_not_read_receives_nothing() -> None:
    assert uvloop.run(received_unread()) == (0, [200])


def result(**changes: Any) -> Result:
    """The result of an attack without any effect."""
    times, delays = Times(100, 0.001, 0.01, 0.02, 0), Delays(10, 0.05, 0.1, 0)
    quiet = Result(
        *("name", 1, "what", Counters()),
        *(times, times, delays, delays),
        *(Memory(100_000_000, 120_000_000, 110_000_000), 10, 0, True),
    )
    return msgspec.structs.replace(quiet, **changes)


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"attacked": Times(100, 0.001, 0.11, 0.2, 0)}, ["p99"]),
        ({"attacked": Times(100, 0.001, 0.01, 0.2, 1)}, ["errors"]),
        ({"events": Delays(10, 0.05, 0.51, 0)}, ["events"]),
        ({"events": Delays(10, 0.05, 0.1, 1)}, ["events"]),
        ({"memory": Memory(0, 150_000_001, 0)}, ["memory"]),
        ({"memory": Memory(0, 30_000_001, 30_000_001)}, ["left"]),
        ({"memory": Memory(0, 90_000_000, 90_000_000, 60_000_000)}, []),
        ({"unready": 1}, ["ready"]),
        ({"survived": False}, ["ready"]),
    ],
)
def test_each_goal_is_checked(changes: dict[str, object], missed: list[str]) -> None:
    assert result(**changes).missed() == missed


def test_durations_include_failed_operations() -> None:
    samples = [Sample(0.0, seconds, status) for seconds, status in ((0.1, 200), (0.2, 503), (10.0, 0))]
    assert Times.of(samples) == Times(3, 0.2, 10.0, 10.0, 2)


def test_an_earlier_run_has_its_own_columns() -> None:
    slower = result(attacked=Times(100, 0.5, 2.0, 3.0, 1))
    head, _, row = markdown([result()], {"name": slower}).splitlines()
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert cells["query p50, p99, before"] == "1.0, 10.0 → 500.0, 2,000.0"
    assert cells["query p50, p99"] == "1.0, 10.0 → 1.0, 10.0"
    assert cells["errors, before"] == "1 of 100"
    assert cells["memory"] == "100, +20, +10 (0)"


def test_a_new_attack_has_no_earlier_figures() -> None:
    head, _, row = markdown([result()], {"other": result()}).splitlines()
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert cells["errors, before"] == ""
    assert cells["errors"] == "0 of 100"


def test_an_attack_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.hostile", "--only", "small-queries", "--seconds", "1"]
    out = tmp_path / "out.json"
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--articles", "100", "--markdown", "--out", str(out)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    (found,) = msgspec.json.decode(out.read_bytes(), type=list[Result])
    assert done.returncode == bool(found.missed()), done.stderr
    assert sum(found.sent.responses.values()) > 0
    assert found.quiet.number > 100
    assert found.quiet.failed == 0
    assert found.quiet_events.number > found.quiet_events.lost
    assert found.memory.most >= found.memory.before > 1_000_000
    assert found.survived
    assert "| `small-queries`: " in done.stdout
