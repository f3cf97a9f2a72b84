"""Build the article of a mapped file from the tree of its front matter, which either parser returns."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from gqlnews.content.build_article import build_article
from gqlnews.content.diagnostics import (
    FRONT_MATTER_START,
    NO_OFFSET,
    FieldPath,
    OffsetDiagnostic,
    ProblemCode,
    has_error,
    to_problems,
)
from gqlnews.content.field_values import with_fields
from gqlnews.content.front_matter import extra_from_tree
from gqlnews.content.html import RenderedBody
from gqlnews.content.map_article import MappedArticle, map_article
from gqlnews.content.models import ContentProblem, ParsedArticle, ParseOptions, Position
from gqlnews.content.presets.addresses import place_slug
from gqlnews.content.presets.site import GENERIC, ContentSite, Place, find_place, find_site, root_relative
from gqlnews.content.special_names import is_special_name
from gqlnews.content.urls import is_relative
from gqlnews.content.visibility import apply_visibility
from gqlnews.content.yaml_strict import Mapping

Parsed = tuple[ParsedArticle | None, tuple[ContentProblem, ...]]
"""Article and problems; neither if the file is passed over."""

PASSED_OVER: Parsed = (None, ())


class Target(NamedTuple):
    """The site of a file, and its place in a content root; None if a mapped file there is no article."""

    site: ContentSite
    place: Place | None


def find_target(path: str, options: ParseOptions) -> Target:
    """Return the site and the place of a file, given relative to the content folder."""
    site = find_site(options.sites, path)
    if site is GENERIC and options.base_url is not None:
        site = msgspec.structs.replace(site, base_url=options.base_url)
    return Target(site, None if is_special_name(path) else find_place(site, path))


class MappedFile(NamedTuple):
    """Front matter and body of a mapped file; `position` returns the position of a node by its offset."""

    path: str
    tree: Mapping
    diagnostics: list[OffsetDiagnostic]
    position: Callable[[int], Position]
    body: str


def parse_mapped(file: MappedFile, target: Target, rendered: RenderedBody, options: ParseOptions) -> Parsed:
    """Map the front matter, and validate it like that of any other file."""
    site, place = target
    if place is None:
        return PASSED_OVER
    tree, diagnostics = file.tree, file.diagnostics
    extension = file.path[file.path.rindex(".") :]
    mapped = map_article(site, place, extension, tree, rendered, file.body, diagnostics)
    if mapped is None:
        return PASSED_OVER

    def position(offset: int) -> Position:
        return FRONT_MATTER_START if offset == NO_OFFSET else file.position(offset)

    def locate(field_path: FieldPath) -> Position:
        for length in range(len(field_path), 0, -1):
            node = mapped.origins.get(field_path[:length])
            if node is not None:
                return position(node.offset)
        return FRONT_MATTER_START

    article, problems = build_article(
        place_slug(site, place),
        mapped.raw,
        extra_from_tree(tree, mapped.used_keys, options.fields, ignores_case=mapped.mapper.ignores_case),
        rendered,
        msgspec.structs.replace(options, base_url=site.base_url),
        locate,
        site.authors,
    )
    if options.fields:
        article = with_fields(article, options, mapped.mapper.zone, mapped.mapper.find_node, diagnostics)
    located = [(position(each.offset), each.code, each.message, each.severity) for each in diagnostics]
    located += [
        (locate(each.field_path), each.code, each.message, None)
        for each in problems
        if each.code is not ProblemCode.MISSING_KEY or each.field_path not in mapped.origins
    ]
    if article is None or has_error(diagnostics):
        return None, to_problems(file.path, located)
    return _with_mapped_fields(article, mapped, site, options), to_problems(file.path, located)


def _with_mapped_fields(
    article: ParsedArticle, mapped: MappedArticle, site: ContentSite, options: ParseOptions
) -> ParsedArticle:
    return apply_visibility(
        article,
        mapped.visibility,
        options.now_ns,
        is_mapped=True,
        root_relative_url=root_relative(article.web_url, site.base_url),
        modified_at=mapped.modified.instant.key if mapped.modified else None,
        modified_date_time=mapped.modified.instant.text if mapped.modified else None,
        language=mapped.language,
        translation_key=mapped.translation_key,
        relative_images=_relative_images(article, mapped),
    )


def _relative_images(article: ParsedArticle, mapped: MappedArticle) -> tuple[tuple[str, str], ...]:
    """Return the relative images; those of the mapped keys were resolved before the article was built."""
    if not mapped.written_images and not article.relative_images:
        return ()
    written = {url: text for url, text in mapped.written_images.items() if is_relative(text)}
    own = {url: text for url, text in article.relative_images if url not in mapped.written_images}
    return tuple({**own, **written}.items())
