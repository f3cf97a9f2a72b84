"""The address, the slug and the language of a mapped article."""

from gqlnews.content.presets.generators import PRESETS
from gqlnews.content.presets.hugo import language_prefix, split_language
from gqlnews.content.presets.permalinks import expand, unknown_placeholders
from gqlnews.content.presets.site import (
    AddressFacts,
    ContentSite,
    Place,
    drop_index,
    find_place,
    find_site,
    slug_of_place,
    to_address,
)
from gqlnews.text_keys import slug_from_path

_WITH_LANGUAGES = frozenset({"hugo", "zola"})
_WITH_PLACEHOLDERS = frozenset({"hugo", "jekyll"})


def article_address(site: ContentSite, page: AddressFacts) -> str:
    """Return the address that the generator gives an article, below the base URL."""
    if site.permalink is not None:
        return to_address(expand(site.permalink, site, page))
    return PRESETS[site.preset].address(site, page)


def own_address(site: ContentSite, page: AddressFacts, key: str, text: str) -> str:
    """Return the address that an article says itself, in its key `permalink`, `url` or `path`."""
    if site.preset in _WITH_PLACEHOLDERS and not unknown_placeholders(text):
        text = expand(text, site, page)
    if site.preset in _WITH_LANGUAGES and not text.startswith("/"):
        language, _ = split_language(site, page)
        text = f"{language_prefix(site, language)}{text}"
    is_folder = (site.preset == "zola" and key == "path") or (
        site.preset == "hugo" and not set(".?#") & set(text.rpartition("/")[2])
    )
    return to_address(f"{text.rstrip('/')}/" if is_folder else text, "?#")


def language_of(site: ContentSite, page: AddressFacts) -> str | None:
    """Return the language of an article by its folder or suffix, if the configuration names languages."""
    return split_language(site, page)[0] if site.languages and site.preset in _WITH_LANGUAGES else None


def translation_group(site: ContentSite, page: AddressFacts) -> str | None:
    """Return what an article and its translations share: the path without the part that names a language."""
    if len(site.languages) > 1 and site.preset in _WITH_LANGUAGES:
        _, page = split_language(site, page)
        return f"{site.inside}:{drop_index(page.place.rest)}"
    path = page.place.path
    folder = next((folder for folder, _ in site.language_folders if path.startswith(f"{folder}/")), None)
    if folder is None:
        return None
    return f"{site.inside}:{folder.rpartition('/')[0]}:{drop_index(path.removeprefix(f'{folder}/'))}"


def mapped_slug(sites: tuple[ContentSite, ...], path: str) -> str:
    """Return the slug that a file has if it is mapped."""
    site = find_site(sites, path)
    place = find_place(site, path)
    return slug_from_path(path) if place is None else place_slug(site, place)


def place_slug(site: ContentSite, place: Place) -> str:
    """Return the slug of a mapped file by its place."""
    return slug_of_place(site, place, PRESETS[site.preset].trim)
