"""A site: what its configuration says about its articles, and where a file stands in it.

Paths of a site are relative to the folder of its configuration, the *site folder*. The content folder may be
this folder, stand above it (`inside` leads down to the site folder), or below it (`outside` leads down from
it).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from gqlnews.text_keys import slug_from_path

DEFAULT_ZONE = "UTC"


class FrontMatterDefault(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Values for the articles at a path and of a type, such as `posts`; empty texts match everything.

    `values` is a JSON object.
    """

    path: str
    type: str
    values: str


class SiteAuthor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a data file of the site says about an author."""

    name: str | None = None
    url: str | None = None
    image: str | None = None
    bio: str | None = None


class ContentSite(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """A site; without a configuration, the content folder itself.

    `config` is the path of its configuration relative to the content folder. `roots` are the content roots,
    in which `*` is any folder and `**/` any number of them; slugs are relative to their common folder
    `common`. `base_url` may be the path of an unknown host.

    `permalinks` are pairs of a section or collection and its pattern, `collections` those whose articles are
    not in `_posts`, `languages` pairs of a code and the content folder of that language. `ugly_urls` are the
    sections whose addresses end in `.html`. `permalink` is the caller's pattern for all articles,
    `given_language` the caller's language for those of the site's language `language`, which is a part of
    addresses, and `keys` are pairs of a field and the caller's keys for it. `language_folders` are pairs of a
    folder, relative to the site, and its language. `authors` are by slug.
    """

    preset: str = "generic"
    config: str = ""
    inside: str = ""
    outside: str = ""
    roots: tuple[str, ...] = ("",)
    common: str = ""
    base_url: str | None = None
    title: str | None = None
    provider_domain: str | None = None
    time_zone: str = DEFAULT_ZONE
    hides_future: bool = False
    hides_expired: bool = False
    permalinks: tuple[tuple[str, str], ...] = ()
    collections: tuple[tuple[str, str], ...] = ()
    defaults: tuple[FrontMatterDefault, ...] = ()
    language: str | None = None
    languages: tuple[tuple[str, str], ...] = ()
    prefixes_language: bool = False
    ugly_urls: tuple[str, ...] = ()
    keeps_case: bool = False
    splits_names: bool = False
    trailing_slash: bool = True
    disabled_languages: tuple[str, ...] = ()
    permalink: str | None = None
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    given_language: str | None = None
    language_folders: tuple[tuple[str, str], ...] = ()
    authors: dict[str, SiteAuthor] = {}


class SiteOverrides(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """What the caller says about the site instead of its configuration; None leaves it to that.

    `keys` are pairs of a field and the keys that it is read from, instead of those of `mapping`.
    """

    preset: str | None = None
    permalink: str | None = None
    provider_name: str | None = None
    provider_domain: str | None = None
    hides_future: bool | None = None
    hides_expired: bool | None = None
    time_zone: str | None = None
    language: str | None = None
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()


GENERIC = ContentSite()
NO_OVERRIDES = SiteOverrides()


class PublicationWindow(NamedTuple):
    """Whether a file says that it is published, and the instants from and until which the site shows it."""

    published: bool
    visible_from: str | None = None
    visible_until: str | None = None


class Place(NamedTuple):
    """Place of a file in its site: path without extension, content root, and the rest of the path."""

    path: str
    root: str
    rest: str


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """Facts about an article that its address is made of.

    `date` is the wall clock in the zone that the generator uses.
    """

    place: Place
    title: str
    date: datetime
    slug: str | None = None
    categories: tuple[str, ...] = ()


class Preset(NamedTuple):
    """What a generator does.

    `trim` removes from a slug what is not part of the article's name. `static` are the folders of the site
    whose files are published as they are, at the root of the site.
    """

    address: Callable[[ContentSite, AddressFacts], str]
    trim: Callable[[str], str] | None = None
    hides_future: bool = False
    hides_expired: bool = False
    static: tuple[str, ...] = ("",)


# Where a file stands.


def is_in_site(site: ContentSite, path: str) -> bool:
    """Return whether a path of the content folder is below the site's folder."""
    return not site.inside or path.startswith(f"{site.inside}/")


