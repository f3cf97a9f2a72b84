"""Generators whose configuration is code, or says little about articles; and the table of all presets."""

import re
import unicodedata
from pathlib import PurePosixPath

from gqlnews.content.dates import split_name
from gqlnews.content.presets import hugo, jekyll
from gqlnews.content.presets.hugo import language_prefix, split_language
from gqlnews.content.presets.permalinks import expand, file_name, sections
from gqlnews.content.presets.settings import SiteSettings
from gqlnews.content.presets.site import (
    GENERIC,
    AddressFacts,
    ContentSite,
    Preset,
    drop_index,
    slugify,
    to_address,
)

# Zola: https://www.getzola.org/documentation/getting-started/configuration/


def configure_zola(settings: SiteSettings) -> ContentSite:
    """Build the site from Zola's configuration."""
    default = settings.text("default_language") or "en"
    return ContentSite(
        preset="zola",
        roots=("content",),
        common="content",
        base_url=settings.text("base_url"),
        title=settings.text("title"),
        language=default,
        languages=((default, "content"), *((code, "content") for code in settings.table("languages"))),
    )


def _zola_address(site: ContentSite, page: AddressFacts) -> str:
    language, page = split_language(site, page)
    parts = [slugify(each) for each in sections(page.place)]
    name = page.slug or slugify(split_name(file_name(page.place)).rest or file_name(page.place))
    return to_address(f"{language_prefix(site, language)}{'/'.join([*parts, name])}/")


# Astro: https://docs.astro.build; AstroWind keeps its settings in `src/config.yaml`.

_ASTROWIND_VARIABLE = re.compile(r"%(\w+)%", re.ASCII)
_ASTRO_ROOTS = ("src/content/*", "src/data/post", "src/pages")


def configure_astro(settings: SiteSettings) -> ContentSite:
    """Build the site from AstroWind's settings, which are empty in other sites."""
    site = settings.table("site")
    post = settings.table("apps").table("blog").table("post")
    pattern = SiteSettings({"permalink": _from_astrowind(post.text("permalink"))}, settings.problems)
    host, base = site.text("site"), (site.text("base") or "").strip("/")
    permalink = pattern.pattern("permalink")
    return ContentSite(
        preset="astro",
        roots=_ASTRO_ROOTS,
        common="src",
        base_url=f"{(host or '').rstrip('/')}{f'/{base}' if base else ''}" or None,
        title=site.text("name"),
        language=settings.table("i18n").text("language"),
        permalinks=() if permalink is None else (("post", permalink),),
        trailing_slash=site.flag("trailingSlash", default=permalink is None),
    )


def _from_astrowind(pattern: str | None) -> str | None:
    """Convert `/%year%/%slug%` to `/:year/:slugorfilename`."""
    if pattern is None:
        return None
    return _ASTROWIND_VARIABLE.sub(
        lambda match: f":{'slugorfilename' if match[1] == 'slug' else match[1]}", pattern
    )


def _astro_address(site: ContentSite, page: AddressFacts) -> str:
    end = "/" if site.trailing_slash else ""
    collection = PurePosixPath(page.place.root).name
    slug = page.slug or "/".join(slugify(part) for part in drop_index(page.place.rest).split("/"))
    pattern = dict(site.permalinks).get(collection)
    if page.place.root == "src/pages":
        return to_address(f"{drop_index(page.place.rest)}{end}")
    if pattern is None:
        return to_address(f"{collection}/{slug}{end}")
    return to_address(expand(pattern, site, page).rstrip("/") + end)


# Docusaurus: https://docusaurus.io/docs/blog

_DOCUSAURUS_DATE = re.compile(r"^(.*?)(\d{4}[-/]\d{1,2}[-/]\d{1,2})[-/]?(.*)$", re.ASCII)


