"""A subscription whose statement takes too long ends, and those beside it are told all the same."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gqlnews.errors import LimitError
from gqlnews.schema.feed import _Group, _told
from gqlnews.schema.listener import Event, Listener
from gqlnews.store.limited import out_of_time
from gqlnews.store.snapshots import Snapshot

EVENT = Event(1, b"{}")
NOW = cast("Snapshot", SimpleNamespace(sites=[None] * 3))
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Judge:
    """Tells one event; of a filter that is slow, it comes to the limit."""

    def events(self, bound: str, _site: object) -> list[Event]:
        if bound == "slow":
            raise out_of_time()
        return [EVENT]


def group(bound: str) -> tuple[_Group, Listener]:
    listener = Listener(lambda: None)
    watched: Any = SimpleNamespace(renewed=lambda: bound, audience=0)
    return _Group(watched, {listener}), listener


async def test_the_slow_one_is_told_why_and_the_others_their_events() -> None:
    told = [group("quick"), group("slow"), group("quick")]
    for one, _ in told:
        one.put(_told(one, cast("Any", Judge()), NOW))
    (_, first), (_, slow), (_, last) = told
    assert [await first.take(), await last.take()] == [EVENT.body] * 2
    with pytest.raises(LimitError) as ended:
        await slow.take()
    assert ended.value.code == "TIMED_OUT"
