"""Read the data files of a site: its configuration and its author data, with the limits of content files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gqlnews.content.diagnostics import LineIndex, OffsetDiagnostic, ProblemCode, build_problem
from gqlnews.content.formats import parse_json, parse_toml
from gqlnews.content.front_matter import to_plain
from gqlnews.content.models import ContentProblem, Position
from gqlnews.content.parse_file import read_config_text
from gqlnews.content.presets.settings import ConfigProblem
from gqlnews.content.safe_open import OpenFolder, scan_entries
from gqlnews.content.yaml_strict import FrontMatterSyntaxError, Node, parse_tree


class SiteFile(NamedTuple):
    """Data file; `content` is None if it cannot be read, which is the problem."""

    text: str
    content: Any
    problem: ContentProblem | None = None

    @property
    def values(self) -> Mapping[str, Any] | None:
        """The mapping that is the content, empty if it is none; None if the file cannot be read."""
        is_broken = self.content is None and self.problem is not None
        return self.content if isinstance(self.content, dict) else None if is_broken else {}


@dataclass(slots=True)
class SiteFileReader:
    """Reader of the data files in one folder; `shown` is its path relative to the content folder.

    `problems` collects those of files that count.
    """

    folder: OpenFolder
    path: str
    shown: str
    problems: list[ContentProblem]
    files: dict[str, SiteFile] = field(default_factory=dict)

    def read_file(self, name: str) -> SiteFile:
        if name not in self.files:
            self.files[name] = self._parse_file(name)
        return self.files[name]

    def _parse_file(self, name: str) -> SiteFile:
        text = ""
        try:
            text = self._read_text(name)
            tree, diagnostics = _parse(name, text)
        except OSError as error:
            message = f"The file cannot be read: {error.strerror or error}."
            return SiteFile(text, None, self._problem(name, None, message))
        except UnicodeDecodeError:
            message = "The file is not UTF-8 text: save it as UTF-8."
            return SiteFile(text, None, self._problem(name, None, message))
        except FrontMatterSyntaxError as error:
            return SiteFile(text, None, self._located(name, text, error.diagnostic))
        values = None if tree is None else to_plain(tree)
        serious = [each for each in diagnostics if each.code is not ProblemCode.REPEATED_KEY]
        problem = self._located(name, text, serious[0]) if serious else None
        return SiteFile(text, values, problem)

    def _read_text(self, name: str) -> str:
        """Return the text of a file. Raises OSError or UnicodeDecodeError."""
        with open(self.folder.open_file(self.join(name)), "rb", buffering=0) as file:
            return read_config_text(file)

    def _located(self, name: str, text: str, diagnostic: OffsetDiagnostic) -> ContentProblem:
        message = diagnostic.message.replace("front matter", "file")
        return self._problem(name, LineIndex(text, 1).position(diagnostic.offset), message)

    def _problem(self, name: str, position: Position | None, message: str) -> ContentProblem:
        return build_problem(self.show(name), position, ProblemCode.BAD_CONFIG, message)

    def report_value(self, problem: ConfigProblem, files: list[str]) -> None:
        """Report a value at the first place where a file contains it; one with escapes is nowhere."""
        texts = [(name, self.read_file(name).text) for name in files]
        name, text = next((each for each in texts if problem.value in each[1]), texts[0])
        offset = text.find(problem.value)
        position = LineIndex(text, 1).position(offset) if offset >= 0 else None
        self.problems.append(self._problem(name, position, problem.message))

    def list_names(self, folder: str) -> list[str]:
        """Return the sorted names of what is in a folder; an absent one contains nothing."""
        try:
            descriptor = self.folder.open_folder(self.join(folder))
        except OSError:
            return []
        with scan_entries(descriptor) as entries:
            return sorted(entry.name for entry in entries)

    def exists(self, name: str) -> bool:
        try:
            self.folder.lstat(self.join(name))
        except OSError:
            return False
        return True

    def join(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def show(self, name: str) -> str:
        return f"{self.shown.rstrip('/')}/{name}" if self.shown else name


def _parse(name: str, text: str) -> tuple[Node | None, list[OffsetDiagnostic]]:
    if name.endswith(".toml"):
        return parse_toml(text)
    if name.endswith(".json"):
        return parse_json(text, last_wins=True)
    return parse_tree(text, last_wins=True)
