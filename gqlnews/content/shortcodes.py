"""Shortcodes that stand for HTML or Markdown: videos, figures, highlighted code, and links to articles."""

import re
from collections.abc import Callable
from html import escape
from typing import NamedTuple

import pyromark


class Replacement(NamedTuple):
    """What a construct is replaced by: in the Markdown that is rendered, and in the text that is searched."""

    markdown: str = ""
    prose: str = ""


NOTHING = Replacement()

_PARAMETER = re.compile(
    r"""(?:([A-Za-z_][\w-]*)\s*=\s*|(?![A-Za-z_][\w-]*\s*=))\{?+"""
    r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|`([^`]*)`|([^\s,(){}"'`]+))""",
    re.DOTALL,
)
_QUOTED_CHARACTER = re.compile(r"\\(.)", re.DOTALL)


class Parameters(NamedTuple):
    """Parameters of a shortcode, a directive or a component."""

    positional: list[str]
    named: dict[str, str]

    def get(self, name: str, position: int | None = None) -> str:
        """Return a named parameter, else the one at `position`, else an empty text."""
        if name in self.named:
            return self.named[name]
        return self.positional[position] if position is not None and position < len(self.positional) else ""


def parse_parameters(text: str) -> Parameters:
    """Parse parameters such as `id="x"`, `x`, `{id: "x"}` and `(id='x')`."""
    found = Parameters([], {})
    for match in _PARAMETER.finditer(text):
        name, double, single, raw, plain = match.groups()
        value = _QUOTED_CHARACTER.sub(r"\1", double) if double is not None else single or raw or plain or ""
        if name:
            found.named.setdefault(name, value)
        else:
            found.positional.append(value)
    return found


def expand(name: str, parameters: str) -> Replacement:
    """Return the replacement of a video or a figure; anything else is removed."""
    build = _EXPANSIONS.get(name.lower())
    return build(parse_parameters(parameters)) if build else NOTHING


def code_block(indentation: str, parameters: str, code: str) -> str:
    """Build a fenced code block on lines of its own, in the language that the first parameter names."""
    language = parse_parameters(parameters).get("lang", 0)
    code = code.lstrip("\r\n").rstrip()
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{indentation}{fence}{language}\n{code}\n{indentation}{fence}\n"


# Videos.


_YOUTUBE_ID = re.compile(r"(?:[?&]v=|youtu\.be/|/embed/|/shorts/|/live/)([\w-]+)")
_VIMEO_ID = re.compile(r"vimeo\.com/(?:video/)?(\w+)")
_PLAIN_ID = re.compile(r"[\w-]+")
_PLAYER = (
    '<iframe src="{}" title="{}" loading="lazy" allow="encrypted-media; fullscreen; picture-in-picture"'
    " allowfullscreen></iframe>"
)


def _youtube(parameters: Parameters) -> Replacement:
    return _player("https://www.youtube.com/embed/{}", _YOUTUBE_ID, "YouTube video", parameters)


def _vimeo(parameters: Parameters) -> Replacement:
    return _player("https://player.vimeo.com/video/{}", _VIMEO_ID, "Vimeo video", parameters)


def _player(address: str, pattern: re.Pattern[str], title: str, parameters: Parameters) -> Replacement:
    source = parameters.get("id", 0) or parameters.get("url") or parameters.get("videoId")
    url = pattern.search(source)
    if url is None and not _PLAIN_ID.fullmatch(source):
        return NOTHING
    video = url[1] if url else source
    return Replacement(_PLAYER.format(address.format(video), escape(parameters.get("title") or title)))


# Figures.


def _figure(parameters: Parameters) -> Replacement:
    """Build a figure; its title, caption and attribution are Markdown."""
    source = parameters.get("src", 0)
    if not source:
        return NOTHING
    sizes = "".join(
        f' {name}="{escape(value)}"' for name in ("width", "height") if (value := parameters.get(name))
    )
    image = f'<img src="{escape(source)}" alt="{escape(parameters.get("alt"))}"{sizes}>'
    if link := parameters.get("link"):
        image = f'<a href="{escape(link)}">{image}</a>'
    attribution = parameters.get("attr")
    if attribution and (link := parameters.get("attrlink")):
        attribution = f"[{attribution}](<{link}>)"
    caption = " ".join(filter(None, (parameters.get("title"), parameters.get("caption"), attribution)))
    shown = f"<figcaption>{_inline_html(caption)}</figcaption>" if caption else ""
    return Replacement(f"<figure>{image}{shown}</figure>", caption)


def _inline_html(markdown: str) -> str:
    html = pyromark.html(markdown).strip().removeprefix("<p>").removesuffix("</p>")
    return " ".join(html.split())


# Links to articles.


_MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdx", "/")


def article_path(name: str, parameters: str) -> Replacement:
    """Replace a shortcode that links to an article by the path of the article's file."""
    path, hash_, anchor = parse_parameters(parameters).get("path", 0).partition("#")
    if path and not path.endswith(_MARKDOWN_SUFFIXES):
        path += ".md"
    if name == "link" and path:  # Jekyll's, from the root of the site
        path = f"/{path.removeprefix('/')}"
    target = f"{path}{hash_}{anchor}".replace(" ", "%20")
    return Replacement(target, target)


_EXPANSIONS: dict[str, Callable[[Parameters], Replacement]] = {
    "youtube": _youtube,
    "vimeo": _vimeo,
    "figure": _figure,
}
