"""Find the end of JSX tags, expressions, imports and exports in MDX."""

import re

_TOKEN = re.compile(r"""=>|"[^"]*"|'[^'\n]*'|`[^`]*`|[{}()\[\]<>\n]|[^"'`{}()\[\]<>\n=]+|.""", re.DOTALL)
_MODULE = re.compile(
    r"import\s*(?:[\"'{*]|[\w$]+\s*(?:,|from\b))"
    r"|export\s*(?:[{*]|(?:default|const|let|var|async|function|class|type|interface)\b)"
)
_BLANK_LINE = re.compile(r"[ \t\r]*(?:\n|\Z)")
_STRING_ATTRIBUTE = re.compile(r"""\s([A-Za-z][\w:-]*)=("[^"{}]*"|'[^'{}]*')""")
_TAG_NAME = re.compile(r"<(/?)([A-Za-z][\w.:-]*)?")
_BRACES = {"{": 1, "}": -1}
_BRACKETS = {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}


def tag_name(tag: str) -> str:
    """Return the name of a tag, which is empty for a fragment (`<>`)."""
    name = _TAG_NAME.match(tag)
    return (name[2] or "") if name else ""


def is_component(name: str) -> bool:
    """Return whether a tag name stands for a component or a fragment, not for an HTML element."""
    return not name or name[0].isupper() or "." in name


def plain_tag(tag: str) -> str:
    """Return the tag of an HTML element without the attributes whose value is an expression."""
    if "{" not in tag:
        return tag
    attributes = "".join(f" {name}={value}" for name, value in _STRING_ATTRIBUTE.findall(tag))
    return f"<{tag_name(tag)}{attributes}{'/' if tag.endswith('/>') else ''}>"


Span = tuple[int | None, int]
"""End of a construct, None if there is none, and the position up to which the text was read."""


def find_tag_end(text: str, start: int, limit: int) -> Span:
    """Find the end of the tag at `start`, which must be before `limit`."""
    depth = 0
    for token in _TOKEN.finditer(text, start + 1, limit):
        depth += _BRACES.get(token[0], 0)
        if not depth and token[0] == ">":
            return token.end(), token.end()
        if depth < 0 or (not depth and token[0] == "<"):
            return None, token.end()
    return None, limit


def find_expression_end(text: str, start: int, limit: int) -> Span:
    """Find the end of the expression in braces at `start`, which must be before `limit`."""
    depth = 0
    for token in _TOKEN.finditer(text, start, limit):
        depth += _BRACES.get(token[0], 0)
        if not depth:
            return token.end(), token.end()
    return None, limit


def find_module_end(text: str, start: int, limit: int) -> Span:
    """Find the end of the imports and exports at `start`; there is none if the line is no such statement.

    They end before a blank line outside of brackets; if there is none before `limit`, with their first line.
    """
    if not _MODULE.match(text, start):
        return None, start
    depth = 0
    for token in _TOKEN.finditer(text, start, limit):
        depth += _BRACKETS.get(token[0], 0)
        if token[0] == "\n" and not depth and _BLANK_LINE.match(text, token.end()):
            return token.start(), token.end()
    first_line = text.find("\n", start)
    return first_line if first_line >= 0 else len(text), limit
