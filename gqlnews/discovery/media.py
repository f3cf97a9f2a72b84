"""Open an image of the content folder, to serve it."""

from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

from gqlnews.content.image_files import open_regular_file
from gqlnews.content.image_header import read_image_header
from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import raise_if_exhausted


def open_image(folder: Path, path: str) -> tuple[FileIO, str] | None:
    """Open the image at `path`, relative to the folder; return it with its MIME type.

    None if there is no image, whatever its name says. Raises ExhaustedError.
    """
    try:
        content = OpenFolder.open(folder)
    except OSError as error:
        raise_if_exhausted(error)
        return None
    with content, ExitStack() as stack:
        file = open_regular_file(content, path)
        if file is None:
            return None
        stack.enter_context(file)
        with suppress(OSError):  # the disk fails
            if (header := read_image_header(file)) is not None:
                stack.pop_all()
                return file, header.mime_type
    return None
