"""How problems are printed: as compilers do, as JSON, or as GitHub's workflow commands."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from gqlnews.cli.options import CheckFormat
from gqlnews.content.records import Problem, Severity

Printer = Callable[[Path, Sequence[Problem]], str]


def as_text(folder: Path, problems: Sequence[Problem]) -> str:
    """`content/a.md:3:8: error bad-date: …`, a line each; the path opens from where the command runs."""
    return _lines(
        _printable(f"{folder / p.path}:{_place(p)} {p.severity.lower()} {p.code}: {p.message}")
        for p in problems
    )


def as_json(folder: Path, problems: Sequence[Problem]) -> str:
    """One array of the API's `Problem` objects, in ASCII; their `path` is relative to the folder."""
    rows = [
        msgspec.structs.asdict(p) | {"path": _encodable(p.path), "message": _encodable(p.message)}
        for p in problems
    ]
    return json.dumps(rows) + "\n"


def as_github(folder: Path, problems: Sequence[Problem]) -> str:
    """`::error file=content/a.md,line=3,col=8,title=bad-date::…`, which GitHub shows beside the line.

    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    return _lines(_command(folder, problem) for problem in problems)


PRINTERS: Mapping[CheckFormat, Printer] = {
    CheckFormat.TEXT: as_text,
    CheckFormat.JSON: as_json,
    CheckFormat.GITHUB: as_github,
}


def _command(folder: Path, problem: Problem) -> str:
    kind = "error" if problem.severity is Severity.ERROR else "warning"
    properties = {
        "file": os.path.relpath(folder / problem.path),
        "line": problem.line,
        "col": problem.column,
        "title": problem.code,
    }
    given = ",".join(
        f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None
    )
    return f"::{kind} {given}::{_data(problem.message)}"


def _place(problem: Problem) -> str:
    """`3:8:`, `3:` or nothing, as far as it is known."""
    return "".join(f"{number}:" for number in (problem.line, problem.column) if number is not None)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _data(text: str) -> str:
    """GitHub's escapes for a message."""
    return _encodable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """GitHub's escapes for a property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _printable(text: str) -> str:
    """No control character reaches a terminal, and one problem is one line."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _encodable(text: str) -> str:
    """File names that are no UTF-8 come as surrogates, which no encoder takes."""
    return text.encode("utf-8", "backslashreplace").decode()
