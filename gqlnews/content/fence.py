"""Where the front matter of a file begins and ends.

python-frontmatter's handler says what a fence is. Its `split` is not used: it loses the place of what it
splits, and fails on a file whose fence is never closed.
"""

import re
from typing import NamedTuple

from frontmatter.default_handlers import YAMLHandler

_HANDLER = YAMLHandler()
_BOUNDARY = YAMLHandler.FM_BOUNDARY
_LINE_END = re.compile(r"\r\n|\r|\n")


class Fenced(NamedTuple):
    """`front` has `\\n` line ends and begins with that of the opening fence, which is line `first_line`."""

    front: str
    first_line: int
    body: str


def unfence(text: str) -> Fenced | None:
    """The parts of a file's text, None where no front matter opens and closes."""
    if "\r" not in text:
        return _unfence(text)
    fenced = _unfence(text.replace("\r\n", "\n").replace("\r", "\n"))
    if fenced is None:
        return None
    return fenced._replace(body=_last_lines(text, fenced.body.count("\n")))


def opens(text: str) -> bool:
    """Whether the first line is a fence."""
    return _HANDLER.detect(text.replace("\r", "\n", 1))


def _unfence(text: str) -> Fenced | None:
    if not _HANDLER.detect(text):
        return None
    opening = _BOUNDARY.match(text)
    start = opening.end() if opening else 0
    dashes = text.find("\n---", start)
    while dashes >= 0:
        closing = _BOUNDARY.match(text, dashes + 1)
        if closing:
            front = text[start : dashes + 1]
            return Fenced(front, 1 + text.count("\n", 0, start), text[closing.end() :])
        dashes = text.find("\n---", dashes + 1)
    return None


def _last_lines(text: str, breaks: int) -> str:
    """The end of `text` from just before the last `breaks` line ends, these included, as written."""
    ends = [end.start() for end in _LINE_END.finditer(text)]
    return text[ends[-breaks] :] if breaks else ""
