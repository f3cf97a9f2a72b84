"""The two subscription transports, each an iterator over events that starts at a version."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from benchmarks.live.frames import CLOSE, HANDSHAKE, PING, PONG, TEXT, FrameParser, frame
from benchmarks.soak.interest import Interest
from benchmarks.soak.query_client import head

DOCUMENT = """subscription Watch($where: ArticleFilter, $since: String) {
  articleChanged(where: $where, since: $since) { slug kind version article { title } }
}"""

Change = Mapping[str, Any]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
OpenStream = Callable[[Streams, str, Interest, str | None], AsyncIterator[Change]]


class RejectedError(Exception):
    """The server responded with errors."""


class DisconnectedError(Exception):
    """The server ended the stream."""


async def connect(url: str) -> Streams:
    address = urlsplit(url)
    return await asyncio.open_connection(address.hostname, address.port)


def request(interest: Interest, since: str | None) -> Mapping[str, object]:
    return {"query": DOCUMENT, "variables": {"where": interest.where or None, "since": since}}


async def websocket(
    streams: Streams, url: str, interest: Interest, since: str | None
) -> AsyncIterator[Change]:
    reader, writer = streams

    def send(message: object) -> None:
        writer.write(frame(TEXT, orjson.dumps(message), masked=True))

    writer.write(HANDSHAKE % urlsplit(url).netloc.encode())
    await reader.readuntil(b"\r\n\r\n")
    payload = {"authorization": interest.authorization} if interest.editor else {}
    send({"type": "connection_init", "payload": payload})
    frames = FrameParser()
    while data := await reader.read(1 << 16):
        for opcode, text in frames.feed(data):
            if opcode == PING:
                writer.write(frame(PONG, text, masked=True))
            elif opcode == CLOSE:
                raise DisconnectedError(text)
            elif opcode == TEXT:
                message = orjson.loads(text)
                match message["type"]:
                    case "connection_ack":
                        send({"id": "1", "type": "subscribe", "payload": request(interest, since)})
                    case "next":
                        yield _change(message["payload"])
                    case "error":
                        raise RejectedError(text)
    raise DisconnectedError


async def events(streams: Streams, url: str, interest: Interest, since: str | None) -> AsyncIterator[Change]:
    """Subscribe over server-sent events."""
    reader, writer = streams
    body = orjson.dumps(request(interest, since))
    writer.write(head(url, interest, body, "text/event-stream") + body)
    output = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in output.partition(b"\r\n")[0]:
        raise RejectedError(output)
    rest = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        rest += await reader.readexactly(size)
        await reader.readexactly(2)
        *whole, rest = rest.split(b"\n\n")
        for event in whole:
            if event.startswith(b"event: next\ndata: "):
                yield _change(orjson.loads(event.partition(b"data: ")[2]))
    raise DisconnectedError


def _change(response: Mapping[str, Any]) -> Change:
    if "errors" in response:
        raise RejectedError(response)
    change: Change = response["data"]["articleChanged"]
    return change