def find_site(sites: Iterable[ContentSite], path: str) -> ContentSite:
    """Return the site whose configuration is nearest above a file of the content folder."""
    nearest = None
    for site in sites:
        if is_in_site(site, path) and (nearest is None or len(site.inside) > len(nearest.inside)):
            nearest = site
    return nearest or GENERIC


def site_path(site: ContentSite, path: str) -> str:
    """Convert a path relative to the content folder to one relative to the site folder."""
    if site.inside:
        return path[len(site.inside) + 1 :]
    return f"{site.outside}/{path}" if site.outside else path


def find_place(site: ContentSite, path: str) -> Place | None:
    """Return the place of a file, given relative to the content folder; None if it is in no content root."""
    own = unicodedata.normalize("NFC", site_path(site, path))
    ends = [match.end() for root in site.roots if (match := compile_root(root).match(own)) is not None]
    if not ends:
        return None
    stem = slug_from_path(own)
    return Place(stem, stem[: max(ends)].rstrip("/"), stem[max(ends) :])


def slug_of_place(site: ContentSite, place: Place, trim: Callable[[str], str] | None) -> str:
    """Return the slug of a mapped file: it does not depend on which folder is served."""
    stem = place.path.removeprefix(f"{site.common}/" if site.common else "")
    return drop_index(stem if trim is None else trim(stem))


def drop_index(stem: str) -> str:
    """Drop the last part of a path that stands for its folder: `a/index` is `a`, `a/index.fr` is `a.fr`."""
    return _INDEX.sub("", stem) if "/index" in stem else stem


_INDEX = re.compile(r"/index(?=$|\.[a-z]{2,3}(?:-[A-Za-z]{2,4})?$)")


@lru_cache(256)
def compile_root(root: str) -> re.Pattern[str]:
    """Compile the pattern of a content root, which matches the beginning of a path."""
    parts = [
        "(?:.*/)?" if part == "**" else "[^/]+/" if part == "*" else f"{re.escape(part)}/"
        for part in root.split("/")
        if part
    ]
    return re.compile("".join(parts))


# Addresses.

_NOT_IN_SLUG = re.compile(r"[\W_]+")
_DOTS = re.compile(r"/\.+(?=/|$)")
_SLASHES = re.compile(r"/{2,}")
_PLAIN_URL = re.compile(r"[\w:/.~%+@,-]+", re.ASCII)
_URL_SAFE = "/~!$&'()*+,;=:@%"


def slugify(text: str) -> str:
    """Make a path segment of a text, in lower case: letters and digits without accents, and hyphens."""
    letters = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return _NOT_IN_SLUG.sub("-", unicodedata.normalize("NFC", letters)).strip("-").lower()


def to_address(path: str, also_safe: str = "") -> str:
    """Return a root-relative address: with a leading slash, no empty parts, and escaped characters."""
    clean = _SLASHES.sub("/", f"/{path}")
    clean = _DOTS.sub("", clean) or "/"
    if clean.endswith("/index.html"):
        clean = clean.removesuffix("index.html")
    return quote(clean, safe=_URL_SAFE + also_safe)


def normalize_base(text: str | None) -> str | None:
    """Return a base URL of a configuration, or its path if it has no host; None if it is neither."""
    if text is None:
        return None
    if text.startswith("//"):
        text = f"https:{text}"
    if text.lower().startswith(("http://", "https://")):
        return text if get_host(text) else None
    return text.rstrip("/") or None if text.startswith("/") else None


def join_base(base_url: str | None, address: str) -> str:
    """Prefix a root-relative address with the base URL of its site, whose path is a part of the result."""
    return f"{base_url.rstrip('/')}{address}" if base_url else address


def root_relative(url: str | None, base_url: str | None) -> str | None:
    """Return a URL of the base URL's host without the host; None for any other URL."""
    if url is None or base_url is None or get_host(base_url) is None:
        return None
    base = urlsplit(base_url)
    if _PLAIN_URL.fullmatch(url) and url.startswith(f"{base.scheme}://{base.netloc}/"):  # quick
        return url[len(base.scheme) + len("://") + len(base.netloc) :]
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if (parts.scheme, parts.netloc.lower()) != (base.scheme, base.netloc.lower()):
        return None
    return parts._replace(scheme="", netloc="").geturl() or "/"


def get_host(url: str | None) -> str | None:
    """Return the host of a URL in lower case; None if it has none."""
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None
