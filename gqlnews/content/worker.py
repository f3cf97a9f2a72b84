"""A process that reads files for another, over its standard input and output.

It ends when its input does, and so never outlives who started it.
"""

import gc
import sys
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from gqlnews.content.frames import decode_files, decode_setup, encode, read_frame, write_frame
from gqlnews.content.inside import OpenFolder
from gqlnews.content.read import read_outcome


def work(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each list of files with the list of what is made of their outcomes, until there are no more."""
    first = read_frame(requests)
    if first is None:
        return
    setup = decode_setup(first)
    folder = OpenFolder(Path(setup.folder), setup.descriptor)
    make = getattr(import_module(setup.module), setup.function)
    while (request := read_frame(requests)) is not None:
        files = decode_files(request)
        write_frame(answers, encode([make(read_outcome(folder, file, setup.options)) for file in files]))


def main() -> None:
    """Run this process as a worker."""
    gc.disable()  # the records hold no cycles, and the process is short-lived
    try:
        work(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:  # who asked has ended
        sys.exit(1)
