"""`featuredContent` → HTML that is safe to show: the embed that stands for an article."""

import re
from functools import cache
from urllib.parse import urlsplit

import nh3

_IFRAME_ATTRIBUTES = frozenset(
    {
        "src",
        "width",
        "height",
        "title",
        "allow",
        "allowfullscreen",
        "frameborder",
        "loading",
        "referrerpolicy",
    }
)
_IFRAME = re.compile(r'<iframe((?: [a-z-]+="[^"]*")*+)>.*?</iframe>', re.DOTALL)
_SOURCE = re.compile(r'(?: [a-z-]+="[^"]*")*? src="')


def safe_embed(written: str, iframe_hosts: tuple[str, ...]) -> str | None:
    """Sanitised; an iframe stays only where it shows one of the hosts over https. None if nothing stays."""
    return _IFRAME.sub(_with_source, _cleaner(iframe_hosts).clean(written)).strip() or None


def _with_source(iframe: re.Match[str]) -> str:
    """An iframe without its content, which no browser shows; nothing where its source was refused."""
    attributes = iframe[1]
    return f"<iframe{attributes}></iframe>" if _SOURCE.match(attributes) else ""


@cache
def _cleaner(iframe_hosts: tuple[str, ...]) -> nh3.Cleaner:
    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag == "iframe" and attribute == "src" and not _is_allowed(value, iframe_hosts):
            return None
        return value

    return nh3.Cleaner(
        tags=nh3.ALLOWED_TAGS | {"iframe"},
        attributes={**nh3.ALLOWED_ATTRIBUTES, "iframe": set(_IFRAME_ATTRIBUTES)},
        attribute_filter=keep,
    )


def _is_allowed(source: str, iframe_hosts: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(source)
        return parts.scheme == "https" and parts.netloc.lower() in iframe_hosts
    except ValueError:  # no URL
        return False
