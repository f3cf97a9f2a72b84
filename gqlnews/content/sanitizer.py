"""Sanitize the HTML of bodies and embeds, with iframes of allowed hosts."""

import re
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import nh3

from gqlnews.content.urls import SAFE_SCHEMES

# Bodies: additionally the classes, alignments and checkboxes that Markdown is rendered to.


_BODY_ATTRIBUTES = {"code": {"class"}, "div": {"id"}, "input": {"checked", "disabled"}}
_ALIGNMENTS = {"style": {"text-align: left", "text-align: center", "text-align: right"}}
_BODY_VALUES = {
    "div": {"class": {"footnote-definition"}},
    "sup": {"class": {"footnote-reference", "footnote-definition-label"}},
    "input": {"type": {"checkbox"}},
    "td": _ALIGNMENTS,
    "th": _ALIGNMENTS,
}
_IFRAME_START = re.compile(r"<iframe\b", re.IGNORECASE)


def sanitize_body(html: str, iframe_hosts: tuple[str, ...]) -> str:
    """Sanitize the HTML of a body."""
    if not _IFRAME_START.search(html):
        return _build_cleaner(None, is_body=True).clean(html)
    return _IFRAME.sub(_strip_iframe_content, _build_cleaner(iframe_hosts, is_body=True).clean(html))


# Iframes, in bodies and in embeds (`featuredContent`).
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

_IFRAME = re.compile(r'<iframe((?: [a-z-]+="[^"]*")*)>.*?</iframe>', re.DOTALL)
_SOURCE = re.compile(r'(?: [a-z-]+="[^"]*")*? src="')


def sanitize_embed(source: str, iframe_hosts: tuple[str, ...]) -> str | None:
    """Sanitize an embed; return None if nothing remains.

    Harmless elements (`nh3.ALLOWED_TAGS`) remain, and iframes whose `src` is an https URL of an allowed host.
    """
    return (
        _IFRAME.sub(_strip_iframe_content, _build_cleaner(iframe_hosts, is_body=False).clean(source)).strip()
        or None
    )


def _strip_iframe_content(iframe: re.Match[str]) -> str:
    """Remove the content of an iframe, which browsers do not show; without `src`, remove the iframe too."""
    attributes = iframe[1]
    return f"<iframe{attributes}></iframe>" if _SOURCE.match(attributes) else ""


@cache
def _build_cleaner(iframe_hosts: tuple[str, ...] | None, *, is_body: bool) -> nh3.Cleaner:
    """Build a sanitizer; without `iframe_hosts` it is faster, and treats an iframe as an unknown element."""

    def filter_attribute(tag: str, attribute: str, value: str) -> str | None:
        if tag != "iframe":
            return value
        if attribute == "src":
            return value if _is_allowed(value, iframe_hosts or ()) else None
        return _ATTRIBUTE_FILTERS[attribute](value) if attribute in _ATTRIBUTE_FILTERS else value

    tags, attributes = set(nh3.ALLOWED_TAGS), dict(nh3.ALLOWED_ATTRIBUTES)
    if iframe_hosts is not None:
        tags.add("iframe")
        attributes["iframe"] = {"src", "title", "allowfullscreen", "sandbox", *_ATTRIBUTE_FILTERS}
    if is_body:
        tags.add("input")
        attributes |= {tag: attributes.get(tag, set()) | names for tag, names in _BODY_ATTRIBUTES.items()}
    return nh3.Cleaner(
        tags=tags,
        attributes=attributes,
        attribute_filter=None if iframe_hosts is None else filter_attribute,
        tag_attribute_values=_BODY_VALUES if is_body else None,
        url_schemes=set(SAFE_SCHEMES),
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
