"""The reader for files without anything unusual: yaml-rs, then one check of every type.

It gives up, and the slow reader reads the file, wherever the value could mean something else than the text says:
yaml-rs speaks YAML 1.2, hands out numbers without their text, and knows no positions.
"""

import re
from typing import Any

import msgspec
import yaml_rs

from gqlnews.content.article import article_of
from gqlnews.content.extra import extra_of_values
from gqlnews.content.fence import Fenced
from gqlnews.content.findings import Place
from gqlnews.content.markdown import Rendered
from gqlnews.content.odd import looks_odd
from gqlnews.content.records import Article, Mark, ReadOptions
from gqlnews.content.shapes import RawArticle
from gqlnews.content.slugs import slug_of

_NO_ALIASES = yaml_rs.AliasLimits(0, 0, 0)
_TOP_LINE = re.compile(r"\n(?:([A-Za-z_][A-Za-z0-9_-]*):(?: +(?![&!*#|>%@`])(\S)|(?=[ \n]))|([^ \n#]))")


class _Unsure(Exception):  # noqa: N818  # never leaves this file
    """The position of a value is not plain to see."""


def read_fast(path: str, fenced: Fenced, rendered: Rendered, options: ReadOptions) -> Article | None:
    """The article of a file without problems, None where the slow reader has to look."""
    front = fenced.front
    if looks_odd(front):
        return None
    values = _load(front)
    starts = _top_level(front)
    if values is None or starts is None or list(values) != list(starts):
        return None
    extra = extra_of_values(values)
    if extra is None:
        return None

    def locate(place: Place) -> Mark:
        index = starts[str(place[0])]
        if index is None or len(place) > 1:
            raise _Unsure
        line_start = front.rindex("\n", 0, index) + 1
        return Mark(fenced.first_line + front.count("\n", 0, index), index - line_start + 1)

    try:
        raw = msgspec.convert(values, RawArticle)
        article, findings = article_of(slug_of(path), raw, extra, rendered, options, locate)
    except (msgspec.ValidationError, _Unsure):
        return None
    return article if not findings else None


def _load(front: str) -> dict[str, Any] | None:
    try:
        values = yaml_rs.loads(front, parse_datetime=False, alias_limits=_NO_ALIASES)
    except ValueError:
        return None
    return values if type(values) is dict else None


def _top_level(front: str) -> dict[str, int | None] | None:
    """Each key that begins a line, with the index of the value that begins on that line; None where one is unsure.

    Where these are the document's keys, in order, they stand where they seem to: a line of a quoted text that
    looks like a key would be one too many.
    """
    starts: dict[str, int | None] = {}
    for line in _TOP_LINE.finditer(front):
        key, value, other = line.groups()
        if key is None:
            if other == "-":
                continue
            return None
        if key in starts or (not starts and front[: line.start()].strip()):
            return None
        starts[key] = line.start(2) if value else None
    return starts
