"""The address that a generator gives to an article: a path, or a URL where the file itself names one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .configuration import Configuration, text_of
from .dates import When
from .hugo_addresses import hugo_address
from .jekyll_addresses import jekyll_address
from .places import Place, by_suffix, is_below, relative, without_order

DOCUSAURUS_DATE = re.compile(r"^(?P<folder>.*)(?P<date>\d{4}[-/]\d{1,2}[-/]\d{1,2})[-/]?(?P<text>.*)$")
ZOLA_DATE = re.compile(
    r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:T[\d:.]+(?:Z|[+-][\d:]+))?\s?[_-](?P<slug>.+)$"
)


def web_url(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    """Return the URL: absolute where the configuration names the host."""
    address = own_address(keys) or MAKERS[config.preset](config, place, keys, when, title)
    address = finish_own(config, place, keys, when, title, address)
    if urlsplit(address).scheme:
        return address
    return config.base_url.rstrip("/") + address if config.base_url else address


def own_address(keys: dict[str, Any]) -> str | None:
    """Return the address that the file names itself; `webUrl` is ours, but a mapped file may have it."""
    for key in ("webUrl", "permalink", "url", "path"):
        if text := text_of(keys.get(key)):
            return text if urlsplit(text).scheme or text.startswith("/") else f"/{text}"
    return None


def finish_own(
    config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str, address: str
) -> str:
    """Complete an address as the generator does with one that a file names."""
    own = own_address(keys)
    if own is None or urlsplit(own).scheme:
        return address
    if config.preset == "hugo":  # without a dot, it is a folder
        return own if "." in own or own.endswith("/") else f"{own}/"
    if config.preset == "zola":
        return own if own.endswith("/") else f"{own}/"
    if config.preset == "eleventy":
        return own.removesuffix("index.html")
    if config.preset == "jekyll":  # may hold placeholders
        return jekyll_address(config, place, keys, when, own)
    return own


def zola(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    """Return section and slug; the file name's date prefix is dropped, that of a page bundle's folder too."""
    parts = place.below.split("/")
    if parts[-1] == "index" and len(parts) > 1:
        parts.pop()
    dated = ZOLA_DATE.match(parts[-1])
    slug = text_of(keys.get("slug")) or (dated["slug"] if dated else parts[-1])
    strategy = (config.settings.get("slugify") or {}).get("paths", "on")
    parts[-1] = ascii_slug(slug) if strategy == "on" else slug
    _, suffix = by_suffix(relative(place.inside, place.root), set(config.settings.get("languages") or {}))
    default = text_of(config.settings.get("default_language")) or "en"
    prefix = f"/{suffix}" if suffix and suffix != default else ""
    return f"{prefix}/{'/'.join(parts)}/"


def eleventy(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    """Drop the date prefix of the file name. Eleventy keeps that of a folder: it is part of the path."""
    parts = place.below.split("/")
    parts[-1] = re.sub(r"^\d{4}-\d{2}-\d{2}-(?=.)", "", parts[-1])
    if parts[-1] == "index":
        parts.pop()
    return "/" + "".join(f"{part}/" for part in parts)


def astro(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    """Use AstroWind's pattern where the theme is configured, else collection and slug."""
    path = re.sub(r"(^|/)index$", "", place.below)
    if place.root == "src/pages":
        return f"/{path}/"
    collection, _, rest = (
        f"post/{path}".partition("/") if place.root == "src/data/post" else path.partition("/")
    )
    slug = text_of(keys.get("slug")) or rest
    if not config.settings:
        return f"/{collection}/{slug}/".lower()
    post = ((config.settings.get("apps") or {}).get("blog") or {}).get("post") or {}
    pattern = text_of(post.get("permalink")) or "/blog/%slug%"
    values = {
        "slug": ascii_slug(slug.split("/")[-1]),
        "category": ascii_slug(text_of(keys.get("category")) or ""),
        "year": f"{when.local:%Y}",
        "month": f"{when.local:%m}",
        "day": f"{when.local:%d}",
        "hour": f"{when.local:%H}",
        "minute": f"{when.local:%M}",
        "second": f"{when.local:%S}",
    }
    for name, value in values.items():
        pattern = pattern.replace(f"%{name}%", value)
    path = "/".join(part for part in pattern.split("/") if part)
    ends = "/" if (config.settings.get("site") or {}).get("trailingSlash") == "true" else ""
    return f"/{path}{ends}"


def docusaurus(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    """Return `/blog` and the slug: by default the date in the path, then the rest of the path."""
    if slug := text_of(keys.get("slug")):
        return f"/blog/{slug.lstrip('/')}"
    path = re.sub(r"/index$", "", place.below)
    if found := DOCUSAURUS_DATE.match(path):
        return f"/blog/{found['date'].replace('-', '/')}/{found['folder']}{found['text']}"
    return f"/blog/{path}"


def nuxt(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    """Drop the order prefixes and the name `index`; lower case, as Nuxt Content's default."""
    parts = [without_order(part) for part in place.below.split("/")]
    parts = parts[:-1] if parts[-1] == "index" else parts
    return "/" + "/".join(parts).lower()


def next_js(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    """Return the path below `pages`, `content` or `public`, without a last slash; other roots stay in it."""
    inside = place.inside.removeprefix("src/")
    root = next((root for root in ("pages", "content", "public") if is_below(inside, root)), ".")
    return "/" + re.sub(r"(^|/)index$", "", relative(inside, root))


def pelican(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    slug = text_of(keys.get("slug"))
    if slug is None:
        letters = re.sub(r"[^\w\s-]", "", to_ascii(title)).strip()
        slug = re.sub(r"[-\s]+", "-", letters).lower()
    return f"/{slug}.html"


def generic(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    path = re.sub(r"(^|/)index$", "", place.below)
    return f"/{path}/" if path else "/"


def to_ascii(text: str) -> str:
    """Spell Latin letters without accents; enough of what the generators' libraries do for these sites."""
    return unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()


def ascii_slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", to_ascii(text).lower()).strip("-")


Maker = Callable[[Configuration, Place, dict[str, Any], When, str], str]
MAKERS: dict[str, Maker] = {
    "hugo": hugo_address,
    "jekyll": lambda config, place, keys, when, title: jekyll_address(config, place, keys, when),
    "zola": zola,
    "eleventy": eleventy,
    "astro": astro,
    "docusaurus": docusaurus,
    "nuxt": nuxt,
    "next": next_js,
    "pelican": pelican,
    "generic": generic,
}
