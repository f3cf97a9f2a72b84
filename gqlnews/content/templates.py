"""Remove the template syntax of site generators from Markdown, outside of code.

Removed are Hugo's shortcodes (`{{< >}}`, `{{% %}}`), Liquid and Nunjucks (`{% %}`, `{{ }}`), directives
(`:::`, `::`, `:name{}`), attributes (`{.class}`) and, in MDX, components, expressions, imports and exports.
The text between two tags remains. A shortcode that stands for something known, such as a video, is replaced
by it.

1. pyromark finds the code, which remains as written.
2. One pass finds where each construct starts, outside of code. A function for each kind of construct finds
   its end; if there is none nearby, the construct is text.
3. The pieces are joined twice: to the Markdown to render, and to the prose to search and to count.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import pyromark

from gqlnews.content.jsx import (
    Span,
    find_expression_end,
    find_module_end,
    find_tag_end,
    is_component,
    plain_tag,
    tag_name,
)
from gqlnews.content.shortcodes import NOTHING, Replacement, article_path, code_block, expand

MARKDOWN_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
)


class TemplateFreeText(NamedTuple):
    """Text without template syntax: the Markdown to render, and the prose to search and to count."""

    markdown: str
    prose: str


def remove_templates(text: str, *, is_mdx: bool = False) -> TemplateFreeText:
    """Remove template syntax; with `is_mdx`, JSX instead of shortcodes and Liquid."""
    may_have_templates = is_mdx or "{" in text or "::" in text
    code = _find_code(text) if may_have_templates and _CANDIDATES[is_mdx].search(text) else None
    if code is None:
        return TemplateFreeText(text, text)
    pieces = list(_Remover(text, code, is_mdx=is_mdx).pieces())
    return TemplateFreeText("".join(each.markdown for each in pieces), "".join(each.prose for each in pieces))


# Code, which remains as written.


_FENCED_BLOCK = re.compile(r"^[ \t]*+(`{3,}|~{3,})[^\n]*$.*?(?:^[ \t]*+\1|\Z)", re.MULTILINE | re.DOTALL)


class _Ranges:
    """Ranges of a text in order, which do not overlap."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in ranges]
        self._ends = [end for _, end in ranges]

    def end_of(self, position: int) -> int | None:
        """Return the end of the range that contains `position`, None if none does."""
        index = bisect_right(self._starts, position) - 1
        return self._ends[index] if index >= 0 and position < self._ends[index] else None


def _find_code(text: str) -> tuple[_Ranges, _Ranges] | None:
    """Return the indented code blocks of Markdown, and all other code; None if the text is too complex."""
    indented: list[tuple[int, int]] = []
    other: list[tuple[int, int]] = []
    encoded, done, position = text.encode(), 0, 0
    events = pyromark.events_with_range(text, options=MARKDOWN_OPTIONS)
    for event, span in islice(events, _MAX_EVENTS):
        kind = _code_kind(event)
        if kind:
            position += len(encoded[done : span["start"]].decode())  # spans are in bytes
            code = encoded[span["start"] : span["end"]].decode()
            (indented if kind == "Indented" else other).append((position, position + len(code)))
            done, position = span["end"], position + len(code)
    return (_Ranges(indented), _Ranges(other)) if next(events, None) is None else None


def _code_kind(event: Any) -> object:
    """Return what kind of code an event starts, None for other events."""
    if not isinstance(event, dict):
        return None
    if "Code" in event:
        return "Code"
    start = event.get("Start")
    return start.get("CodeBlock") if isinstance(start, dict) else None


# Constructs.


_MAX_LENGTH = 4_096  # of a tag
_MAX_MDX_LENGTH = 16_384
_MAX_UNCLOSED_READS = 65_536  # characters of MDX that may be read twice, in search of an end
_MAX_CONSTRUCTS = 10_000  # possible constructs in a text; what follows these is text
_MAX_EVENTS = 200_000  # of the Markdown parser; a text with more keeps its template syntax

