"""Length-prefixed frames on the pipes to and from parser processes: a length of 4 bytes, then the payload."""

from typing import BinaryIO

import msgspec

from gqlnews.content.models import ParseOptions, Record, SourceFile

_LENGTH_BYTES = 4


class Setup(Record, frozen=True):
    """First frame to a worker: the content folder, the parse options, and the function to apply to outcomes.

    `descriptor` is the file descriptor of the open folder, which the worker inherits.
    """

    folder: str
    descriptor: int
    options: ParseOptions
    module: str
    function: str


encode = msgspec.msgpack.Encoder().encode
decode_setup = msgspec.msgpack.Decoder(Setup).decode
decode_files = msgspec.msgpack.Decoder(list[SourceFile]).decode


def write_frame(pipe: BinaryIO, content: bytes) -> None:
    """Send one frame. Raises BrokenPipeError if the reading end is closed."""
    rest = memoryview(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
    while rest:
        rest = rest[pipe.write(rest) :]
    pipe.flush()


class Frames:
    """Incremental frame decoder for chunks of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """Add a chunk and return the frames that it completes."""
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
    """Read the next frame; return None at the end of the input."""
    head = _read_exactly(pipe, _LENGTH_BYTES)
    return None if head is None else _read_exactly(pipe, int.from_bytes(head, "big"))


def _read_exactly(pipe: BinaryIO, length: int) -> bytes | None:
    """Read `length` bytes, in several reads if needed; return None if the input ends earlier."""
    pieces = []
    while length and (piece := pipe.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return None if length else b"".join(pieces)
