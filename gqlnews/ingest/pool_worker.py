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

from gqlnews.content.diagnostics import ProblemCode, build_problem
from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import ExhaustedError, StartupError
from gqlnews.ingest.process_pool import decode_files, decode_setup, encode, read_frame, write_frame

STARTED = b""
_OOM_SCORE = Path("/proc/self/oom_score_adj")
# When memory runs out, the kernel kills this process before a server.
_OOM_SCORE_INCREASE, _MAX_OOM_SCORE = 500, 1000


def run(requests: BinaryIO, responses: BinaryIO) -> None:
    """Report the start, then respond to each list of files with the list of their results."""
    setup_frame = read_frame(requests)
    if setup_frame is None:
        return
    setup = decode_setup(setup_frame)
    folder = OpenFolder(Path(setup.folder), setup.descriptor)
    convert = getattr(import_module(setup.module), setup.function)
    write_frame(responses, STARTED)
    while (request := read_frame(requests)) is not None:
        files = decode_files(request)
        write_frame(
            responses, encode([parse_and_convert(convert, folder, file, setup.options) for file in files])
        )


def main() -> None:
    """Run this process as a worker."""
    with suppress(OSError):
        _OOM_SCORE.write_text(str(min(_MAX_OOM_SCORE, int(_OOM_SCORE.read_text()) + _OOM_SCORE_INCREASE)))
    gc.disable()  # the records contain no reference cycles, and the process is short-lived
    try:
        run(sys.stdin.buffer, sys.stdout.buffer)
    except (BrokenPipeError, ExhaustedError):  # the parent has exited, or will start a replacement
        sys.exit(1)


# Parse one file in isolation: an unexpected exception becomes a problem of that file.


ResultT = TypeVar("ResultT")
Convert = Callable[[ParseResult], ResultT]
"""A module-level function that converts a parse result; its return annotation must be a plain data type."""

BUG_MESSAGE = "gqlnews failed to parse this file"
_MAX_ERROR_LENGTH = 200  # characters of an exception's text in a message


def parse_and_convert(
    convert: Convert[ResultT], folder: Path | OpenFolder, file: SourceFile, options: ParseOptions
) -> ResultT:
    """Parse a file and apply `convert` to the result; if parsing raises, to a result with that problem."""
    try:
        return convert(parse_file(folder, file, options))
    except StartupError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:_MAX_ERROR_LENGTH]
        return convert(failed_result(file, f"{BUG_MESSAGE} ({text}): please report it."))


def failed_result(file: SourceFile, message: str) -> ParseResult:
    """Build the result of a temporary failure, without file times so that every ingest retries the file."""
    source = SourceFile(file.path, file.size, 0, 0)
    return ParseResult(source, None, None, (build_problem(file.path, None, ProblemCode.UNREADABLE, message),))
