"""Fast path for ordinary files: parse with yaml-rs, then validate all types at once.

yaml-rs implements YAML 1.2, and returns values without their source text and position. So this parser returns
None, and the caller uses the strict one, if a value might differ from the strict parser's value.
"""

import re
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import yaml_rs

from gqlnews.content.build_article import build_article
from gqlnews.content.diagnostics import FieldPath, LineIndex, to_problems
from gqlnews.content.field_values import read_fast
from gqlnews.content.front_matter import FrontMatter, extra_from_values
from gqlnews.content.html import RenderedBody
from gqlnews.content.mapping import is_native
from gqlnews.content.models import RAW_FRONT_MATTER, ParseOptions, Position
from gqlnews.content.parse_mapped import MappedFile, Parsed, find_target, parse_mapped
from gqlnews.content.plain_nodes import PlainTree, SourceUnknown
from gqlnews.content.presets.site import find_site
from gqlnews.content.yaml_positions import OffsetUnknown, find_offset
from gqlnews.text_keys import slug_from_path

_NO_ALIASES = yaml_rs.AliasLimits(0, 0, 0)


def parse_fast(
    path: str, front_matter: FrontMatter, rendered: RenderedBody, options: ParseOptions
) -> Parsed | None:
    """Parse a file without errors into its article and warnings; None if the strict parser is needed.

    It is needed for every file with an error, because this parser does not report errors.
    """
    front = front_matter.front
    values = None if needs_strict_parser(front) else _load(front)
    if values is None:
        return None
    parse = _parse_native if is_native(values) else _parse_mapped
    try:
        return parse(path, front_matter, values, rendered, options)
    except (msgspec.ValidationError, OffsetUnknown, SourceUnknown):
        return None


def _parse_mapped(
    path: str,
    front_matter: FrontMatter,
    values: dict[str, Any],
    rendered: RenderedBody,
    options: ParseOptions,
) -> Parsed | None:
    line_index = LineIndex(front_matter.front, front_matter.first_line)
    tree = PlainTree(front_matter.front, values)

    def position(offset: int) -> Position:
        return line_index.position(tree.find_offset(offset))

    file = MappedFile(path, tree.root(), [], position, front_matter.body)
    article, problems = parsed = parse_mapped(file, find_target(path, options), rendered, options)
    return None if article is None and problems else parsed


def _parse_native(
    path: str,
    front_matter: FrontMatter,
    values: dict[str, Any],
    rendered: RenderedBody,
    options: ParseOptions,
) -> Parsed | None:
    front = front_matter.front
    extra = extra_from_values(values, options.fields)
    if extra is None or not _has_only_texts(values.get("authors")):
        return None
    line_index = LineIndex(front, front_matter.first_line)

    def locate(field_path: FieldPath) -> Position:
        return line_index.position(find_offset(front, values, field_path))

    raw = msgspec.convert(values, RAW_FRONT_MATTER)
    authors = find_site(options.sites, path).authors if raw.authors else {}
    slug = slug_from_path(path)
    article, diagnostics = build_article(slug, raw, extra, rendered, options, locate, authors)
    if article is None:
        return None
    if options.fields:
        own = read_fast(values, options.fields, ZoneInfo(options.time_zone), article.base_url)
        if own is None:
            return None
        article = msgspec.structs.replace(article, field_values=own)
    located = [(locate(each.field_path), each.code, each.message) for each in diagnostics]
    return article, to_problems(path, located)


def _has_only_texts(value: Any) -> bool:
    """Return whether all scalars of a value are texts, which the strict parser would read in the same way."""
    if isinstance(value, dict):
        return all(type(key) is str and _has_only_texts(each) for key, each in value.items())
    return (
        all(map(_has_only_texts, value)) if isinstance(value, list) else value is None or type(value) is str
    )


def _load(front: str) -> dict[str, Any] | None:
    try:
        values = yaml_rs.loads(front, parse_datetime=False, alias_limits=_NO_ALIASES)
    except (ValueError, TypeError):  # not YAML, or a mapping as a key
        return None
    return values if type(values) is dict else None


# Checks of the text for front matter that needs the strict parser; in doubt, they choose that parser.


_MAX_CHARACTERS = 128 * 1024
_NUMBER = r"(?:\+|-0|-?(?:0[0-9A-Za-z_]|[0-9]+_))"  # where YAML 1.1 and 1.2 differ, or the value lacks a sign
_NAME = r"(?:[A-Za-z][A-Za-z0-9 .-]*|\"[^\"\\\n]*\")"
_NAMES = rf"\[{_NAME}(?:, *{_NAME})*\] *\n"  # the only flow lists that both read the same way
_PATTERNS = (
    re.compile(rf":\s++(?=[-+0-9#{{\[])(?:#|{_NUMBER}|\{{|(?!{_NAMES})\[)"),
    re.compile(r"\n(?: {60}| *+(?:[\[{]|[-?:]\s+(?:[-?:] |[\[{#])))"),  # deep nesting, or nesting on one line
)
_HINTED_PATTERNS = (  # searched only if the text contains the character
    ("!", re.compile(r"!(?<=[\s\[{,:]!)")),  # tags
    ("&", re.compile(r"&(?<= &)[^ ]")),  # anchors
    ("<", re.compile("<<")),  # merge keys
    ("\\", re.compile(r"\\(?:0|x00|u0000|U0000|u[dD])")),  # NUL; surrogates, which only YAML 1.2 combines
)
_PRINTABLE = bytes({9, 10, 13, *range(ord(" "), ord("~") + 1), *range(128, 256)})
_SPECIAL = (  # UTF-8 patterns, each with one of its bytes as a quick check
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f]")),
    (b"\xa8", re.compile("\u2028".encode())),
    (b"\xa9", re.compile("\u2029".encode())),
    (b"\xef", re.compile("|".join("\ufeff\ufffe\uffff").encode())),
)


def needs_strict_parser(front: str) -> bool:
    """Return whether the parsers may differ on the text, or it may exhaust the fast one's resources."""
    return (
        len(front) > _MAX_CHARACTERS
        or "\t" in front  # YAML 1.2 allows tabs in more places
        or any(pattern.search(front) for pattern in _PATTERNS)
        or any(hint in front and pattern.search(front) for hint, pattern in _HINTED_PATTERNS)
        or _has_special_characters(front)
    )


def _has_special_characters(front: str) -> bool:
    """Return whether the text has characters that are invalid in YAML, or line ends only in YAML 1.1."""
    encoded = front.encode()
    if encoded.translate(None, _PRINTABLE):
        return True
    return not front.isascii() and any(
        hint in encoded and pattern.search(encoded) for hint, pattern in _SPECIAL
    )
