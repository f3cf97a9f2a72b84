"""Small image files of each type that browsers show, made byte by byte."""

import struct
import zlib
from collections.abc import Callable

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


def png(width: int = 3, height: int = 2, padding: int = 0) -> bytes:
    """Return a black image, followed by bytes that no decoder reads."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (width + 1) * height) if width * height < 1_000_000 else b""
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_png_chunk, *zip(*chunks, strict=True))) + b"x" * padding


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gif(width: int = 3, height: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b";"


def jpeg(width: int = 3, height: int = 2, orientation: int = 1) -> bytes:
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8" + _segment(0xE1, b"Exif\0\0" + tiff) + _segment(0xC0, frame) + b"\xff\xd9"


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def webp(width: int = 3, height: int = 2) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def avif(width: int = 3, height: int = 2) -> bytes:
    size = _box(b"ispe", struct.pack(">III", 0, width, height))
    associations = _box(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 1))
    properties = _box(b"iprp", _box(b"ipco", size) + associations)
    primary = _box(b"pitm", struct.pack(">IH", 0, 1))
    return _box(b"ftyp", b"avif\0\0\0\0avifmif1") + _box(b"meta", bytes(4) + primary + properties)


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


TYPES: dict[str, Callable[[int, int], bytes]] = {
    "image/png": png,
    "image/gif": gif,
    "image/jpeg": jpeg,
    "image/webp": webp,
    "image/avif": avif,
}
