"""Hugo: https://gohugo.io/configuration/all/ and https://gohugo.io/content-management/urls/."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gqlnews.content.dates import split_name
from gqlnews.content.presets.permalinks import expand, file_name, hugo_path, sections
from gqlnews.content.presets.settings import SiteSettings
from gqlnews.content.presets.site import AddressFacts, ContentSite, drop_index, to_address

CONFIG_KEYS = frozenset(
    {
        *("baseurl", "builddrafts", "buildexpired", "buildfuture", "contentdir", "defaultcontentlanguage"),
        *("disablekinds", "enablegitinfo", "enablerobotstxt", "languagecode", "markup", "paginate"),
        *("pagination", "permalinks", "taxonomies", "uglyurls"),
    }
)
"""Keys by which a `config.*` file is recognised as Hugo's, in lower case: Hugo ignores the case of keys."""

_ALL_SECTIONS = "*"


def configure(settings: SiteSettings) -> ContentSite:
    """Build the site from Hugo's configuration."""
    config = settings.lower()
    content = config.text("contentdir") or "content"
    default = config.text("defaultcontentlanguage") or "en"
    languages = tuple(_languages(config, content))
    own = config.table("languages").table(default)
    disabled = tuple(_disabled_languages(config))
    folders = [root for code, root in languages if code not in disabled]
    roots = tuple(dict.fromkeys(folders)) or (content.strip("/"),)
    return ContentSite(
        preset="hugo",
        roots=roots,
        common=common_folder((content.strip("/"), *roots)),
        base_url=own.text("baseurl") or config.text("baseurl"),
        title=own.text("title") or config.text("title"),
        time_zone=config.time_zone("timezone"),
        hides_future=not config.flag("buildfuture"),
        hides_expired=not config.flag("buildexpired"),
        permalinks=tuple(_permalinks(config)),
        language=default,
        languages=languages,
        prefixes_language=config.flag("defaultcontentlanguageinsubdir"),
        ugly_urls=tuple(_ugly_urls(config.get("uglyurls"))),
        disabled_languages=disabled,
        keeps_case=config.flag("disablepathtolower"),
        splits_names=":filename" in str(config.table("frontmatter").get("date")),
    )


def _languages(config: SiteSettings, content: str) -> Iterator[tuple[str, str]]:
    languages = config.table("languages")
    for code in languages:
        yield code, (languages.table(code).text("contentdir") or content).strip("/")


def _disabled_languages(config: SiteSettings) -> Iterator[str]:
    """Yield the languages that the site does not publish."""
    listed = config.get("disablelanguages")
    yield from (str(code).lower() for code in listed or () if isinstance(listed, list))
    languages = config.table("languages")
    yield from (code for code in languages if languages.table(code).flag("disabled"))


def common_folder(roots: tuple[str, ...]) -> str:
    """Return the deepest folder that contains all roots, or is the only one."""
    parts = [root.split("/") for root in roots]
    common = []
    for names in zip(*parts, strict=False):
        if len(set(names)) > 1:
            break
        common.append(names[0])
    return "/".join(common)


def _permalinks(config: SiteSettings) -> Iterator[tuple[str, str]]:
    """Yield section and pattern, of the old form (`post = …`) and the new one (`[permalinks.page]`)."""
    table = config.table("permalinks")
    for section in table:
        if isinstance(table.get(section), Mapping):
            if section == "page":
                pages = table.table(section)
                for each in pages:
                    if pattern := pages.pattern(each):
                        yield each.strip("/"), pattern
        elif pattern := table.pattern(section):
            yield section.strip("/"), pattern


def _ugly_urls(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (str(section) for section, ugly in value.items() if ugly is True)
    elif value is True:
        yield _ALL_SECTIONS


# Addresses.


def address(site: ContentSite, page: AddressFacts) -> str:
    """Return the address: by the section's pattern, else the path below the content root."""
    language, page = split_language(site, page)
    if site.splits_names and page.slug is None:
        page = replace(page, slug=split_name(file_name(page.place)).rest)
    pattern = _find_pattern(site, page)
    if pattern is not None:
        path = expand(pattern, site, page)
    else:
        path = "/".join([*sections(page.place), page.slug or file_name(page.place)])
    path = hugo_path(site, path).strip("/")
    section = (sections(page.place) or [""])[0]
    is_ugly = _ALL_SECTIONS in site.ugly_urls or section.lower() in site.ugly_urls
    return to_address(f"{language_prefix(site, language)}{path}{'.html' if is_ugly else '/'}")


def _find_pattern(site: ContentSite, page: AddressFacts) -> str | None:
    """Return the pattern of the deepest section that has one."""
    patterns = {section.lower(): pattern for section, pattern in site.permalinks}
    parts = [each.lower() for each in sections(page.place)]
    for length in range(len(parts), -1, -1):
        if (pattern := patterns.get("/".join(parts[:length]))) is not None:
            return pattern
    return None


# Languages, by content folder or by suffix: `post.fr.md`. Zola has the latter too.

_SUFFIX = re.compile(r"\.([a-z]{2,3}(?:-[a-z0-9]{2,8})*)$", re.IGNORECASE)


def split_language(site: ContentSite, page: AddressFacts) -> tuple[str | None, AddressFacts]:
    """Return the language of an article, and the page without the suffix that names it."""
    if not site.languages:
        return site.language, page
    codes = {code.lower(): code for code, _ in site.languages}
    suffix = _SUFFIX.search(page.place.rest)
    if suffix is not None and suffix[1].lower() in codes:
        place = page.place._replace(rest=drop_index(page.place.rest[: suffix.start()]))
        return codes[suffix[1].lower()], replace(page, place=place)
    roots = {root: code for code, root in site.languages if code != site.language}
    roots |= {root: code for code, root in site.languages if code == site.language}
    return roots.get(page.place.root, site.language), page


def language_prefix(site: ContentSite, language: str | None) -> str:
    """Return the beginning of an address that names the language; empty for the default language, mostly."""
    is_hidden = language is None or (language == site.language and not site.prefixes_language)
    return "" if is_hidden else f"{language}/".lower()
