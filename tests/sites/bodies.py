"""What a body says before it is rendered: first heading, summary, first paragraph, first image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST = 300
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MORE = re.compile(r"<!--\s*(?:more|truncate)\s*-->|\{/\*\s*(?:more|truncate)\s*\*/\}")
FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?^[ \t]*\1[`~]*[ \t]*$", re.M | re.S)
FIGURE = re.compile(r"\{\{[<%]\s*figure\s+(.*?)\s*/?[>%]\}\}", re.S)
ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
TEMPLATES = (
    re.compile(r"\{%-?\s*(comment|highlight|raw)\b.*?%\}.*?\{%-?\s*end\1\s*-?%\}", re.S),  # Liquid, Nunjucks
    re.compile(r"\{\{[<%].*?[>%]\}\}", re.S),  # Hugo
    re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S),  # Liquid, Nunjucks, Zola
    re.compile(
        r"(?<=^)[ \t]*:{2,}[\w-]+[^\n]*\n[ \t]*---\n.*?\n[ \t]*---$", re.M | re.S
    ),  # a directive's own YAML
    re.compile(r"^[ \t]*:{2,}[^\n]*$", re.M),  # directives
    re.compile(r"(?<!\S):[a-z][\w-]*(?:\[[^\]\n]*\])?\{[^{}\n]*\}"),  # one within a line
    re.compile(r"(?<=[\])])\{[^{}\n]*\}"),  # attributes of links and images
)
MODULE_LINES = re.compile(
    r"^import\s(?:[^;]*?\sfrom\s)?\s*['\"][^'\"\n]+['\"];?[ \t]*$|^export\s.*?(?=\n\s*\n|\Z)", re.M | re.S
)
FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")
COMMENT = re.compile(r"<!--(?!\s*more\s*-->).*?-->", re.S)
IMAGE_TAG = re.compile(r"""<img\b[^>]*?\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'{>]+))""", re.I | re.S)


def prepared(body: str, suffix: str) -> str:
    """Remove what only a generator understands; a `figure` becomes the image that it stands for."""
    pieces: list[str] = []
    last = 0
    for code in FENCED.finditer(body):
        pieces += [without_templates(body[last : code.start()], suffix), code[0]]
        last = code.end()
    return "".join([*pieces, without_templates(body[last:], suffix)])


def without_templates(text: str, suffix: str) -> str:
    if suffix == ".mdx":
        text = unwrap(MODULE_LINES.sub("", text))
    text = FIGURE.sub(as_image, text)
    for pattern in TEMPLATES:
        text = pattern.sub("", text)
    return text


def as_image(figure: re.Match[str]) -> str:
    attributes = {found[1]: found[2] or found[3] or "" for found in ATTRIBUTE.finditer(figure[1])}
    return f"![{attributes.get('alt', '')}](<{attributes['src']}>)" if attributes.get("src") else ""


def unwrap(text: str) -> str:
    """Remove the tags of components, and expressions in braces; what they contain stays."""
    kept: list[str] = []
    position = 0
    while position < len(text):
        rest = text[position:]
        if re.match(r"</?[A-Z]|<>|</>", rest):
            position += end_of(rest, "<", ">")
        elif rest[0] == "{":
            position += end_of(rest, "{", "}")
        elif rest[0] == "`":  # code is no expression
            code = re.match(r"(`+)[^`].*?\1(?!`)|`+", rest, re.S)
            assert code is not None
            kept.append(code[0])
            position += code.end()
        else:
            kept.append(rest[0])
            position += 1
    return "".join(kept)


def end_of(text: str, opening: str, closing: str) -> int:
    """Return the length of the tag or expression that the text begins with; quotes and braces nest."""
    depth = 0
    quote = ""
    for number, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'`" and (opening == "<" or depth > 0):
            quote = letter
        elif letter == "{" or (letter == opening and number == 0):
            depth += 1
        elif (
            (letter == "}" and opening == "{")
            or (letter == "}" and depth > 1)
            or (letter == closing and depth == 1)
        ):
            depth -= 1
            if depth == 0:
                return number + 1
    return 1


def first_heading(body: str) -> str | None:
    """Return the text of the first heading of the first level."""
    tokens = MARKDOWN.parse(body)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h1" and (text := text_of_inline(inline)):
            return text
    return None


def excerpt_of(body: str, suffix: str) -> tuple[str | None, str]:
    """Return the excerpt, and whether it is the text before the mark or the first paragraph.

    Only paragraphs of the text itself count, not those of lists, quotations or raw HTML; a cut has no mark.
    """
    mark = MORE.search(body)
    if mark and (text := " ".join(paragraphs(prepared(body[: mark.start()], suffix)))):
        return text, "more"
    for text in paragraphs(prepared(body, suffix)):
        return shortened(text), "paragraph"
    return None, "none"


def shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    words = text[: LONGEST + 1].rsplit(" ", 1)
    return words[0] if len(words) > 1 else text[:LONGEST]


def paragraphs(body: str) -> Iterator[str]:
    tokens = MARKDOWN.parse(body)
    for opening, inline in pairwise(tokens):
        if opening.type == "paragraph_open" and opening.level == 0 and (text := text_of_inline(inline)):
            yield text


def text_of_inline(inline: Token) -> str:
    """Join the text of a block; images and HTML tags are no text."""
    parts: list[str] = []
    for token in inline.children or []:
        if token.type in {"text", "code_inline", "text_special"}:
            parts.append(token.content if token.type == "code_inline" else FOOTNOTE.sub("", token.content))
        elif token.type in {"softbreak", "hardbreak"} or token.content.lower().startswith("<br"):
            parts.append(" ")
    return " ".join("".join(parts).split())


def first_image(body: str) -> str | None:
    """Return the source of the first image, in Markdown or HTML."""
    for token in MARKDOWN.parse(COMMENT.sub("", body)):
        for part in [token, *(token.children or [])]:
            if part.type == "image":
                return str(part.attrs["src"]) or None
            if part.type in {"html_block", "html_inline"} and (found := IMAGE_TAG.search(part.content)):
                return unescape(found[1] or found[2] or found[3])
    return None
