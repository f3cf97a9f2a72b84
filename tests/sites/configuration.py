"""Find the generator of a site from its configuration files, and read those that are static."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import yaml

from .front_matter import Repeats, as_text, plain

PARENTS = 4
LEVELS = 3
LEFT_OUT = frozenset({"node_modules", "vendor", "themes"})
STATIC = ("toml", "yaml", "yml", "json")
HUGO_KEYS = frozenset(
    {"baseurl", "languagecode", "defaultcontentlanguage", "contentdir", "permalinks", "publishdir"}
)
BY_NAME = {  # their configuration is code: its name counts, it is not read
    "eleventy": ("eleventy.config.*", ".eleventy.js"),
    "astro": ("astro.config.*",),
    "docusaurus": ("docusaurus.config.*",),
    "nuxt": ("nuxt.config.*",),
    "next": ("next.config.*",),
    "pelican": ("pelicanconf.py",),
}


@dataclass
class Configuration:
    """A site's generator, the folder that it lies in, and what its static configuration says."""

    preset: str
    folder: Path
    file: Path | None
    settings: dict[str, Any] = field(default_factory=dict)
    title: str | None = None
    base_url: str | None = None
    zone_name: str | None = None
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The author data of the site, by slug."""

    @property
    def host(self) -> str | None:
        return urlsplit(self.base_url).hostname if self.base_url else None

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.zone_name) if self.zone_name else UTC


def find_configuration(given: Path) -> Configuration:
    """Look in the given folder, above it as far as the root of its git repository, then below it."""
    for folder in (given, *parents(given), *folders_below(given)):
        if found := recognise(folder):
            return found
    return Configuration("generic", given, None)


def parents(given: Path) -> Iterator[Path]:
    folder = given
    for _ in range(PARENTS):
        if (folder / ".git").exists() or folder == folder.parent:
            return
        folder = folder.parent
        yield folder


def folders_below(given: Path) -> Iterator[Path]:
    """Yield the folders up to three levels below, those of the first level first."""
    level = [given]
    for _ in range(LEVELS):
        level = [
            Path(entry)
            for folder in level
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
            if entry.is_dir(follow_symlinks=False)
            and not entry.name.startswith(".")
            and entry.name not in LEFT_OUT
        ]
        yield from level


def recognise(folder: Path) -> Configuration | None:
    """Return the configuration in this very folder."""
    if found := read_hugo(folder):
        return found
    if (file := folder / "_config.yml").is_file():
        return jekyll(folder, file, read_static(file))
    for name in ("zola.toml", "config.toml"):
        file = folder / name
        if file.is_file() and (name == "zola.toml" or "base_url" in read_static(file)):
            settings = read_static(file)
            base, title = text_of(settings.get("base_url")), text_of(settings.get("title"))
            return Configuration("zola", folder, file, settings, title, base)
    for preset, patterns in BY_NAME.items():
        for pattern in patterns:
            for file in sorted(folder.glob(pattern)):
                return astro(folder, file) if preset == "astro" else Configuration(preset, folder, file)
    return None


def read_hugo(folder: Path) -> Configuration | None:
    """Merge `hugo.*` or `config.*` with the files of `config/_default/`; Hugo's keys have no case."""
    defaults = folder / "config" / "_default"
    file: Path | None = None
    settings: dict[str, Any] = {}
    names = [f"{stem}.{suffix}" for stem in ("hugo", "config") for suffix in STATIC]
    for place in (folder, defaults):
        for main in (place / name for name in names):
            if main.is_file():
                read = lower_keys(read_static(main))
                if place == defaults or main.stem == "hugo" or HUGO_KEYS & read.keys():
                    file = file or main
                    settings |= read
                    break
    if not defaults.is_dir() and file is None:
        return None
    for part in sorted(defaults.glob("*.*")) if defaults.is_dir() else ():
        stem, _, language = part.stem.partition(".")
        if part.suffix[1:] not in STATIC or stem in {"hugo", "config"}:
            continue
        read = lower_keys(read_static(part))
        if not language:  # `permalinks.toml` holds the table of that name
            settings[stem.lower()] = {**settings.get(stem.lower(), {}), **read}
        elif stem == "languages":  # `languages.en.toml`
            settings.setdefault("languages", {}).setdefault(language.lower(), {}).update(read)
        else:  # `params.en.toml`
            settings.setdefault("languages", {}).setdefault(language.lower(), {})[stem.lower()] = read
    default = default_language(settings)
    of_language = settings.get("languages", {}).get(default, {})
    title = text_of(of_language.get("title")) or text_of(settings.get("title"))
    base = text_of(settings.get("baseurl"))
    base = base if base and urlsplit(base).hostname else None  # `/` names no host
    return Configuration("hugo", folder, file, settings, title, base, text_of(settings.get("timezone")))


def default_language(settings: dict[str, Any]) -> str:
    return (text_of(settings.get("defaultcontentlanguage")) or "en").lower()


def jekyll(folder: Path, file: Path, settings: dict[str, Any]) -> Configuration:
    base = text_of(settings.get("url"))
    if base:
        base = base.rstrip("/") + "/" + (text_of(settings.get("baseurl")) or "").strip("/")
    title = text_of(settings.get("title")) or text_of(settings.get("name"))
    return Configuration("jekyll", folder, file, settings, title, base, text_of(settings.get("timezone")))


def astro(folder: Path, file: Path) -> Configuration:
    """Astro's own configuration is code; the theme AstroWind has a static one beside it."""
    theme = folder / "src" / "config.yaml"
    if not theme.is_file():
        return Configuration("astro", folder, file)
    settings = read_static(theme)
    site = settings.get("site") or {}
    base = text_of(site.get("site"))
    if base:
        base = base.rstrip("/") + "/" + (text_of(site.get("base")) or "").strip("/")
    return Configuration("astro", folder, file, settings, text_of(site.get("name")), base)


def read_static(file: Path) -> dict[str, Any]:
    read = read_data(file)
    return read if isinstance(read, dict) else {}


def read_data(file: Path) -> Any:
    text = file.read_text("utf-8-sig")
    if file.suffix == ".toml":
        return as_text(tomllib.loads(text, parse_float=str))
    if file.suffix == ".json":
        return as_text(json.loads(text))
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    return plain(node, Repeats(), set()) if node else {}


def lower_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lower(): lower_keys(item) for key, item in value.items()}
    return [lower_keys(item) for item in value] if isinstance(value, list) else value


def text_of(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
