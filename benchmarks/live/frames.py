"""A minimal WebSocket implementation: the handshake, and unfragmented frames.

Client frames are masked with zeros, which leaves the payload unchanged. That is safe here, because
masking protects intermediaries and not the server.
"""

from collections.abc import Iterator

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
END_OF_HEAD = b"\r\n\r\n"
# The key and its response are the example in RFC 6455, section 1.3.
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: %b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_SHORT, _MEDIUM = 125, 126
_NO_MASK = bytes(4)


def frame(opcode: int, payload: bytes, *, masked: bool) -> bytes:
    """Build a frame. The payload must be shorter than 64 KiB."""
    mask = 0x80 if masked else 0
    if len(payload) <= _SHORT:
        head = bytes((0x80 | opcode, mask | len(payload)))
    else:
        head = bytes((0x80 | opcode, mask | _MEDIUM)) + len(payload).to_bytes(2, "big")
    return head + (_NO_MASK if masked else b"") + payload


class FrameParser:
    """Incremental frame parser. It assumes that masks are all zeros."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Add received bytes, and yield (opcode, payload) of each complete frame."""
        data = self._buffer + data if self._buffer else data
        start = 0
        while (found := _frame_at(data, start)) is not None:
            opcode, begin, start = found
            yield opcode, data[begin:start]
        self._buffer = data[start:]


def _frame_at(data: bytes, start: int) -> tuple[int, int, int] | None:
    """Return opcode, payload start and payload end, or None if the frame is incomplete."""
    begin = start + 2
    if len(data) < begin:
        return None
    length = data[start + 1] & 0x7F
    if length >= _MEDIUM:
        size = 2 if length == _MEDIUM else 8
        if len(data) < begin + size:
            return None
        length = int.from_bytes(data[begin : begin + size], "big")
        begin += size
    if data[start + 1] & 0x80:
        begin += len(_NO_MASK)
    return (data[start] & 0x0F, begin, begin + length) if len(data) >= begin + length else None