_CANDIDATES = {  # all alternatives start with a literal character, which makes the search fast
    False: re.compile(r"\{|::|:[A-Za-z]|#[a-z]|<(?:pre|code)\b"),
    True: re.compile(r"\{|::|:[A-Za-z]|#[a-z]|<(?:/?[A-Za-z]|/?>)|import\b|export\b"),
}
_LIQUID = re.compile(r"\{%[-\s]*[A-Za-z/#]")
_SPAN_ATTRIBUTES = re.compile(r"(?<=[\])])\{([.#:][^{}\n]{0,500}|[\w-]+=[^{}\n]{0,500})\}")
_INLINE_DIRECTIVE = re.compile(
    r"(?<![\w:/]):([A-Za-z][\w-]*)(?:\[([^\[\]\n]{0,500})\])?"
    r"\{([^{}\n]{0,2000})\}(?:\[([^\[\]\n]{0,500})\])?"
)
_SLOT = re.compile(r"#[a-z][\w-]*[ \t\r]*$", re.MULTILINE)
_CODE_ELEMENT = re.compile(r"<(pre|code)\b")
_DIRECTIVE = re.compile(
    r"(:{2,})([ \t]*+)(?:([A-Za-z][\w-]*)(\[[^\n]*?\])?(\{[^\n]*\})?([^\n]*)|\{[^\n]*\})?[ \t\r]*$",
    re.MULTILINE,
)
_DIRECTIVE_PROPERTIES = re.compile(r"\r?\n[ \t]*---[ \t]*\r?\n(?:[^\n]*\n){0,50}?[ \t]*---[ \t]*(?=\r?\n|\Z)")
_ATTRIBUTES = re.compile(
    r"""\s*+(?:(?:[#.][^\s"'{};=]+|[:@]?[\w-]+(?:=(?:"[^"]*"|'[^']*'|[^\s"'{};]+))?)(?:\s++|\Z))*""",
    re.ASCII,
)
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_TAG = re.compile(r"[\s-]*([\w./-]*)\s*(.*)", re.DOTALL)
_CLOSERS = {"{{<": ">}}", "{{%": "%}}", "{{": "}}", "{%": "%}"}
_LINE_PREFIX = " \t>*+-.0123456789"  # before the text of a quote or a list item
_MAX_LINE_PREFIX = 200  # longer ones are text
_LITERAL_BLOCKS = frozenset({"raw", "verbatim"})
_ARTICLE_LINKS = frozenset({"ref", "relref", "post_url", "link"})

_Found = tuple[int, Replacement] | None
"""End and replacement of a construct; None if there is no construct after all."""


