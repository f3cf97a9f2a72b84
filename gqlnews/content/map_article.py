"""Translate the front matter of a mapped file to the keys of gqlnews, by the table in `mapping`.

1. Look up each field: its keys, then what counts without any of them. A file without a date is a page.
2. Remember the node that each value comes from, so that its problems have a position.
3. Find the address by the site's preset; images are relative to it.
"""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from gqlnews.content import mapping
from gqlnews.content.dates import WrittenDate, split_name
from gqlnews.content.diagnostics import FieldPath, OffsetDiagnostic, ProblemCode, has_error
from gqlnews.content.excerpts import first_image, first_paragraph, text_before_more
from gqlnews.content.html import RenderedBody
from gqlnews.content.language_codes import language_tag
from gqlnews.content.map_authors import Author, find_authors
from gqlnews.content.map_dates import find_date, find_modified, find_publication_window
from gqlnews.content.map_values import (
    WrittenImage,
    find_images,
    find_topics,
    is_template,
    is_web_url,
    resolve_image,
    scalar_text,
)
from gqlnews.content.mapper import Mapper, build_mapper
from gqlnews.content.models import RAW_FRONT_MATTER, RawArticle, RawImage, RawProvider
from gqlnews.content.presets.addresses import article_address, language_of, own_address, translation_group
from gqlnews.content.presets.jekyll import folder_categories
from gqlnews.content.presets.permalinks import file_name
from gqlnews.content.presets.site import (
    AddressFacts,
    ContentSite,
    Place,
    PublicationWindow,
    get_host,
    join_base,
)
from gqlnews.content.urls import decode_references
from gqlnews.content.yaml_coerce import coerce_key
from gqlnews.content.yaml_strict import Mapping, Node, Scalar, parse_bool

_WORD_DIVIDERS = re.compile(r"[-_\s]+")
_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)  # in the address of an article that has an error


class MappedArticle(NamedTuple):
    """Mapped front matter; `origins` are the nodes of the values, `used_keys` the keys that were read.

    `written_images` are the URLs of the images as written, by what they resolve to.
    """

    mapper: Mapper
    raw: RawArticle
    origins: dict[FieldPath, Node]
    used_keys: frozenset[str]
    visibility: PublicationWindow
    modified: WrittenDate | None
    language: str | None
    translation_key: str | None
    written_images: dict[str, str]


def map_article(
    site: ContentSite,
    place: Place,
    extension: str,
    tree: Mapping,
    rendered: RenderedBody,
    body: str,
    diagnostics: list[OffsetDiagnostic],
) -> MappedArticle | None:
    """Map the front matter of a file; return None if it has no date, because it is a page then."""
    mapper = build_mapper(site, place, extension, tree, diagnostics)
    dated = find_date(mapper)
    if dated is None:
        return None
    date = dated.date
    title = _find_title(mapper, rendered)
    native = _coerce_native(mapper)
    original_url = _find_original_url(mapper)
    page = _build_page(mapper, title, date)
    web_url = _find_web_url(mapper, page)
    images = _find_images(mapper, web_url, rendered)
    raw = msgspec.structs.replace(
        native,
        title=title,
        excerpt=mapper.find_text(mapping.EXCERPT)
        or text_before_more(body, is_mdx=extension == ".mdx")
        or first_paragraph(rendered.html or ""),
        published_date_time=date.instant.text if date else None,
        original_url=original_url,
        web_url=web_url,
        images=[each.image for each in images],
        topics=_find_topics(mapper),
        authors=_find_authors(mapper),
        provider=native.provider or _find_provider(mapper, original_url or native.source_url),
    )
    window = find_publication_window(mapper, page, date)
    modified, language = find_modified(mapper), _find_language(mapper, page)
    translation_key = _find_translation_key(mapper, page)
    return MappedArticle(
        mapper,
        raw,
        mapper.origins,
        frozenset(mapper.used),
        window,
        modified,
        language,
        translation_key,
        {decode_references(str(each.image.url)): decode_references(each.url) for each in images},
    )


# Title and addresses.


def _find_title(mapper: Mapper, rendered: RenderedBody) -> str:
    title = mapper.find_text(mapping.TITLE)
    if title is not None:
        return title
    heading = next((each.text for each in rendered.headings if each.level == 1 and each.text), None)
    name = file_name(mapper.place)
    words = _WORD_DIVIDERS.sub(" ", split_name(name).rest).strip() or name
    is_word = words.partition(" ")[0].isalpha()  # `v1.2` stays as it is
    return heading or (words[:1].upper() + words[1:] if is_word else words)


def _build_page(mapper: Mapper, title: str, date: WrittenDate | None) -> AddressFacts:
    slug = None
    for key, node in mapper.find("slug"):
        slug = scalar_text(node)
        mapper.use(key, node)
    local = date.local if date else _NO_DATE
    if mapper.site.preset == "jekyll":
        local = local.astimezone(mapper.zone)
    return AddressFacts(mapper.place, title, local, slug, _address_categories(mapper))


def _address_categories(mapper: Mapper) -> tuple[str, ...]:
    categories = list(folder_categories(mapper.site, mapper.place)) if mapper.site.preset == "jekyll" else []
    for key, node in mapper.find("category", "categories"):
        is_words = mapper.site.preset == "jekyll" and key == "categories"
        categories += [name for name, _ in find_topics(node, splits_at_spaces=is_words)]
        break
    return tuple(categories)