def _docusaurus_address(site: ContentSite, page: AddressFacts) -> str:
    if page.slug is not None:
        return to_address(f"blog/{page.slug}")
    rest = drop_index(page.place.rest)
    dated = _DOCUSAURUS_DATE.match(rest)
    if dated is None:
        return to_address(f"blog/{rest}")
    folder, date, name = dated.groups()
    return to_address(f"blog/{date.replace('-', '/')}/{folder}{name}")


# Eleventy, Nuxt Content, Next.js, Pelican and everything else.

_ORDER_PREFIX = re.compile(r"(?:^|(?<=/))\d+\.(?=[^/])", re.ASCII)
_PELICAN_REMOVES = re.compile(r"[^\w\s-]")
_NEXT_ROOTS = ("pages", "app", "content", "posts")
_NEXT_HIDDEN_ROOTS = frozenset({"pages", "app", "content", "public"})


def _eleventy_address(site: ContentSite, page: AddressFacts) -> str:
    folder, slash, name = page.place.rest.rpartition("/")
    return _folder_address(f"{folder}{slash}{split_name(name).rest or name}")


def _folder_address(rest: str) -> str:
    return to_address("/" if rest == "index" else f"{drop_index(rest)}/")


def _without_order(stem: str) -> str:
    """Remove the numbers that order the files and folders of Nuxt Content: `blog/37.v3` is `blog/v3`."""
    return _ORDER_PREFIX.sub("", stem)


def _nuxt_address(site: ContentSite, page: AddressFacts) -> str:
    return to_address(drop_index(_without_order(page.place.rest)).replace(" ", "-").lower())


def _next_address(site: ContentSite, page: AddressFacts) -> str:
    name = PurePosixPath(page.place.root).name
    rest = drop_index(page.place.rest)
    if name == "app":  # the file of a page is `page.mdx` in the folder of its address
        rest = rest.removesuffix("/page")
    return to_address(rest if name in _NEXT_HIDDEN_ROOTS else f"{name}/{rest}")


def _pelican_address(site: ContentSite, page: AddressFacts) -> str:
    title = _PELICAN_REMOVES.sub("", unicodedata.normalize("NFKD", page.title))
    return to_address(f"{page.slug or slugify(title)}.html")


def _generic_address(site: ContentSite, page: AddressFacts) -> str:
    pattern = dict(site.permalinks).get("")
    if pattern is not None:
        return to_address(expand(pattern, site, page))
    return _folder_address(page.place.rest)


# The table.

PRESETS: dict[str, Preset] = {
    "hugo": Preset(hugo.address, hides_future=True, hides_expired=True, static=("static",)),
    "jekyll": Preset(jekyll.address, jekyll.trim, hides_future=True),
    "zola": Preset(_zola_address, static=("static",)),
    "eleventy": Preset(_eleventy_address, static=("", "public", "src")),
    "astro": Preset(_astro_address, static=("public",)),
    "docusaurus": Preset(_docusaurus_address, static=("static", "website/static")),
    "nuxt": Preset(_nuxt_address, _without_order, static=("public", "static")),
    "next": Preset(_next_address, static=("public",)),
    "pelican": Preset(_pelican_address, static=("content",)),
    "generic": Preset(_generic_address, static=("", "static", "public")),
}

DEFAULT_SITES: dict[str, ContentSite] = {
    "hugo": hugo.configure(SiteSettings({})),
    "jekyll": jekyll.configure(SiteSettings({})),
    "zola": configure_zola(SiteSettings({})),
    "astro": configure_astro(SiteSettings({})),
    "eleventy": ContentSite(preset="eleventy", roots=("", "src", "content")),
    "docusaurus": ContentSite(preset="docusaurus", roots=("blog", "website/blog")),
    "nuxt": ContentSite(preset="nuxt", roots=("content",), common="content"),
    "next": ContentSite(
        preset="next",
        roots=(*_NEXT_ROOTS, *(f"src/{root}" for root in _NEXT_ROOTS), "public"),
    ),
    "pelican": ContentSite(preset="pelican", roots=("content",), common="content"),
    "generic": GENERIC,
}
"""The site of each preset without a configuration, or with one that is code."""
