"""Type, width and height of an image, from the header of its file.

The type comes from the first bytes, never from the name. Only raster types that browsers show are images:
an SVG is a document, which can contain scripts.
"""

import os
from io import FileIO
from typing import NamedTuple

import filetype
import imagesize
from filetype.types import image

HEAD_BYTES = 262  # as many as `filetype` needs
_MATCHERS = (image.Jpeg(), image.Png(), image.Gif(), image.Webp(), image.Avif())
_MAX_READ_BYTES, _MAX_READS = 256 * 1024, 10_000
_MAX_SIZE = 2**31 - 1  # pixels; an `Int` of GraphQL


class ImageHeader(NamedTuple):
    """Type and size in pixels, as a browser shows the image: the orientation in the header counts."""

    mime_type: str
    width: int
    height: int


def read_image_header(file: FileIO) -> ImageHeader | None:
    """Read the header of an open file, and no pixels; None if it is no image. Raises OSError."""
    file.seek(0)
    kind = filetype.match(file.read(HEAD_BYTES), _MATCHERS)
    if kind is None:
        return None
    width, height = imagesize.get(_BoundedFile(file))
    if not (0 < width <= _MAX_SIZE and 0 < height <= _MAX_SIZE):
        return None
    return ImageHeader(kind.mime, width, height)


class _BoundedFile:
    """Limit how much `imagesize` reads: it looks for the header of a broken file up to its end.

    `imagesize` treats an exception like a broken header.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._bytes, self._reads = _MAX_READ_BYTES, _MAX_READS

    def read(self, size: int = -1) -> bytes:
        self._reads -= 1
        if not 0 <= size <= self._bytes or self._reads < 0:
            raise ValueError("the header is too large")
        self._bytes -= size
        return self._file.read(size) or b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)
