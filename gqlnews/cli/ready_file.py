"""The ready file of `gqlnews serve --ready-file`: URLs, articles and problems as JSON, once it serves.

1. Before the server starts, a temporary file beside it shows whether it can be written, and the file of an
   earlier server is removed. So a program that waits for the file does not read an old one.
2. When the server accepts requests, the temporary file is filled and renamed.
3. When the server stops, the file is removed, unless another server has written it meanwhile.
"""

import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from gqlnews.app import ENDPOINT
from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.formatters import format_json
from gqlnews.config.settings import ServerSettings
from gqlnews.content.models import ContentProblem, ProblemSeverity
from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.database.sqlite.damage import translate_errors
from gqlnews.errors import CommandError
from gqlnews.ingest.links import read_problems

MAX_PROBLEMS = 100

Identity = tuple[int, int, int]

WriteReady = Callable[[Mapping[str, Any]], None]
"""Writes the file with these members. Raises CommandError."""


@contextmanager
def open_ready_file(path: Path | None) -> Iterator[WriteReady]:
    """Prepare the file, and remove it at the end of the block; without `path`, nothing is written.

    Raises CommandError if it cannot be written.
    """
    if path is None:
        yield lambda members: None
        return
    with _translate_os_errors(path):
        temporary = _create_temporary(path)
    written: Identity | None = None

    def write(members: Mapping[str, Any]) -> None:
        nonlocal written
        with _translate_os_errors(path):
            temporary.write_text(json.dumps(members) + "\n", "ascii")
            written = _identity(temporary)
            os.replace(temporary, path)

    try:
        yield write
    finally:
        with suppress(OSError):  # the folder was removed, or has become read-only
            temporary.unlink(missing_ok=True)
            if written is not None and _identity(path) == written:
                path.unlink()


def ready_members(
    url: str,
    folder: Path | None,
    articles: int,
    settings: ServerSettings,
    problems: Sequence[ContentProblem],
) -> Mapping[str, Any]:
    """Return the members of the file; `url` is the base URL, `articles` the number that everyone sees."""
    endpoint = url + ENDPOINT
    return {
        "pid": os.getpid(),
        "url": url,
        "endpoint": endpoint,
        "websocket": endpoint.replace("http:", "ws:", 1),
        "explorer": endpoint if settings.explorer else None,
        "reader": f"{url}/" if settings.reader else None,
        "health": f"{url}/health/ready",
        "folder": None if folder is None else str(folder.absolute()),
        "articles": articles,
        **_problem_members(folder or Path(), problems),
    }


def stored_problems(target: IngestTarget) -> list[ContentProblem]:
    """Return the problems in the store."""
    with translate_errors(target.database), closing(connect_to_read(target.database)) as db:
        db.text_factory = str  # for the server, it is bytes
        return read_problems(db)


def _problem_members(folder: Path, problems: Sequence[ContentProblem]) -> Mapping[str, Any]:
    """Count the problems, and return the first ones, errors before warnings."""
    counts = Counter(problem.severity for problem in problems)
    first = sorted(problems, key=lambda problem: problem.severity is not ProblemSeverity.ERROR)  # stable
    return {
        "errors": counts[ProblemSeverity.ERROR],
        "warnings": counts[ProblemSeverity.WARNING],
        "problems": json.loads(format_json(folder, first[:MAX_PROBLEMS])),
    }


def _create_temporary(path: Path) -> Path:
    """Create the temporary file, and remove the file of an earlier server. Raises CommandError, OSError."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise CommandError(f"--ready-file {path} is not a regular file: pass the path of a new file")
    descriptor, temporary = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    path.unlink(missing_ok=True)
    return Path(temporary)


def _identity(path: Path) -> Identity:
    """Identify a file. Its inode alone does not: another file gets it when this one is removed."""
    status = path.lstat()
    return status.st_dev, status.st_ino, status.st_mtime_ns


@contextmanager
def _translate_os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(
            f"--ready-file {path} cannot be written ({error.strerror}): "
            "pass the path of a file in a folder that exists and may be written"
        ) from error
