"""Worker process that parses files for its parent, over standard input and output.

It exits at the end of its input, so it never outlives its parent.
"""

import gc
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import ExhaustedError
from gqlnews.ingest.framing import decode_files, decode_setup, encode, read_frame, write_frame
from gqlnews.ingest.guarded_parse import result_of

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
