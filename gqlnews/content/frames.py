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
