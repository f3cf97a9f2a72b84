"""The blocks of a guide: its fenced code, and the HTML comment that says what each is for."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

FOLDER = Path(__file__).parents[2] / "docs" / "guides"
Kind = Literal["file", "run", "start", "output", "page", "not run"]

_FENCE = re.compile(r"^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (?P<kind>[a-z ]+?)(?:: (?P<argument>.+))? -->")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code: `line` is that of its opening fence in the guide, starting at 1."""

    guide: str
    line: int
    kind: Kind
    argument: str
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"docs/guides/{self.guide}.md:{self.line}"


class UnmarkedBlockError(Exception):
    """A block has no comment on the line above it, or one that docs/guides/README.md does not list."""


def guides() -> list[str]:
    """Return the names of all guides, without the index."""
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")


def read_blocks(guide: str) -> list[Block]:
    """Return the blocks of a guide in their order."""
    text = (FOLDER / f"{guide}.md").read_text("utf-8")
    return [_read_block(guide, text, fence) for fence in _FENCE.finditer(text)]


def _read_block(guide: str, text: str, fence: re.Match[str]) -> Block:
    before = text[: fence.start()].splitlines()
    mark = _MARK.fullmatch(before[-1])
    line = len(before) + 1
    if mark is None or mark["kind"] not in get_args(Kind):
        raise UnmarkedBlockError(f"docs/guides/{guide}.md:{line}: mark the block, see docs/guides/README.md")
    kind = cast("Kind", mark["kind"])
    return Block(guide, line, kind, mark["argument"] or "", fence["language"], fence["text"])
