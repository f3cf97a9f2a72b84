"""Worker process that parses files for its parent, over standard input and output.

It exits at the end of its input, so it never outlives its parent.
"""

import gc
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from gqlnews.content.diagnostics import ProblemCode, build_problem
from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import CommandError, ExhaustedError
from gqlnews.ingest.process_pool import (
    Convert,
    ResultT,
    decode_files,
    decode_setup,
    encode,
    read_frame,
    write_frame,
)

# When memory runs out, the kernel kills the process with the highest score: a worker before a server.
_OOM_SCORE_ADJ_FILE = Path("/proc/self/oom_score_adj")
_OOM_SCORE_ADJ_INCREASE, _MAX_OOM_SCORE_ADJ = 500, 1000


def run(input_pipe: BinaryIO, output_pipe: BinaryIO) -> None:
    """Report the start, then respond to each batch of files with the list of their results."""
    setup_frame = read_frame(input_pipe)
    if setup_frame is None:
        return
    setup = decode_setup(setup_frame)
    folder = OpenFolder(Path(setup.folder), setup.descriptor)
    convert = getattr(import_module(setup.convert_module), setup.convert_function)
    write_frame(output_pipe, b"")  # it has started
    while (batch := read_frame(input_pipe)) is not None:
        results = [parse_and_convert(convert, folder, file, setup.options) for file in decode_files(batch)]
        write_frame(output_pipe, encode(results))


def main() -> None:
    """Run this process as a worker."""
    with suppress(OSError):
        adjustment = int(_OOM_SCORE_ADJ_FILE.read_text()) + _OOM_SCORE_ADJ_INCREASE
        _OOM_SCORE_ADJ_FILE.write_text(str(min(_MAX_OOM_SCORE_ADJ, adjustment)))
    gc.disable()  # the records contain no reference cycles, and the process is short-lived
    try:
        run(sys.stdin.buffer, sys.stdout.buffer)
    except (BrokenPipeError, ExhaustedError):  # the parent has exited, or starts another worker
        sys.exit(1)


# Parse one file in isolation: an unexpected exception becomes a problem of that file.


BUG_MESSAGE = "gqlnews failed to ingest this file"
_MAX_ERROR_LENGTH = 200  # characters of an exception's text in a message


def parse_and_convert(
    convert: Convert[ResultT], folder: Path | OpenFolder, file: SourceFile, options: ParseOptions
) -> ResultT:
    """Parse a file and return `convert(result)`.

    If parsing or `convert` raises, `convert` gets a result with the exception as a problem instead. Raises
    StartupError, such as ExhaustedError, which concerns every file.
    """
    try:
        return convert(parse_file(folder, file, options))
    except CommandError:
        raise
    except Exception as error:
        return convert(unexpected_result(file, error))


def unexpected_result(file: SourceFile, error: Exception) -> ParseResult:
    """Build the result of a file that caused an unexpected exception."""
    text = f"{type(error).__name__}: {error}"[:_MAX_ERROR_LENGTH]
    return failed_result(file, f"{BUG_MESSAGE} ({text}): please report it.")


def failed_result(file: SourceFile, message: str) -> ParseResult:
    """Build the result of a file that could not be parsed because of a crash, a timeout or a bug.

    It has no file times, so that the next scan finds the file changed and it is parsed again.
    """
    source = SourceFile(file.path, file.size, 0, 0)
    return ParseResult(source, None, None, (build_problem(file.path, None, ProblemCode.UNREADABLE, message),))
