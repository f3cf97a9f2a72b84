"""Reject HTML whose structure would make sanitizing quadratic.

The sanitizer's HTML5 parser takes time quadratic in the nesting depth and in the number of attributes of a
tag, and proportional to open formatting elements (`<b>`) times the paragraphs that repeat them. So the tags
are counted first. HTML that this check does not fully understand must be short.
"""

import re
from collections import Counter

_MAX_TAGS = 50_000
_MAX_TAG_CHARACTERS = 50_000
_MAX_DEPTH = 2_000
_MAX_REPEATED = 500_000
_MAX_UNUSUAL_TAGS = 500
_TOKEN = re.compile(
    r"<!--(?:[^-]|-(?!->))*+-->"
    r"|<(/?)([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])(?:[^\"'<>]|\"[^\"<>]*\"|'[^'<>]*')*+>"
    r"|<"
)
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_NEVER_DEEP = frozenset(
    {
        "area",
        "br",
        "col",
        "dd",
        "dt",
        "embed",
        "hr",
        "img",
        "input",
        "li",
        "link",
        "meta",
        "option",
        "p",
        "source",
        "td",
        "th",
        "tr",
        "wbr",
    }
)
_OTHER_RULES = frozenset(  # inside these elements, tags are text or follow other parsing rules
    {
        "frameset",
        "iframe",
        "math",
        "noembed",
        "noframes",
        "noscript",
        "plaintext",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
        "xmp",
    }
)


def is_safe_to_sanitize(html: str) -> bool:
    """Return whether sanitizing takes well under a second."""
    tags = html.count("<")
    if tags + html.count("&") > _MAX_TAGS:
        return False
    if tags <= _MAX_UNUSUAL_TAGS and len(html) <= _MAX_TAG_CHARACTERS:
        return True
    return _is_plain(html, tags)


def _is_plain(html: str, tags: int) -> bool:
    """Return whether all tags are simple, and nesting and repeated formatting are within the limits."""
    open_now: Counter[str] = Counter()
    depth = formatting = most_formatting = 0
    for token in _TOKEN.finditer(html):
        name = (token[2] or "").lower()
        if token[0] == "<" or name in _OTHER_RULES or len(token[0]) > _MAX_TAG_CHARACTERS:
            return False
        if not name or name in _NEVER_DEEP or (token[1] and not open_now[name]):
            continue
        step = -1 if token[1] else 1
        open_now[name] += step
        depth += step
        formatting += step if name in _FORMATTING else 0
        most_formatting = max(most_formatting, formatting)
        if depth > _MAX_DEPTH:
            return False
    return most_formatting * tags <= _MAX_REPEATED
