"""Split a file into front matter and body.

python-frontmatter's handler defines the fences. Its `split` is not used, because it loses line numbers and
fails on a file whose fence is never closed.
"""

import re
from typing import NamedTuple

from frontmatter.default_handlers import YAMLHandler

_HANDLER = YAMLHandler()
_BOUNDARY = YAMLHandler.FM_BOUNDARY
_LINE_END = re.compile(r"\r\n|\r|\n")


class FrontMatter(NamedTuple):
    """Front matter with `\\n` line ends, and body; `front` starts with the line end of the opening fence.

    `first_line` is the line number of that fence.
    """

    front: str
    first_line: int
    body: str


def split_front_matter(text: str) -> FrontMatter | None:
    """Split the text of a file; return None if it has no front matter or never closes it."""
    if "\r" not in text:
        return _split_front_matter(text)
    fenced = _split_front_matter(text.replace("\r\n", "\n").replace("\r", "\n"))
    if fenced is None:
        return None
    return fenced._replace(body=_last_lines(text, fenced.body.count("\n")))


def opens(text: str) -> bool:
    """Return whether the first line is a fence."""
    return _HANDLER.detect(text.replace("\r", "\n", 1))


def _split_front_matter(text: str) -> FrontMatter | None:
    if not _HANDLER.detect(text):
        return None
    opening = _BOUNDARY.match(text)
    start = opening.end() if opening else 0
    dashes = text.find("\n---", start)
    while dashes >= 0:
        closing = _BOUNDARY.match(text, dashes + 1)
        if closing:
            front = text[start : dashes + 1]
            return FrontMatter(front, 1 + text.count("\n", 0, start), text[closing.end() :])
        dashes = text.find("\n---", dashes + 1)
    return None


def _last_lines(text: str, breaks: int) -> str:
    """Return the end of `text` from the first of its last `breaks` line ends, with line ends unchanged."""
    ends = [end.start() for end in _LINE_END.finditer(text)]
    return text[ends[-breaks] :] if breaks else ""
