"""Parse one file in isolation: an unexpected exception becomes a problem of that file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gqlnews.content.diagnostics import problem
from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.content.problem_codes import ProblemCode
from gqlnews.content.safe_open import OpenFolder
from gqlnews.errors import StartupError

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