class _Remover:
    """Removal of template syntax from one text."""

    def __init__(self, text: str, code: tuple[_Ranges, _Ranges], *, is_mdx: bool) -> None:
        self._text = text
        self._is_mdx = is_mdx
        self._candidates = _CANDIDATES[is_mdx]
        self._indented_code, self._code = code
        if is_mdx:  # without indented code, and components may contain fenced code that is not Markdown's
            self._indented_code = _Ranges([])
            self._fenced = _Ranges([match.span() for match in _FENCED_BLOCK.finditer(text)])
        else:
            self._fenced = _Ranges([])
        self._open_directives = 0
        self._never_closed: set[str] = set()
        self._characters_left = len(text) + _MAX_UNCLOSED_READS

    def pieces(self) -> Iterator[Replacement]:
        """Yield the pieces of the text, each as it is or replaced."""
        text = self._text
        position = done = 0
        for _ in range(_MAX_CONSTRUCTS):
            candidate = self._candidates.search(text, position)
            if candidate is None:
                break
            start = candidate.start()
            if code_end := self._end_of_code(start):
                position = code_end
                continue
            found = _FINDERS[text[start]](self, start)
            if found is None:
                position = start + 1
                continue
            end, replacement = found
            if text[start - 1 : start] == "<" and text[end : end + 1] == ">":  # a variable as a link
                start, end = start - 1, end + 1
            yield Replacement(text[done:start], text[done:start])
            yield replacement
            position = done = end
        yield Replacement(text[done:], text[done:])

    def _expand(self, start: int, name: str, parameters: str) -> Replacement:
        """Expand a construct; a block of HTML ends with a blank line, because otherwise it would continue."""
        replacement = expand(name, parameters)
        if replacement is NOTHING or self._line_before(start).strip(_LINE_PREFIX):
            return replacement
        return replacement._replace(markdown=f"{replacement.markdown}\n\n")

    def _line_before(self, start: int) -> str:
        """Return the last characters before `start` on its line."""
        return self._text[max(0, start - _MAX_LINE_PREFIX) : start].rpartition("\n")[2]

    def _end_of_code(self, position: int) -> int | None:
        """Return the end of the code at `position`; in a directive, indented text is no code."""
        return (
            self._code.end_of(position)
            or self._fenced.end_of(position)
            or (None if self._open_directives else self._indented_code.end_of(position))
        )

    # Shortcodes, Liquid, Nunjucks and attributes.

    def _find_brace(self, start: int) -> _Found:
        text = self._text
        if attributes := _SPAN_ATTRIBUTES.match(text, start):
            return (attributes.end(), NOTHING) if _ATTRIBUTES.fullmatch(attributes[1]) else None
        if self._is_mdx:
            end = None if text.startswith("{#", start) else self._find_jsx(find_expression_end, start)
            return None if end is None else (end, NOTHING)
        if text.startswith("{{", start) or _LIQUID.match(text, start):
            return self._find_tag(start)
        return None

    def _find_tag(self, start: int) -> _Found:
        text = self._text
        opener = text[start : start + 3]
        opener = opener if opener in _CLOSERS else opener[:2]
        closer = _CLOSERS[opener]
        content = start + len(opener)
        end = text.find(closer, content, content + _MAX_LENGTH)
        if end < 0 or text.find(opener, content, end) >= 0 or _BLANK_LINE.search(text, content, end):
            return None
        inner, end = text[content:end], end + len(closer)
        if (
            len(opener) > len("{{") and inner.startswith("/*") and inner.endswith("*/")
        ):  # an escaped shortcode
            shown = f"{opener}{inner[2:-2]}{closer}"
            return end, Replacement(shown, shown)
        tag = _TAG.match(inner)
        name, parameters = tag.groups() if tag else ("", "")
        if opener == "{{" and not parameters.startswith("("):
            return end, NOTHING  # a variable
        return self._find_block(start, end, name, parameters) or (
            end,
            article_path(name, parameters)
            if name in _ARTICLE_LINKS
            else self._expand(start, name, parameters),
        )

    def _find_block(self, start: int, end: int, name: str, parameters: str) -> _Found:
        """Find a pair of tags whose content is no Markdown."""
        text = self._text
        if name not in {"highlight", "comment", *_LITERAL_BLOCKS} or name in self._never_closed:
            return None
        closing = re.compile(rf"\{{(?:%|\{{[<%])[\s-]*(?:/\s*|end){name}[\s-]*(?:[>%]\}}\}}|%\}})")
        last = closing.search(text, end)
        if last is None:
            self._never_closed.add(name)
            return None
        content = text[end : last.start()]
        if name == "highlight":
            indentation = self._line_before(start)
            content = code_block(indentation if indentation.isspace() else "", parameters, content)
        return last.end(), NOTHING if name == "comment" else Replacement(content, content)

    # Directives.

    def _find_colon(self, start: int) -> _Found:
        if self._text.startswith("::", start) and not self._line_before(start).strip(" \t"):
            return self._find_directive(start)
        directive = _INLINE_DIRECTIVE.match(self._text, start)
        if directive is None or not _ATTRIBUTES.fullmatch(directive[3]):
            return None
        shown = directive[2] or directive[4] or ""
        expanded = self._expand(start, directive[1], directive[3])
        return directive.end(), Replacement(shown, shown) if expanded is NOTHING else expanded

    def _find_directive(self, start: int) -> _Found:
        directive = _DIRECTIVE.match(self._text, start)
        if directive is None:
            return None
        colons, space, name, label, attributes, title = directive.groups(default="")
        if directive[0].rstrip() == colons:
            if not self._open_directives:
                return None
            self._open_directives -= 1
            return directive.end(), NOTHING
        if colons == "::" and (space or not name or title.strip()):
            return None
        self._open_directives += 1
        properties = _DIRECTIVE_PROPERTIES.match(self._text, directive.end())
        end = properties.end() if properties else directive.end()
        return end, self._expand(start, name, attributes or label)

    def _find_slot(self, start: int) -> _Found:
        slot = _SLOT.match(self._text, start) if self._open_directives else None
        return (slot.end(), NOTHING) if slot and not self._line_before(start).strip(" \t") else None

    # HTML and JSX.

    def _find_angle(self, start: int) -> _Found:
        if code := _CODE_ELEMENT.match(self._text, start):
            return self._find_code_element(code)
        return self._find_element(start)

    def _find_code_element(self, tag: re.Match[str]) -> _Found:
        name = tag[1]
        end = -1 if name in self._never_closed else self._text.find(f"</{name}>", tag.end())
        if end < 0:
            self._never_closed.add(name)
            return None
        code = self._text[tag.start() : end]
        return end, Replacement(code, code)

    def _find_element(self, start: int) -> _Found:
        end = self._find_jsx(find_tag_end, start)
        if end is None:
            return None
        tag = self._text[start:end]
        name = tag_name(tag)
        if is_component(name):
            attributes = tag[1 + len(name) :].removesuffix(">").removesuffix("/")
            return end, NOTHING if tag.startswith("</") else self._expand(start, name, attributes)
        shown = plain_tag(tag)
        return end, Replacement(shown, shown)

    def _find_module(self, start: int) -> _Found:
        end = None if self._line_before(start) else self._find_jsx(find_module_end, start)
        return None if end is None else (end, NOTHING)

    def _find_jsx(self, find_end: Callable[[str, int, int], Span], start: int) -> int | None:
        if self._characters_left < 0:
            return None
        end, read_until = find_end(self._text, start, min(len(self._text), start + _MAX_MDX_LENGTH))
        self._characters_left -= read_until - start
        return end


_FINDERS: dict[str, Callable[[_Remover, int], _Found]] = {
    "{": _Remover._find_brace,
    ":": _Remover._find_colon,
    "#": _Remover._find_slot,
    "<": _Remover._find_angle,
    "i": _Remover._find_module,
    "e": _Remover._find_module,
}
"""Functions by the first character of a construct."""
