"""Text output of the commands: problems in three formats, and the progress bar."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gqlnews.config.values import CheckFormat
from gqlnews.content.models import ContentProblem, ProblemSeverity

# Problem formatters: compiler-style text, JSON, or GitHub workflow commands.

Formatter = Callable[[Path, Sequence[ContentProblem]], str]


def format_text(folder: Path, problems: Sequence[ContentProblem]) -> str:
    """Format as `content/a.md:3:8: error bad-date: …`, one per line.

    The paths can be opened from the current directory.
    """
    return _lines(
        printable(f"{folder / p.path}:{_location(p)} {p.severity.lower()} {p.code}: {p.message}")
        for p in problems
    )


def format_collapsed(folder: Path, problems: Sequence[ContentProblem]) -> str:
    """Format as `format_text` does, with one line for all problems that have the same code and message."""
    first: dict[tuple[str, str], list[ContentProblem]] = {}
    for problem in problems:
        first.setdefault((problem.code, problem.message), []).append(problem)
    lines = []
    for equal in first.values():
        line = format_text(folder, equal[:1])
        more = f" (and {len(equal) - 1:,} more: --verbose shows them)\n"
        lines.append(line if len(equal) == 1 else line.rstrip("\n") + more)
    return "".join(lines)


def format_json(folder: Path, problems: Sequence[ContentProblem]) -> str:
    """Format as one array of the API's `Problem` objects, in ASCII; each `path` is relative to the folder."""
    rows = [
        msgspec.structs.asdict(p) | {"path": _encodable(p.path), "message": _encodable(p.message)}
        for p in problems
    ]
    return json.dumps(rows) + "\n"


def format_github(folder: Path, problems: Sequence[ContentProblem]) -> str:
    """Format as `::error file=content/a.md,line=3,col=8,title=bad-date::…`, which GitHub shows at the line.

    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    return _lines(_command(folder, problem) for problem in problems)


FORMATTERS: Mapping[CheckFormat, Formatter] = {
    CheckFormat.TEXT: format_text,
    CheckFormat.JSON: format_json,
    CheckFormat.GITHUB: format_github,
}


def _command(folder: Path, problem: ContentProblem) -> str:
    kind = "error" if problem.severity is ProblemSeverity.ERROR else "warning"
    properties = {
        "file": os.path.relpath(folder / problem.path),
        "line": problem.line,
        "col": problem.column,
        "title": problem.code,
    }
    values = ",".join(
        f"{name}={_escape_property(str(value))}" for name, value in properties.items() if value is not None
    )
    return f"::{kind} {values}::{_escape_data(problem.message)}"


def _location(problem: ContentProblem) -> str:
    """Format the known part of the position: `3:8:`, `3:` or nothing."""
    return "".join(f"{number}:" for number in (problem.line, problem.column) if number is not None)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _escape_data(text: str) -> str:
    """Escape a message for GitHub."""
    return _encodable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    """Escape a property value for GitHub."""
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


def format_count(number: int, noun: str) -> str:
    """Format as `1 error` or `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Escape control characters: they must not reach a terminal, and a problem must fit on one line."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _encodable(text: str) -> str:
    """Escape surrogates: Python decodes invalid bytes of file names to these, and cannot encode them."""
    return text.encode("utf-8", "backslashreplace").decode()


# Progress bar, on a terminal only.

OnProgress = Callable[[int, int], None]
"""Called with the number of completed items, and the total."""


@contextmanager
def progress(description: str) -> Iterator[OnProgress | None]:
    """Show a progress bar on standard error during the block; yields None if that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
