"""Find the sites of a content folder by the configuration files of their generators.

1. Search the content folder and up to three levels of folders below it, then up to four folders above it, but
   none above a git repository. In each folder, the first preset of `CONFIG_NAMES` counts.
2. Read configuration files that are data, with the limits of content files. Code is never run: its name
   counts.
3. A file that cannot be read is a problem, and counts by its name alone if that names a generator.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gqlnews.content.language_codes import language_folders
from gqlnews.content.models import ContentProblem, ParseOptions
from gqlnews.content.presets import hugo, jekyll
from gqlnews.content.presets.generators import DEFAULT_SITES, configure_astro, configure_zola
from gqlnews.content.presets.settings import SiteSettings
from gqlnews.content.presets.site import (
    ContentSite,
    compile_root,
    is_in_site,
    normalize_base,
    site_path,
)
from gqlnews.content.safe_open import OpenFolder, scan_entries
from gqlnews.discovery.author_files import find_author_data
from gqlnews.discovery.config_files import (
    ALL_NAMES,
    ASTROWIND_FILE,
    CONFIG_NAMES,
    DATA_EXTENSIONS,
    HUGO_FOLDER,
    config_parents,
)
from gqlnews.discovery.site_files import SiteFileReader

MAX_LEVELS = 3
LEFT_OUT_FOLDERS = frozenset({"node_modules", "vendor", "themes"})

_CONFIGURE: dict[str, Callable[[SiteSettings], ContentSite]] = {
    "hugo": hugo.configure,
    "jekyll": jekyll.configure,
    "zola": configure_zola,
    "astro": configure_astro,
}
"""Readers of the configurations that are data."""


class Detection(NamedTuple):
    """Sites of a content folder, and the problems of their configuration files."""

    sites: tuple[ContentSite, ...]
    problems: tuple[ContentProblem, ...]


def find_sites(content: OpenFolder, options: ParseOptions) -> Detection:
    """Find the sites in a content folder and above it; the folder itself always belongs to one."""
    wanted = options.overrides.preset
    search = _Search(content)
    below, folders = search.search_below()
    sites = [site for site in below if wanted is None or site.preset == wanted]
    if not any(site.inside == "" for site in sites):
        above = search.search_above(wanted)
        sites.append(above or search.without_config(DEFAULT_SITES[wanted or "generic"], folders))
    sites = [_override(_with_languages(site, search.languages), options) for site in sites]
    return Detection(tuple(sites), tuple(search.problems))


def _with_languages(site: ContentSite, languages: Mapping[str, str]) -> ContentSite:
    """Add the language folders in the site, relative to it, the deepest first."""
    inside = {site_path(site, path): code for path, code in languages.items() if is_in_site(site, path)}
    folders = sorted(inside.items(), key=lambda item: (-len(item[0]), item))
    return msgspec.structs.replace(site, language_folders=tuple(folders))


def _override(site: ContentSite, options: ParseOptions) -> ContentSite:
    overrides = options.overrides
    changes: dict[str, Any] = {
        "base_url": options.base_url or normalize_base(site.base_url),
        "permalink": overrides.permalink,
        "keys": overrides.keys,
        "given_language": overrides.language,
        "provider_domain": overrides.provider_domain,
        "title": overrides.provider_name or site.title,
    }
    if overrides.time_zone is not None:
        changes["time_zone"] = overrides.time_zone
    if overrides.hides_future is not None:
        changes["hides_future"] = overrides.hides_future
    if overrides.hides_expired is not None:
        changes["hides_expired"] = overrides.hides_expired
    return msgspec.structs.replace(site, **changes)


# Search.


@dataclass(slots=True)
class _Search:
    """Search for the configuration files of a content folder."""

    content: OpenFolder
    problems: list[ContentProblem] = field(default_factory=list)
    languages: dict[str, str] = field(default_factory=dict)  # by folder

    def search_below(self) -> tuple[list[ContentSite], list[str]]:
        """Return the sites in the folder and below it, and the folders that were searched."""
        sites: list[ContentSite] = []
        searched: list[str] = []
        level = [""]
        for _ in range(MAX_LEVELS + 1):
            deeper: list[str] = []
            for path in level:
                names, folders = self._list(path)
                searched.append(path)
                self.languages |= language_folders(path, folders)
                site = _Reader(self.content, path, path, self.problems).read(names & ALL_NAMES, folders)
                if site is not None:
                    sites.append(msgspec.structs.replace(site, inside=path))
                prefix = f"{path}/" if path else ""
                for root in () if site is None else site.roots:  # the level below does not contain them
                    if "*" not in root:
                        self.languages |= language_folders(prefix + root, self._list(prefix + root)[1])
                skipped = {*LEFT_OUT_FOLDERS, "_default", *(() if site is None else site.roots)}
                deeper += [
                    prefix + name
                    for name in sorted(folders)
                    if not name.startswith(".") and name not in skipped
                ]
            level = deeper
        return sites, [*searched, *level]

    def without_config(self, site: ContentSite, folders: list[str]) -> ContentSite:
        """Return the site of a preset without configuration; if it has no root, the folder itself is one."""
        has_root = any(compile_root(root).match(f"{folder}/") for root in site.roots for folder in folders)
        site = site if has_root else msgspec.structs.replace(site, roots=("",), common="")
        reader = SiteFileReader(self.content, "", "", self.problems)
        return msgspec.structs.replace(site, authors=find_author_data(reader, site.roots))

    def _list(self, path: str) -> tuple[set[str], set[str]]:
        """Return the names of the files and of the folders in a folder."""
        names: set[str] = set()
        folders: set[str] = set()
        try:
            descriptor = self.content.open_folder(path)
        except OSError:  # the scan of the articles reports it
            return names, folders
        with scan_entries(descriptor) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else names).add(entry.name)
        return names, folders

    def search_above(self, wanted: str | None) -> ContentSite | None:
        """Return the site of the nearest folder above that has a configuration, of the preset `wanted`."""
        start = Path(os.path.realpath(self.content.path))
        for number, parent in enumerate(config_parents(self.content.path), 1):
            names = {name for name in ALL_NAMES if os.path.lexists(parent / name)}
            folders = {"config"} if os.path.isdir(parent / HUGO_FOLDER) else set()
            if not names and not folders:
                continue
            try:
                with OpenFolder.open(parent) as opened:
                    site = _Reader(opened, "", "../" * number, self.problems).read(names, folders)
            except OSError:  # the folder cannot be listed
                continue
            if site is not None and wanted in {None, site.preset}:
                outside = start.relative_to(parent).as_posix()
                return _with_given_root(msgspec.structs.replace(site, outside=outside), outside)
        return None


def _with_given_root(site: ContentSite, outside: str) -> ContentSite:
    """Make the content folder a root of a site above, unless it contains a root or is in one."""
    is_covered = any(
        compile_root(root).match(f"{outside}/") or f"{root}/".startswith(f"{outside}/") or "*" in root
        for root in site.roots
    )
    return site if is_covered else msgspec.structs.replace(site, roots=(*site.roots, outside))


# Configuration files.


@dataclass(slots=True)
class _Reader(SiteFileReader):
    """Reader of the configuration in one folder."""

    def read(self, names: set[str], folders: set[str]) -> ContentSite | None:
        """Return the site whose configuration is in the folder."""
        hugo_files = self._hugo_files(folders)
        for preset, candidates in CONFIG_NAMES.items():
            files = [name for name in candidates if name in names][:1]
            if preset == "hugo":
                files += hugo_files
            if files and (site := self._configure(preset, files)) is not None:
                authors = find_author_data(self, site.roots)
                return msgspec.structs.replace(site, config=self.show(files[0]), authors=authors)
        self.problems += [
            file.problem for file in self.files.values() if file.values is None and file.problem
        ]
        return None

    def _hugo_files(self, folders: set[str]) -> list[str]:
        if "config" not in folders:
            return []
        names = [name for name in self.list_names(HUGO_FOLDER) if name.endswith(DATA_EXTENSIONS)]
        names.sort(key=lambda name: not name.startswith(("hugo.", "config.")))  # the others are parts of it
        return [f"{HUGO_FOLDER}/{name}" for name in names]

    def _configure(self, preset: str, files: list[str]) -> ContentSite | None:
        """Return the site of a preset; None if the files are another program's."""
        if preset == "astro":
            files = [ASTROWIND_FILE] if self.exists(ASTROWIND_FILE) else []
        elif preset not in _CONFIGURE:
            return DEFAULT_SITES[preset]
        values: dict[str, Any] = {}
        for name in files:
            if (table := self.read_file(name).values) is not None:
                _merge(values, _nest(name, table) if name.startswith(HUGO_FOLDER) else table)
        is_named = not all(name.startswith("config.") for name in files)
        if files and not is_named and not _is_recognised(preset, values):
            return None
        settings = SiteSettings(values)
        site = _CONFIGURE[preset](settings)
        self.problems += [problem for name in files if (problem := self.read_file(name).problem) is not None]
        for wrong in settings.problems:
            self.report_value(wrong, files)
        return site


def _is_recognised(preset: str, values: Mapping[str, Any]) -> bool:
    """Return whether a file with the name `config.*` is that of Hugo or Zola."""
    if preset == "zola":
        return "base_url" in values
    return "base_url" not in values and bool({key.lower() for key in values} & hugo.CONFIG_KEYS)


def _nest(name: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the table of a file in `config/_default`: `languages.fr.toml` is the table `languages.fr`."""
    keys = name.removeprefix(f"{HUGO_FOLDER}/").split(".")[:-1]
    for key in reversed([] if keys[0] in {"hugo", "config"} else keys):
        table = {key: table}
    return table


def _merge(values: dict[str, Any], others: Mapping[str, Any]) -> None:
    for key, other in others.items():
        old = values.get(key)
        if isinstance(old, dict) and isinstance(other, Mapping):
            _merge(old, other)
        else:
            values[key] = dict(other) if isinstance(other, Mapping) else other
