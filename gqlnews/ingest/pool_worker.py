"""Worker process that parses files for its parent, over standard input and output.

It exits at the end of its input, so it never outlives its parent.
"""

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, TypeVar

from gqlnews.content.diagnostics import ProblemCode, problem
from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import ExhaustedError, StartupError
from gqlnews.ingest.process_pool import decode_files, decode_setup, encode, read_frame, write_frame

# Parse one file in isolation: an unexpected exception becomes a problem of that file.


MadeT = TypeVar("MadeT")
Make = Callable[[ParseResult], MadeT]
"""A module-level function that converts an outcome; its return annotation must be a plain data type."""

BUG = "gqlnews failed to parse this file"
_LONGEST = 200  # characters of an exception's text in a message


def result_of(make: Make[MadeT], folder: Path | OpenFolder, file: SourceFile, options: ParseOptions) -> MadeT:
    """Parse a file and apply `make` to the outcome; if parsing raises, to an outcome with that problem."""
    try:
        return make(parse_file(folder, file, options))
    except StartupError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:_LONGEST]
        return make(failed(file, f"{BUG} ({text}): please report it."))


def failed(file: SourceFile, message: str) -> ParseResult:
    """Build the outcome of a temporary failure, without file times so that every ingest retries the file."""
    source = SourceFile(file.path, file.size, 0, 0)
    return ParseResult(source, None, None, (problem(file.path, None, ProblemCode.UNREADABLE, message),))


STARTED = b""
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_MORE, _MOST = 500, 1000  # when memory runs out, the kernel kills this process before a server


def work(requests: BinaryIO, answers: BinaryIO) -> None:
    """Report the start, then respond to each list of files with the list of their results."""
    first = read_frame(requests)
    if first is None:
        return
    setup = decode_setup(first)
    folder = OpenFolder(Path(setup.folder), setup.descriptor)
    make = getattr(import_module(setup.module), setup.function)
    write_frame(answers, STARTED)
    while (request := read_frame(requests)) is not None:
        files = decode_files(request)
        write_frame(answers, encode([result_of(make, folder, file, setup.options) for file in files]))


def main() -> None:
    """Run this process as a worker."""
    with suppress(OSError):
        _OOM_SCORE.write_text(str(min(_MOST, int(_OOM_SCORE.read_text()) + _MORE)))
    gc.disable()  # the records contain no reference cycles, and the process is short-lived
    try:
        work(sys.stdin.buffer, sys.stdout.buffer)
    except (BrokenPipeError, ExhaustedError):  # the parent has exited, or will start a replacement
        sys.exit(1)
