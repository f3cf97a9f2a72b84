"""Where a file stands in its site: below which content root, under which slug, in which language."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .configuration import Configuration, default_language, text_of

ROOTS = {
    "zola": ("content",),
    "eleventy": ("src", "content", "."),
    "astro": ("src/content", "src/data/post", "src/pages"),
    "docusaurus": ("blog", "website/blog"),
    "nuxt": ("content",),
    "next": (
        *("pages", "app", "content", "posts"),
        *("src/pages", "src/app", "src/content", "src/posts", "public"),
    ),
    "pelican": ("content",),
    "generic": (".",),
}
# The description: below the content root; of several roots, below their common folder. The roots are
# those of the table of presets, whether they exist or not: a new folder must not change every slug.
SLUG_FOLDER = {
    "zola": "content",
    "eleventy": ".",
    "astro": "src",
    "docusaurus": ".",
    "nuxt": "content",
    "next": ".",
    "pelican": "content",
    "generic": ".",
    "jekyll": ".",
}
ORDER_PREFIX = re.compile(r"^\d+\.(?=.)")
VERSION_NAME = re.compile(r"\d+(\.\d+)*(\.x)?")
# Any two letters would make languages of `go` and `us`.
LANGUAGES = (
    "ar bg bn ca cs da de el en eo es et fa fi fr he hi hr hu id it ja ko lt lv nl no pl pt ro ru si sk sl "
    "sr sv ta th tr uk vi zh"
)
LANGUAGE_CODE = re.compile(r"([a-z]{2})(?:[-_](?:[A-Za-z]{2}|[A-Z][a-z]{3}))?")


@dataclass(frozen=True)
class Place:
    """`inside` is the path in the folder of the site, `below` in the content root; both lack extensions.

    `group` is the slug without its language part, which translations share.
    """

    file: Path
    inside: str
    root: str
    below: str
    slug: str
    group: str
    language: str | None = None


def place_of(config: Configuration, file: Path) -> Place | None:
    """Return the place of a file, or None outside the content roots."""
    if not file.is_relative_to(config.folder):
        return None
    inside = file.relative_to(config.folder).with_suffix("").as_posix()
    if config.preset == "hugo":
        return in_hugo(config, file, inside)
    if config.preset == "jekyll":
        root = jekyll_root(config, inside)
    else:
        root = next((root for root in ROOTS[config.preset] if is_below(inside, root)), None)
    if root is None:
        return None
    below = relative(inside, root)
    slug = relative(inside, SLUG_FOLDER[config.preset])
    if config.preset == "jekyll":
        slug = "/".join(part for part in slug.split("/") if part != "_posts")
    if config.preset == "nuxt":
        slug = "/".join(without_order(part) for part in slug.split("/"))
    if config.preset == "zola":
        languages = set(config.settings.get("languages") or {})
        below, language = by_suffix(below, languages)
        if languages:  # Zola says, as Hugo does, that a file without suffix is in the default one
            language = language or text_of(config.settings.get("default_language")) or "en"
            return Place(file, inside, root, below, identity(slug), identity(below), language)
    language, group = language_of(file, config.folder), identity(slug)
    return Place(file, inside, root, below, identity(slug), without_language(group, language), language)


def without_language(slug: str, language: str | None) -> str:
    """Drop the suffix or the innermost folder that is the language."""
    parts = slug.split("/")
    stem, _, suffix = parts[-1].rpartition(".")
    if language is None:
        return slug
    if stem and language_code(suffix) == language:
        return "/".join([*parts[:-1], stem])
    folders = [number for number, part in enumerate(parts[:-1]) if language_code(part) == language]
    return "/".join(part for number, part in enumerate(parts) if number not in folders[-1:])


def is_below(path: str, root: str) -> bool:
    return root == "." or path.startswith(f"{root}/")


def relative(path: str, root: str) -> str:
    return path if root == "." else path[len(root) + 1 :]


def without_order(part: str) -> str:
    """Drop Nuxt's order prefix: `1.news` is `news`, but `4.2` is a version."""
    return part if VERSION_NAME.fullmatch(part) else ORDER_PREFIX.sub("", part)


