"""Find the file `gqlnews.toml` of a content folder, and read it."""

import os
from pathlib import Path
from typing import NamedTuple

from gqlnews.content.diagnostics import LineIndex, ProblemCode, build_problem, to_problems
from gqlnews.content.models import NO_CONFIG, ContentConfig, ContentProblem
from gqlnews.content.parse_file import read_config_text
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.config_files import config_candidates
from gqlnews.discovery.content_config import ConfigReader


class FoundConfig(NamedTuple):
    """The configuration of a content folder, None if it has mistakes; and the problems that these are.

    `path` is that of the file, None if there is none.
    """

    config: ContentConfig | None
    problems: tuple[ContentProblem, ...] = ()
    path: Path | None = None


def find_config(content: OpenFolder, path: str | None = None) -> FoundConfig:
    """Read the file at `path`, or that of a content folder; without one, the configuration is empty."""
    candidates = [Path(path)] if path else config_candidates(content.path)
    for candidate in candidates:
        if path or os.path.lexists(candidate):
            return _read_config(candidate, os.path.relpath(candidate, os.path.realpath(content.path)))
    return FoundConfig(NO_CONFIG)


def _read_config(path: Path, shown: str) -> FoundConfig:
    try:
        text = _read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
        message = f"The file cannot be read: {reason}."
        return FoundConfig(None, (build_problem(shown, None, ProblemCode.BAD_CONFIG, message),), path)
    reader = ConfigReader(text)
    config, lines = reader.read(), LineIndex(text, 1)
    located = [
        (lines.position(each.offset), ProblemCode.BAD_CONFIG, each.message) for each in reader.mistakes
    ]
    return FoundConfig(config, to_problems(shown, located), path)


def _read_text(path: Path) -> str:
    """Read the file, which no other user may own. Raises OSError or UnicodeDecodeError."""
    with OpenFolder.open(path.parent) as folder, open(folder.open_file(path.name), "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_uid not in {0, os.geteuid()}:
            raise OSError(0, "it belongs to another user, who could change what is served")
        return read_config_text(file)
