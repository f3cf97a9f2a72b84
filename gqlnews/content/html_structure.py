"""Reject HTML whose structure would make sanitizing quadratic, and remove elements that prevent the check."""

import re
from collections import Counter

# The sanitizer's HTML5 parser takes time quadratic in the nesting depth and in the number of attributes of a
# tag, and proportional to open formatting elements (`<b>`) times the paragraphs that repeat them. So the tags
# are counted first. HTML that this check cannot analyze is accepted only if it is short.


_MAX_TAGS = 50_000  # tags and character references
_MAX_UNCHECKED_LENGTH, _MAX_UNCHECKED_TAGS = 50_000, 500  # of HTML whose structure is not checked
_MAX_TAG_LENGTH = 50_000
_MAX_DEPTH = 2_000
_MAX_REPEATED_FORMATTING = 500_000  # open formatting elements, multiplied by the number of tags
_TOKEN = re.compile(
    r"<!--(?s:.*?)-->"
    r"|<(/?)([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])[^\"'<>]*+(?:(?:\"[^\"<>]*\"|'[^'<>]*')[^\"'<>]*+)*>"
    r"|<"
)
_FORMATTING_ELEMENTS = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_NON_NESTING_ELEMENTS = frozenset(
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
_SPECIAL_ELEMENTS = frozenset(  # inside these elements, tags are text or follow other parsing rules
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
    return _has_few_tags(html) and (_is_short(html) or _has_simple_structure(html))


def simplify(html: str) -> str | None:
    """Return HTML that is safe to sanitize; None if only a change of its structure would make it so.

    From long HTML, elements whose content follows other parsing rules, such as scripts, are removed, and the
    content of iframes, which browsers do not show.
    """
    if not _has_few_tags(html):
        return None
    if _is_short(html) or _has_simple_structure(html):
        return html
    simple = _remove_special_elements(html)
    return simple if _has_simple_structure(simple) else None


def _has_few_tags(html: str) -> bool:
    return html.count("<") + html.count("&") <= _MAX_TAGS


def _is_short(html: str) -> bool:
    return len(html) <= _MAX_UNCHECKED_LENGTH and html.count("<") <= _MAX_UNCHECKED_TAGS


_ANGLE_BRACKET = re.compile("[<>]")
_SPECIAL_NAMES = "|".join(sorted(_SPECIAL_ELEMENTS))
_SPECIAL_TAG = re.compile(
    rf"<!--(?s:.*?)-->|<(/?)({_SPECIAL_NAMES})(?=[\s/>])"
    r"([^\"'<>]*+(?:(?:\"[^\"]*\"|'[^']*')[^\"'<>]*+)*)(>?)",
    re.IGNORECASE,
)


def _remove_special_elements(html: str) -> str:
    """Remove the special elements, but only the tag if the end tag is missing; empty the iframes."""
    pieces: list[str] = []
    never_closed: set[str] = set()
    position = done = 0
    while tag := _SPECIAL_TAG.search(html, position):
        is_end, name, attributes, closed = tag.groups()
        position = tag.end()
        if name is None:  # a comment
            continue
        if not closed:
            break
        pieces.append(html[done : tag.start()])
        name = name.lower()
        if not is_end and name not in never_closed:
            end_tag = re.compile(rf"</{name}(?:\s[^<>]*)?>", re.IGNORECASE).search(html, position)
            if end_tag is None:
                never_closed.add(name)
            else:
                position = end_tag.end()
                if name == "iframe" and not _ANGLE_BRACKET.search(attributes):
                    pieces.append(f"<iframe{attributes}></iframe>")
        done = position
    return "".join((*pieces, html[done:]))


def _has_simple_structure(html: str) -> bool:
    """Return whether all tags follow the usual rules, and nesting and formatting are within the limits."""
    open_tags: Counter[str] = Counter()
    depth = formatting = max_formatting = 0
    for token in _TOKEN.finditer(html):
        name = (token[2] or "").lower()
        if token[0] == "<" or len(token[0]) > _MAX_TAG_LENGTH or not _is_ordinary(name, token):
            return False
        if not name or name in _NON_NESTING_ELEMENTS or (token[1] and not open_tags[name]):
            continue
        step = -1 if token[1] else 1
        open_tags[name] += step
        depth += step
        formatting += step if name in _FORMATTING_ELEMENTS else 0
        max_formatting = max(max_formatting, formatting)
        if depth > _MAX_DEPTH:
            return False
    return max_formatting * html.count("<") <= _MAX_REPEATED_FORMATTING


def _is_ordinary(name: str, token: re.Match[str]) -> bool:
    """Return whether the tag follows the usual rules; those of an empty iframe do."""
    if name == "iframe":
        return bool(token[1]) or token.string.startswith("</iframe>", token.end())
    return name not in _SPECIAL_ELEMENTS