def identity(path: str) -> str:
    """Drop the `/index` of a page bundle; `post/index.fr` is `post.fr`, as `post/index` is `post`."""
    return unicodedata.normalize("NFC", re.sub(r"/index(?=$|\.[A-Za-z-]+$)", "", path))


def hugo_folders(config: Configuration) -> tuple[str, dict[str, str]]:
    """Return the common content folder, and those that languages have of their own."""
    common = (text_of(config.settings.get("contentdir")) or "content").strip("/")
    own = {
        code: text_of(settings.get("contentdir"))
        for code, settings in (config.settings.get("languages") or {}).items()
        if isinstance(settings, dict)
    }
    return common, {code: folder.strip("/") for code, folder in own.items() if folder}


def hugo_roots(config: Configuration) -> set[str]:
    common, folders = hugo_folders(config)
    languages = config.settings.get("languages") or {}
    return {*folders.values(), *([common] if len(folders) < max(1, len(languages)) else [])}


def in_hugo(config: Configuration, file: Path, inside: str) -> Place | None:
    """Each language may have its own content folder; else the suffix of the name is the language."""
    languages = config.settings.get("languages") or {}
    common, folders = hugo_folders(config)
    roots = hugo_roots(config)
    base = os.path.commonpath(roots) if len(roots) > 1 else next(iter(roots))
    for code, folder in sorted(folders.items(), key=lambda item: -len(item[1])):
        if is_below(inside, folder) and folder != common:
            slug = identity(relative(inside, base or "."))
            below = relative(inside, folder)
            return Place(file, inside, folder, below, slug, identity(below), code)
    if not is_below(inside, common):
        return None
    slug = identity(relative(inside, base or "."))
    below, language = by_suffix(relative(inside, common), set(languages))
    # With languages configured, a file without suffix is in the default one: so Hugo says.
    language = language or (default_language(config.settings) if languages else None)
    language = language or language_of(file, config.folder)
    group = identity(below) if languages else without_language(slug, language)
    return Place(file, inside, common, below, slug, group, language)


def by_suffix(below: str, languages: set[str]) -> tuple[str, str | None]:
    """Divide `post.fr` where French is a language of the configuration."""
    stem, _, suffix = below.rpartition(".")
    known = {code.lower() for code in languages}
    return (stem, suffix.lower()) if stem and suffix.lower() in known else (below, None)


def jekyll_root(config: Configuration, inside: str) -> str | None:
    """Return the nearest `_posts` or `_drafts`, or the folder of a collection that is written.

    Drafts belong to the roots, because the description says that what lies below `_drafts` is not published.
    """
    parts = inside.split("/")[:-1]
    collections_folder = (text_of(config.settings.get("collections_dir")) or "").strip("/")
    for number, part in enumerate(parts):
        if part in {"_posts", "_drafts"}:
            return "/".join(parts[: number + 1])
        if part.startswith("_") and part != collections_folder:
            break  # other folders with an underscore are not content, except collections
    for label in written_collections(config):
        root = f"{collections_folder}/_{label}".strip("/")
        if is_below(inside, root):
            return root
    return None


def written_collections(config: Configuration) -> Iterator[str]:
    collections = config.settings.get("collections") or {}
    if isinstance(collections, dict):
        for label, settings in collections.items():
            if isinstance(settings, dict) and settings.get("output") == "true" and label != "posts":
                yield label


def language_of(file: Path, top: Path) -> str | None:
    """Return the language that a suffix or a folder names, if there is another language beside it."""
    stem, _, suffix = file.stem.rpartition(".")
    if stem and (code := language_code(suffix)):
        siblings = [
            other.stem for other in file.parent.iterdir() if other != file and other.suffix == file.suffix
        ]
        if any(other == stem or other.startswith(f"{stem}.") for other in siblings):
            return code
    folder = file.parent
    while folder not in (top, folder.parent):
        if code := language_code(folder.name):
            others = [other for other in folder.parent.iterdir() if other.is_dir() and other != folder]
            if any(language_code(other.name) for other in others):
                return code
        folder = folder.parent
    return None


def language_code(text: str) -> str | None:
    found = LANGUAGE_CODE.fullmatch(text)
    return text.replace("_", "-").lower() if found and found[1] in LANGUAGES.split() else None
