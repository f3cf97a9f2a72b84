"""Problem formatters: like a compiler's messages, as JSON, or as GitHub workflow commands."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from gqlnews.cli.options import CheckFormat
from gqlnews.content.models import Problem, Severity

Printer = Callable[[Path, Sequence[Problem]], str]


def format_text(folder: Path, problems: Sequence[Problem]) -> str:
    """Format as `content/a.md:3:8: error bad-date: …`, one per line.

    The paths can be opened from the current directory.
    """
    return _lines(
        _printable(f"{folder / p.path}:{_location(p)} {p.severity.lower()} {p.code}: {p.message}")
        for p in problems
    )


def format_json(folder: Path, problems: Sequence[Problem]) -> str:
    """Format as one array of the API's `Problem` objects, in ASCII; each `path` is relative to the folder."""
    rows = [
        msgspec.structs.asdict(p) | {"path": _encodable(p.path), "message": _encodable(p.message)}
        for p in problems
    ]
    return json.dumps(rows) + "\n"


def format_github(folder: Path, problems: Sequence[Problem]) -> str:
    """Format as `::error file=content/a.md,line=3,col=8,title=bad-date::…`, which GitHub shows at the line.

    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    return _lines(_command(folder, problem) for problem in problems)


PRINTERS: Mapping[CheckFormat, Printer] = {
    CheckFormat.TEXT: format_text,
    CheckFormat.JSON: format_json,
    CheckFormat.GITHUB: format_github,
}


def _command(folder: Path, problem: Problem) -> str:
    kind = "error" if problem.severity is Severity.ERROR else "warning"
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


def _location(problem: Problem) -> str:
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


def _printable(text: str) -> str:
    """Escape control characters: they must not reach a terminal, and a problem must fit one line."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _encodable(text: str) -> str:
    """Escape surrogates, which stand for undecodable bytes in file names and cannot be encoded."""
    return text.encode("utf-8", "backslashreplace").decode()
