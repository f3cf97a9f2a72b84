"""Render Markdown to sanitized HTML, and sanitize HTML embeds."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from html import escape, unescape
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import nh3
import pyromark

# Markdown bodies.
#
# Anchors are inserted after the HTML is sanitized, because only then every tag is well-formed and has its
# attributes in double quotes.


_WORDS_PER_MINUTE = 240
_MARKDOWN_OPTIONS = (
    pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_FOOTNOTES | pyromark.Options.ENABLE_STRIKETHROUGH
)
_TAG = re.compile(r'<(/?)([a-z0-9]+)(?:[^"<>]|"[^"]*")*+>')
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


class BodyHeading(msgspec.Struct):
    """Heading as the API returns it."""

    level: int
    text: str
    anchor: str


class RenderedBody(NamedTuple):
    """Rendered body; `body`, `html` and `minutes` are None if the body is blank.

    `degraded_to_text` is set if the HTML was too complex to sanitize; `html` then shows the Markdown source.
    """

    body: str | None
    html: str | None
    headings: list[BodyHeading]
    words: int
    minutes: int | None
    degraded_to_text: bool = False


_EMPTY = RenderedBody(None, None, [], 0, None)


def render(source: str) -> RenderedBody:
    """Render the Markdown text below the front matter."""
    body = strip_blank_lines(source)
    if not body:
        return _EMPTY
    words = len(body.split())
    minutes = -(-words // _WORDS_PER_MINUTE)
    unsafe = pyromark.html(body, options=_MARKDOWN_OPTIONS)
    if not is_safe_to_sanitize(unsafe):
        return RenderedBody(body, f"<pre>{escape(body)}</pre>", [], words, minutes, degraded_to_text=True)
    html, headings = _insert_anchors(nh3.clean(unsafe))
    return RenderedBody(body, html, headings, words, minutes)


def strip_blank_lines(text: str) -> str:
    """Remove blank lines at the start and the end of `text`, and the line end of its last line.

    The first line's indentation and the last line's trailing spaces remain.
    """
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    if start >= end:
        return ""
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    tail = text[end:]
    return text[first : end + len(tail) - len(tail.lstrip(" \t"))] if tail else text[first:]


def _insert_anchors(html: str) -> tuple[str, list[BodyHeading]]:
    headings: list[BodyHeading] = []
    pieces: list[str] = []
    used: dict[str, int] = {}
    done = 0
    opened: tuple[str, int, int] | None = None
    for tag in _TAG.finditer(html):
        name = tag[2]
        if name not in _HEADINGS:
            continue
        if not tag[1]:
            opened = (name, tag.start(), tag.end())
        elif opened is not None and opened[0] == name:
            inside = html[opened[2] : tag.start()]
            text = " ".join(unescape(_TAG.sub("", inside)).split())
            heading = BodyHeading(int(name[1]), text, _unique_anchor(text, used))
            headings.append(heading)
            pieces += (
                html[done : opened[1]],
                f'<{name} id="{heading.anchor}"',
                html[opened[1] + 3 : opened[2]],
            )
            done = opened[2]
            opened = None
    pieces.append(html[done:])
    return "".join(pieces), headings


def _unique_anchor(text: str, used: dict[str, int]) -> str:
    """Build a unique anchor as GitHub does: lower case, no punctuation, hyphens for spaces.

    Repeated anchors get the suffix `-1`, `-2`, …; `used` maps each anchor to the last number tried after it.
    """
    words = _NOT_IN_ANCHOR.sub("", unicodedata.normalize("NFC", text).lower())
    stem = words.replace(" ", "-") or "section"
    anchor, number = stem, used.get(stem, 0)
    while anchor in used:
        number += 1
        anchor = f"{stem}-{number}"
    used[stem] = number
    used[anchor] = used.get(anchor, 0)
    return anchor


# HTML embeds (`featuredContent`).
#
# An iframe loses all attributes except known ones with harmless values. A host that serves more than video
# players, such as YouTube, is limited to the paths of its player, because it also has open redirects: paths
# that redirect to any site.


_PLAYER_FEATURES = frozenset({"autoplay", "encrypted-media", "fullscreen", "picture-in-picture"})
"""Browser features that a video player needs; excludes cameras, clipboard, payments and sensors."""

_PERMITTED_ORIGINS = frozenset({"*", "'src'"})
"""Origins that a directive may list: any, or that of the iframe's `src`; others do not concern a player."""