def _find_original_url(mapper: Mapper) -> str | None:
    for key, node in mapper.find_field(mapping.ORIGINAL_URL):
        text = scalar_text(node)
        if text is not None and (is_web_url(text) or key == "originalUrl"):
            mapper.use(key, node, "originalUrl")
            return text
    return None


def _find_web_url(mapper: Mapper, page: AddressFacts) -> str:
    """Return the address, absolute if the site's host is known."""
    site = mapper.site
    for key, node in mapper.find_field(mapping.WEB_URL):
        text = scalar_text(node)
        if text is None or is_template(text) or parse_bool(text) is not None:
            continue
        mapper.use(key, node, "webUrl")
        if key == "webUrl" or is_web_url(text):
            return text
        return join_base(site.base_url, own_address(site, page, key, text))
    return join_base(site.base_url, article_address(site, page))


def _language_of_folder(site: ContentSite, place: Place) -> str | None:
    path = f"{place.path}/"
    return next((code for folder, code in site.language_folders if path.startswith(f"{folder}/")), None)


def _find_language(mapper: Mapper, page: AddressFacts) -> str | None:
    for key, node in mapper.find_field(mapping.LANGUAGE):
        if (own := scalar_text(node)) is not None:
            mapper.use(key, node)
            return language_tag(own)
    site = mapper.site
    language = language_of(site, page) or _language_of_folder(site, mapper.place)
    return site.given_language or language if language in {None, site.language} else language


def _find_translation_key(mapper: Mapper, page: AddressFacts) -> str | None:
    written = mapper.keys.get(mapper.fold("translationKey"))
    if written is not None:
        mapper.used.add(written)
        if (text := scalar_text(mapper.tree.items[written])) is not None:
            return text
    return translation_group(mapper.site, page)


# Images, authors, topics, provider, and the keys of gqlnews.


def _find_images(mapper: Mapper, web_url: str, rendered: RenderedBody) -> list[WrittenImage]:
    for key, node in mapper.find_field(mapping.IMAGES):
        found = list(find_images(node, web_url, mapper.report))
        if found:
            mapper.use(key, node, "images")
            mapper.origins.update((("images", index), each.node) for index, each in enumerate(found))
            return found
    image = first_image(rendered.html or "")
    url = None if image is None else resolve_image(image.url, web_url)
    if image is None or url is None:
        return []
    return [WrittenImage(RawImage(url=url, title=image.title, alt=image.alt), image.url, mapper.tree)]


def _find_authors(mapper: Mapper) -> list[Author]:
    for key, node in mapper.find_field(mapping.AUTHORS):
        found = list(find_authors(node, mapper.site.authors, ignores_case=mapper.ignores_case))
        if found:
            mapper.use(key, node, "authors")
            mapper.origins.update((("authors", index), item) for index, (_, item) in enumerate(found))
            return [author for author, _ in found]
    return []


def _find_topics(mapper: Mapper) -> list[str]:
    topics: dict[str, Node] = {}
    taxonomies = next((node for _, node in mapper.find("taxonomies")), None)
    nested = [f"taxonomies.{key}" for key in taxonomies.items] if isinstance(taxonomies, Mapping) else []
    sources = mapping.TOPICS
    if nested:
        sources = sources._replace(keys=(*sources.keys, *nested))
    for key, node in mapper.find_field(sources):
        mapper.use(key, node)
        is_words = mapper.site.preset == "jekyll" and key in {"tags", "categories"}
        for name, item in find_topics(node, splits_at_spaces=is_words):
            topics.setdefault(name, item)
    mapper.origins.update((("topics", index), item) for index, item in enumerate(topics.values()))
    return list(topics)


def _find_provider(mapper: Mapper, original_url: str | None) -> RawProvider | None:
    """Return the site itself, or for a link elsewhere its host, named by the file."""
    site = mapper.site
    name = None
    for key, node in mapper.find("provider", *(mapping.PUBLISHER_KEYS if original_url else ())):
        if (text := scalar_text(node)) is not None:
            mapper.use(key, node, "provider")
            name = text
            break
    host = get_host(original_url)
    if host is not None:
        return RawProvider(name=name, domain=host)
    domain = site.provider_domain or get_host(site.base_url)
    return None if domain is None else RawProvider(name=name or site.title, domain=domain)


def _coerce_native(mapper: Mapper) -> RawArticle:
    """Coerce the keys of gqlnews that have no other spelling; one of another type is left out."""
    values: dict[str, Any] = {}
    for key, node in mapper.find(*mapping.NATIVE_KEYS):
        if key == "provider" and not isinstance(node, Mapping):
            continue
        if key == "category" and not isinstance(node, Scalar):
            continue
        problems: list[OffsetDiagnostic] = []
        name, value = coerce_key(key, node, problems)
        if has_error(problems):
            message = (
                f"`{key}` is left out, because it has another type than gqlnews reads: {problems[0].message}"
            )
            mapper.report(node, ProblemCode.LEFT_OUT, message)
            continue
        mapper.diagnostics.extend(problems)
        mapper.use(key, node, key)
        values[name] = value
    return RAW_FRONT_MATTER(**values)
