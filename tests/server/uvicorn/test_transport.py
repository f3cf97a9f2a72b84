"""Connection input: complete and in order, one slice per loop turn, and none while paused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gqlnews.server.uvicorn.transport import (
    APPLICATION_BEHIND,
    CLIENT_NOT_READING,
    SlicedInput,
    SlicedTransport,
)
from tests.server.support import DEADLINE

SIZE = 4


class Wire:
    """A transport that is read unless it is paused."""

    def __init__(self) -> None:
        self.is_read, self.closing = True, False

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return self.closing


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within_deadline() -> None:
        async with asyncio.timeout(DEADLINE):
            await test()

    asyncio.run(within_deadline())


async def turns(count: int) -> None:
    """Give the event loop this many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


def sliced(fed: list[bytes]) -> tuple[SlicedInput, Any]:
    wire: Any = Wire()
    return SlicedInput(wire, fed.append, SIZE), wire


def test_a_read_is_fed_in_slices() -> None:
    async def test() -> None:
        fed: list[bytes] = []
        source, wire = sliced(fed)
        source.receive(b"0123456789")
        seen = []
        while len(fed) < 3:
            seen.append((len(fed), wire.is_read))
            await asyncio.sleep(0)
        assert fed == [b"0123", b"4567", b"89"]
        assert seen == [(0, False), (1, False), (2, False)]
        assert wire.is_read

    run(test)


def test_a_small_read_is_fed_at_once() -> None:
    async def test() -> None:
        fed: list[bytes] = []
        source, wire = sliced(fed)
        source.receive(b"0123")
        assert (fed, wire.is_read) == ([b"0123"], True)

    run(test)


def test_nothing_is_fed_while_paused() -> None:
    async def test() -> None:
        fed: list[bytes] = []
        source, wire = sliced(fed)
        transport = SlicedTransport(wire, source)
        source.receive(b"0123456789")
        transport.pause_reading()
        source.pause(CLIENT_NOT_READING)
        await turns(5)
        transport.resume_reading()
        await turns(5)
        assert (fed, wire.is_read) == ([], False)
        source.resume(CLIENT_NOT_READING)
        await turns(5)
        assert (len(fed), wire.is_read) == (3, True)

    run(test)


def test_buffered_input_is_discarded_on_upgrade_or_disconnect() -> None:
    async def test() -> None:
        for leaves in (True, False):
            fed: list[bytes] = []
            source, wire = sliced(fed)
            source.receive(b"0123456789")
            if leaves:
                wire.closing = True
            else:
                source.discard()
            await turns(5)
            assert fed == []

    run(test)


@given(
    st.lists(
        st.binary(min_size=1, max_size=3 * SIZE)
        | st.sampled_from([("pause", APPLICATION_BEHIND), ("pause", CLIENT_NOT_READING)])
        | st.sampled_from([("resume", APPLICATION_BEHIND), ("resume", CLIENT_NOT_READING)])
        | st.just(("turn", 0)),
        max_size=30,
    )
)
def test_everything_is_fed_once_and_in_order(steps: list[Any]) -> None:
    async def test() -> None:
        fed: list[bytes] = []
        source, wire = sliced(fed)
        sent = b""
        for step in steps:
            if isinstance(step, bytes):
                if wire.is_read:
                    source.receive(step)
                    sent += step
            elif step[0] == "turn":
                await asyncio.sleep(0)
            else:
                getattr(source, step[0])(step[1])
        source.resume(APPLICATION_BEHIND)
        source.resume(CLIENT_NOT_READING)
        await turns(len(sent) + 5)
        assert (b"".join(fed), wire.is_read) == (sent, True)
        assert max(map(len, fed), default=0) <= SIZE

    run(test)
