"""Parse one file without letting it fail the others: what goes wrong becomes a problem of that file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gqlnews.content.codes import Code
from gqlnews.content.findings import problem
from gqlnews.content.inside import OpenFolder
from gqlnews.content.read import read_outcome
from gqlnews.content.records import Outcome, ReadOptions, SourceFile
from gqlnews.errors import StartupError

MadeT = TypeVar("MadeT")
Make = Callable[[Outcome], MadeT]
"""A top-level function of a module; its return annotation must be plain data."""

BUG = "gqlnews failed to parse this file"
_LONGEST = 200  # characters of an exception's text


def result_of(make: Make[MadeT], folder: Path | OpenFolder, file: SourceFile, options: ReadOptions) -> MadeT:
    """What `make` returns for the file's outcome; where the parser raises, for an outcome that says so."""
    try:
        return make(read_outcome(folder, file, options))
    except StartupError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:_LONGEST]
        return make(failed(file, f"{BUG} ({text}): please report it."))


def failed(file: SourceFile, message: str) -> Outcome:
    """The outcome of a file for a cause that may pass: without times, so that each ingest tries it again."""
    source = SourceFile(file.path, file.size, 0, 0)
    return Outcome(source, None, None, (problem(file.path, None, Code.UNREADABLE, message),))
