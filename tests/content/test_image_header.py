"""Headers of image files: type and size by content, with bounded work for broken files."""

from io import FileIO
from pathlib import Path

import pytest

from gqlnews.content.image_header import ImageHeader, read_image_header
from tests.images import HTML, SVG, TYPES, gif, jpeg, png


def read(path: Path, data: bytes) -> ImageHeader | None:
    path.write_bytes(data)
    with FileIO(path) as file:
        return read_image_header(file)


@pytest.mark.parametrize("mime_type", TYPES)
def test_type_and_size_are_those_of_the_content(mime_type: str, tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt", TYPES[mime_type](300, 200)) == (mime_type, 300, 200)


def test_a_rotated_photo_has_the_size_in_which_it_is_shown(tmp_path: Path) -> None:
    assert read(tmp_path / "a", jpeg(300, 200, orientation=6)) == ("image/jpeg", 200, 300)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"GIF", HTML, SVG, b"GIF is a format", b"\x89PNG as a text", b"BM" + bytes(60)),
        *(png()[:12], jpeg()[:-12], gif(0, 1), png(2**31, 1), b"II*\0" + bytes(60)),
    ],
    ids=range(12),
)
def test_anything_else_is_no_image(data: bytes, tmp_path: Path) -> None:
    assert read(tmp_path / "a.png", data) is None


def test_of_a_broken_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    class CountingFile(FileIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            return super().read(size)

    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(1_000_000))
    with CountingFile(path) as file:
        assert read_image_header(file) is None
        assert file.reads < 20_000
