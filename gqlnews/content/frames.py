"""What readers and their caller send each other over pipes: a length of four bytes, then that many bytes."""

from typing import BinaryIO

import msgspec

from gqlnews.content.records import ReadOptions, Record, SourceFile

_LENGTH_BYTES = 4


class Setup(Record, frozen=True):
    """The first frame to a worker: what to read, how, and the function that makes what is sent back.

    `descriptor` is that of the open folder, which the worker inherits.
    """

    folder: str
    descriptor: int
    options: ReadOptions
    module: str
    function: str


encode = msgspec.msgpack.Encoder().encode
decode_setup = msgspec.msgpack.Decoder(Setup).decode
decode_files = msgspec.msgpack.Decoder(list[SourceFile]).decode


def write_frame(pipe: BinaryIO, content: bytes) -> None:
    """Send one frame; BrokenPipeError where nobody reads."""
    rest = memoryview(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
    while rest:
        rest = rest[pipe.write(rest) :]
    pipe.flush()


class Frames:
    """The frames in a stream of bytes that arrive in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """The frames that are complete with this piece."""
        self._buffer += piece
        frames, start = [], 0
        while (end := self._end_of_frame(start)) is not None:
            frames.append(bytes(self._buffer[start + _LENGTH_BYTES : end]))
            start = end
        del self._buffer[:start]
        return frames

    def _end_of_frame(self, start: int) -> int | None:
        body = start + _LENGTH_BYTES
        end = body + int.from_bytes(self._buffer[start:body], "big")
        return end if body <= len(self._buffer) and end <= len(self._buffer) else None


def read_frame(pipe: BinaryIO) -> bytes | None:
    """The next frame, None where the other side has ended."""
    head = _read_exactly(pipe, _LENGTH_BYTES)
    return None if head is None else _read_exactly(pipe, int.from_bytes(head, "big"))


def _read_exactly(pipe: BinaryIO, length: int) -> bytes | None:
    """So many bytes, None where there are fewer; a pipe without a buffer gives less than was asked for."""
    pieces = []
    while length and (piece := pipe.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return None if length else b"".join(pieces)
