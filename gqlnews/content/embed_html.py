"""Sanitize `featuredContent`, the HTML embed of an article.

An iframe loses all attributes except known ones with harmless values. A host that serves more than video
players, such as YouTube, is limited to the paths of its player, because other paths redirect to any site.
"""

import re
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import nh3

_FEATURES = frozenset({"autoplay", "encrypted-media", "fullscreen", "picture-in-picture"})
"""Browser features that a video player needs; excludes cameras, clipboard, payments and sensors."""

_EVERY_SITE = frozenset({"*", "'src'"})

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
_LENGTH = re.compile(r"\d{1,4}(?:\.\d{1,3})?(?:px|%)?", re.ASCII)

_IFRAME = re.compile(r'<iframe((?: [a-z-]+="[^"]*")*+)>.*?</iframe>', re.DOTALL)
_SOURCE = re.compile(r'(?: [a-z-]+="[^"]*")*? src="')


def sanitize_embed(written: str, iframe_hosts: tuple[str, ...]) -> str | None:
    """Sanitize an embed, keeping only https iframes of allowed hosts; return None if nothing remains."""
    return _IFRAME.sub(_with_source, _build_cleaner(iframe_hosts).clean(written)).strip() or None


def _with_source(iframe: re.Match[str]) -> str:
    """Remove the content of an iframe, which no browser shows, or the iframe if its `src` was removed."""
    attributes = iframe[1]
    return f"<iframe{attributes}></iframe>" if _SOURCE.match(attributes) else ""


@cache
def _build_cleaner(iframe_hosts: tuple[str, ...]) -> nh3.Cleaner:
    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag != "iframe":
            return value
        if attribute == "src":
            return value if _is_allowed(value, iframe_hosts) else None
        return _FILTERS[attribute](value) if attribute in _FILTERS else value

    return nh3.Cleaner(
        tags=nh3.ALLOWED_TAGS | {"iframe"},
        attributes={
            **nh3.ALLOWED_ATTRIBUTES,
            "iframe": {"src", "title", "allowfullscreen", "sandbox", *_FILTERS},
        },
        attribute_filter=keep,
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


def _player_features(policy: str) -> str | None:
    """Reduce a permissions policy to the features that a player needs, for the player's own site only."""
    directives = [each for each in (part.strip() for part in policy.split(";")) if each]
    features = [name for name in map(_player_feature, directives) if name]
    return policy if features == directives else "; ".join(features) or None


def _player_feature(directive: str) -> str | None:
    name, *sites = directive.split()
    return name if name in _FEATURES and _EVERY_SITE.issuperset(sites) else None


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    """Build a filter that removes the attribute unless its value matches `pattern`."""
    return lambda value: value if pattern.fullmatch(value.strip(_HTML_SPACE)) else None


_FILTERS: dict[str, Callable[[str], str | None]] = {
    "allow": _player_features,
    "width": _matching(_LENGTH),
    "height": _matching(_LENGTH),
    "frameborder": _matching(re.compile(r"[01]|no|yes", re.IGNORECASE)),
    "loading": _matching(re.compile(r"lazy|eager", re.IGNORECASE)),
    # `unsafe-url` and `no-referrer-when-downgrade` send the path and query of the page to another site.
    "referrerpolicy": _matching(
        re.compile(
            r"no-referrer|same-origin|origin|strict-origin|(?:strict-)?origin-when-cross-origin",
            re.IGNORECASE,
        )
    ),
}