_YOUTUBE = re.compile(r"/embed(?:/[\w&=-]+)?/?", re.ASCII)
_VIMEO = re.compile(r"/video/[\w&=-]+/?", re.ASCII)
_PLAYER_PATHS = {
    "youtube.com": _YOUTUBE,
    "www.youtube.com": _YOUTUBE,
    "m.youtube.com": _YOUTUBE,
    "youtube-nocookie.com": _YOUTUBE,
    "www.youtube-nocookie.com": _YOUTUBE,
    "player.vimeo.com": _VIMEO,
}
"""Allowed paths by host; a host that is not listed may serve any path."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HTML_SPACE = " \t\n\r\f"
_CSS_LENGTH = re.compile(r"\d{1,4}(?:\.\d{1,3})?(?:px|%)?", re.ASCII)

_IFRAME = re.compile(r'<iframe((?: [a-z-]+="[^"]*")*+)>.*?</iframe>', re.DOTALL)
_SOURCE = re.compile(r'(?: [a-z-]+="[^"]*")*? src="')


def sanitize_embed(source: str, iframe_hosts: tuple[str, ...]) -> str | None:
    """Sanitize an embed; return None if nothing remains.

    Harmless elements (`nh3.ALLOWED_TAGS`) remain, and iframes whose `src` is an https URL of an allowed host.
    """
    return _IFRAME.sub(_strip_iframe_content, _build_cleaner(iframe_hosts).clean(source)).strip() or None


def _strip_iframe_content(iframe: re.Match[str]) -> str:
    """Remove the content of an iframe, which browsers do not show; without `src`, remove the iframe too."""
    attributes = iframe[1]
    return f"<iframe{attributes}></iframe>" if _SOURCE.match(attributes) else ""


@cache
def _build_cleaner(iframe_hosts: tuple[str, ...]) -> nh3.Cleaner:
    def filter_attribute(tag: str, attribute: str, value: str) -> str | None:
        if tag != "iframe":
            return value
        if attribute == "src":
            return value if _is_allowed(value, iframe_hosts) else None
        return _ATTRIBUTE_FILTERS[attribute](value) if attribute in _ATTRIBUTE_FILTERS else value

    return nh3.Cleaner(
        tags=nh3.ALLOWED_TAGS | {"iframe"},
        attributes={
            **nh3.ALLOWED_ATTRIBUTES,
            "iframe": {"src", "title", "allowfullscreen", "sandbox", *_ATTRIBUTE_FILTERS},
        },
        attribute_filter=filter_attribute,
    )


def _is_allowed(source: str, iframe_hosts: tuple[str, ...]) -> bool:
    url = source.strip(_HTML_SPACE)
    if _CONTROL.search(url):  # browsers ignore control characters, other URL parsers do not
        return False
    try:
        parts = urlsplit(url)
    except ValueError:  # not a URL
        return False
    host = parts.netloc.lower()  # includes user and port, so a URL with these matches no host
    if parts.scheme != "https" or host not in iframe_hosts:
        return False
    paths = _PLAYER_PATHS.get(host)
    return paths is None or paths.fullmatch(parts.path) is not None


def _filter_permissions_policy(policy: str) -> str | None:
    """Reduce a permissions policy to features that a player needs, without directives for other origins.

    Returns None if no directive remains.
    """
    directives = [each for each in (part.strip() for part in policy.split(";")) if each]
    features = [name for name in map(_filter_directive, directives) if name]
    return policy if features == directives else "; ".join(features) or None


def _filter_directive(directive: str) -> str | None:
    """Return the feature name of a permitted directive, else None."""
    name, *origins = directive.split()
    return name if name in _PLAYER_FEATURES and _PERMITTED_ORIGINS.issuperset(origins) else None


def _build_filter(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    """Build a filter that removes an attribute unless its value matches `pattern`."""
    return lambda value: value if pattern.fullmatch(value.strip(_HTML_SPACE)) else None


_ATTRIBUTE_FILTERS: dict[str, Callable[[str], str | None]] = {
    "allow": _filter_permissions_policy,
    "width": _build_filter(_CSS_LENGTH),
    "height": _build_filter(_CSS_LENGTH),
    "frameborder": _build_filter(re.compile(r"[01]|no|yes", re.IGNORECASE)),
    "loading": _build_filter(re.compile(r"lazy|eager", re.IGNORECASE)),
    # `unsafe-url` and `no-referrer-when-downgrade` send the path and query of the page to another site.
    "referrerpolicy": _build_filter(
        re.compile(
            r"no-referrer|same-origin|origin|strict-origin|(?:strict-)?origin-when-cross-origin",
            re.IGNORECASE,
        )
    ),
}


# Rejection of HTML whose structure would make sanitizing quadratic.
#
# The sanitizer's HTML5 parser takes time quadratic in the nesting depth and in the number of attributes of a
# tag, and proportional to open formatting elements (`<b>`) times the paragraphs that repeat them. So the tags
# are counted first. HTML that this check cannot analyze is accepted only if it is short.


_MAX_TAGS = 50_000  # tags and character references
_MAX_UNCHECKED_LENGTH, _MAX_UNCHECKED_TAGS = 50_000, 500  # of HTML whose structure is not checked
_MAX_TAG_LENGTH = 50_000
_MAX_DEPTH = 2_000
_MAX_REPEATED_FORMATTING = 500_000  # open formatting elements, multiplied by the number of tags
_TOKEN = re.compile(
    r"<!--(?:[^-]|-(?!->))*+-->"
    r"|<(/?)([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])(?:[^\"'<>]|\"[^\"<>]*\"|'[^'<>]*')*+>"
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
    tags = html.count("<")
    if tags + html.count("&") > _MAX_TAGS:
        return False
    if tags <= _MAX_UNCHECKED_TAGS and len(html) <= _MAX_UNCHECKED_LENGTH:
        return True
    return _has_simple_structure(html, tags)


def _has_simple_structure(html: str, tags: int) -> bool:
    """Return whether all tags follow the usual rules, and nesting and formatting are within the limits."""
    open_tags: Counter[str] = Counter()
    depth = formatting = max_formatting = 0
    for token in _TOKEN.finditer(html):
        name = (token[2] or "").lower()
        if token[0] == "<" or name in _SPECIAL_ELEMENTS or len(token[0]) > _MAX_TAG_LENGTH:
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
    return max_formatting * tags <= _MAX_REPEATED_FORMATTING
