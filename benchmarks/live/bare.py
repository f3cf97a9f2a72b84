"""`python -m benchmarks.live.bare SUBSCRIBERS EVENTS`: a WebSocket server that only writes events.

It implements the part of the protocol that `crowd.py` uses. Once SUBSCRIBERS clients have subscribed, it
sends EVENTS events to each. The title of an event is the time at which it was created. The measured delay is
therefore the share of the client and the operating system.
"""

import asyncio
import sys
from time import monotonic
from typing import cast

import orjson
import uvloop

from benchmarks.live.frames import ACCEPTED, END_OF_HEAD, TEXT, FrameParser, frame
from gqlnews.server.uvicorn.run import raise_nofile_limit

BETWEEN = 0.1  # seconds
SLUG = "2023/01/2023-01-17-railway-fodabar-bikadil-fund-region-bread-naben-tilibol-2715"  # of typical length
RESPONSES = {"connection_init": b'{"type":"connection_ack"}', "ping": b'{"type":"pong"}'}


class Connection(asyncio.Protocol):
    def __init__(self, joined: "asyncio.Queue[asyncio.Transport]") -> None:
        self._joined = joined
        self._frames = FrameParser()
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            assert data.endswith(END_OF_HEAD), "the client sends its whole head at once"
            self._is_open = True
            self._transport.write(ACCEPTED)
            return
        for _, payload in self._frames.feed(data):
            kind = orjson.loads(payload)["type"]
            if kind in RESPONSES:
                self._transport.write(frame(TEXT, RESPONSES[kind], masked=False))
            if kind == "ping":
                self._joined.put_nowait(self._transport)


def event(number: int) -> bytes:
    change = {
        "slug": SLUG,
        "kind": "UPDATED",
        "version": f"0123456789ab0-{number}",
        "article": {"title": str(monotonic())},
    }
    message = {"id": "1", "type": "next", "payload": {"data": {"articleChanged": change}}}
    return frame(TEXT, orjson.dumps(message), masked=False)


async def write(subscribers: int, events: int) -> None:
    joined: asyncio.Queue[asyncio.Transport] = asyncio.Queue()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(joined), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql", flush=True)
    everyone = [await joined.get() for _ in range(subscribers)]
    for number in range(events):
        await asyncio.sleep(BETWEEN)
        output = event(number)
        for transport in everyone:
            transport.write(output)
    await asyncio.Event().wait()


if __name__ == "__main__":
    raise_nofile_limit()
    uvloop.run(write(int(sys.argv[1]), int(sys.argv[2])))
