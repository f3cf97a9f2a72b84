"""Fast path for ordinary files: parse with yaml-rs, then validate all types at once.

yaml-rs implements YAML 1.2, returns numbers without their source text, and has no positions. So this parser
gives up, and the slow one takes over, if a value could differ from what its text means.
"""

import re
from typing import Any

import msgspec
import yaml_rs

from gqlnews.content.build_article import build_article
from gqlnews.content.diagnostics import FieldPath, LineIndex, to_problems
from gqlnews.content.extra_fields import extra_from_values
from gqlnews.content.front_matter import FrontMatter
from gqlnews.content.markdown import RenderedBody
from gqlnews.content.models import Article, ParseOptions, Position, Problem
from gqlnews.content.raw_models import RawArticle
from gqlnews.content.slugs import slug_of
from gqlnews.content.yaml_fast_guard import needs_strict_parser
from gqlnews.content.yaml_offsets import OffsetUnknown, find_offset

_NO_ALIASES = yaml_rs.AliasLimits(0, 0, 0)
_TOP_LINE = re.compile(r"\n(?! )(?:([A-Za-z_][A-Za-z0-9_-]*):(?: +(?![&!*#|>%@`])(\S)|(?=[ \n]))|([^ \n#]))")
_PREAMBLE = re.compile(r"(?:\n(?:#[^\n]*)?)*")


def parse_fast(
    path: str, fenced: FrontMatter, rendered: RenderedBody, options: ParseOptions
) -> tuple[Article, tuple[Problem, ...]] | None:
    """Parse a file without errors into its article and warnings; return None if the slow parser is needed."""
    front = fenced.front
    values = None if needs_strict_parser(front) else _load(front)
    if values is None:
        return None
    extra = extra_from_values(values)
    if extra is None:
        return None
    places = LineIndex(front, fenced.first_line)
    starts = _top_level_offsets(front, values)

    def locate(place: FieldPath) -> Position:
        start = starts.get(str(place[0]))
        if start is None or len(place) > 1:
            raise OffsetUnknown
        return places.mark(start)

    try:
        raw = msgspec.convert(values, RawArticle)
        article, findings = build_article(slug_of(path), raw, extra, rendered, options, locate)
        if article is None:
            return None
        marked = [
            (places.mark(find_offset(front, values, each.place)), each.code, each.message)
            for each in findings
        ]
        return article, to_problems(path, marked)
    except (msgspec.ValidationError, OffsetUnknown):
        return None


def _load(front: str) -> dict[str, Any] | None:
    try:
        values = yaml_rs.loads(front, parse_datetime=False, alias_limits=_NO_ALIASES)
    except (ValueError, TypeError):  # not YAML, or a mapping as a key
        return None
    return values if type(values) is dict else None


def _top_level_offsets(front: str, values: dict[str, object]) -> dict[str, int]:
    """Map each top-level key with a value on its line to that value's offset; return {} if uncertain.

    The offsets are right if the keys found at line starts equal the document's keys in order: a line of
    quoted text that looks like a key would add an extra one.
    """
    starts: dict[str, int] = {}
    keys: list[str] = []
    for line in _TOP_LINE.finditer(front):
        key, value, other = line.groups()
        if key is None and other == "-":
            continue
        if key is None or not (keys or _PREAMBLE.fullmatch(front, 0, line.start())):
            return {}
        keys.append(key)
        if value:
            starts[key] = line.start(2)
    return starts if keys == list(values) else {}
