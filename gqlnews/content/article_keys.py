"""Read the keys of a file, and which of them gqlnews does not know, for `gqlnews init`.

1. Parse the front matter as an ingest does, and decide whether the file is native. Pages are no articles.
2. A key is unknown if the article was not read from it: if it would be in `extra`.
3. An unknown mapping counts as a value, and so does each value in it, whose path is that of nested keys.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from gqlnews.content import mapping
from gqlnews.content.front_matter import FrontMatter, split_front_matter, split_header_lines
from gqlnews.content.html import render
from gqlnews.content.map_article import MappedArticle, map_article
from gqlnews.content.map_values import is_empty
from gqlnews.content.models import ARTICLE_KEYS, ParseOptions
from gqlnews.content.parse_mapped import Target, find_target
from gqlnews.content.parse_tree import parse_mapping, scalar_texts
from gqlnews.content.presets.site import ContentSite, find_site
from gqlnews.content.yaml_strict import Mapping, Node

KeyPath = tuple[str, ...]

_NESTED_KEYS = frozenset(key for sources in mapping.FIELDS for key in sources.keys if "." in key)
_PARTLY_KNOWN = frozenset(key.partition(".")[0] for key in _NESTED_KEYS if not key.endswith("*"))
"""Mappings in which some keys are known, such as `params`."""


class KeyValue(NamedTuple):
    """A value that is not empty, with the path of its key; `is_known`: the article was read from it."""

    path: KeyPath
    node: Node
    is_known: bool


class ArticleKeys(NamedTuple):
    """The keys of an article, its site, and whether a permalink for all gives it the same address.

    `ignores_case`: the paths of keys are the same in any case.
    """

    values: tuple[KeyValue, ...]
    site: ContentSite
    ignores_case: bool = False
    same_address: bool = True


def read_article_keys(path: str, data: bytes, options: ParseOptions) -> ArticleKeys | None:
    """Return the keys of a file; None if it is no article, or cannot be parsed."""
    target = find_target(path, options)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    front_matter = split_front_matter(text)
    if front_matter is None and target.site.preset == "pelican":
        front_matter = split_header_lines(text)
    if front_matter is None:
        return None
    tree, _ = parse_mapping(front_matter, last_wins=True)
    if tree is None:
        return None
    if mapping.is_native(scalar_texts(tree)):
        values = _walk(tree, (), ARTICLE_KEYS, str)
        return ArticleKeys(tuple(values), find_site(options.sites, path))
    return _read_mapped(path, target, front_matter, tree)


def _read_mapped(path: str, target: Target, front_matter: FrontMatter, tree: Mapping) -> ArticleKeys | None:
    mapped = _map(path, target, front_matter, tree)
    if mapped is None:
        return None
    site, mapper = target.site, mapped.mapper
    same_address = True
    if len(site.permalinks) == 1:
        for_all = msgspec.structs.replace(site, permalink=site.permalinks[0][1])
        again = _map(path, target._replace(site=for_all), front_matter, tree)
        same_address = again is not None and again.raw.web_url == mapped.raw.web_url
    known = frozenset(map(mapper.fold, (mapped.used_keys - _PARTLY_KNOWN) | _NESTED_KEYS))
    values = _walk(mapper.tree, (), known, mapper.fold)
    return ArticleKeys(tuple(values), site, mapper.ignores_case, same_address)


def _map(path: str, target: Target, front_matter: FrontMatter, tree: Mapping) -> MappedArticle | None:
    if target.place is None:
        return None
    extension = path[path.rindex(".") :]
    return map_article(target.site, target.place, extension, tree, render(""), front_matter.body, [])


def _walk(
    parent: Mapping, above: KeyPath, known: frozenset[str], fold: Callable[[str], str]
) -> Iterator[KeyValue]:
    """Yield the values that are not empty; after an unknown mapping, those in it."""
    for key, node in parent.items.items():
        path = (*above, key)
        if is_empty(node) or not _is_step(key):
            continue
        is_known = fold(".".join(path)) in known
        below = [] if is_known or not isinstance(node, Mapping) else list(_walk(node, path, known, fold))
        all_known = bool(below) and all(value.is_known for value in below)
        yield KeyValue(path, node, is_known or all_known)
        yield from below


def _is_step(key: str) -> bool:
    """Return whether a key can be a part of a path in the configuration."""
    return key.isprintable() and "." not in key and bool(key) and key == key.strip()
