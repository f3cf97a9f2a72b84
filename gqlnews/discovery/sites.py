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

from gqlnews.content.diagnostics import LineIndex, OffsetDiagnostic, ProblemCode, build_problem
from gqlnews.content.formats import parse_json, parse_toml
from gqlnews.content.front_matter import to_plain
from gqlnews.content.language_codes import language_folders
from gqlnews.content.models import ContentProblem, ParseOptions, Position
from gqlnews.content.parse_file import read_config_text
from gqlnews.content.presets import hugo, jekyll
from gqlnews.content.presets.generators import DEFAULT_SITES, configure_astro, configure_zola
from gqlnews.content.presets.settings import ConfigProblem, SiteSettings
from gqlnews.content.presets.site import (
    ContentSite,
    compile_root,
    is_in_site,
    normalize_base,
    site_path,
)
from gqlnews.content.safe_open import OpenFolder, scan_entries
from gqlnews.content.yaml_strict import FrontMatterSyntaxError, Node, parse_tree
from gqlnews.discovery.config_files import (
    ALL_NAMES,
    ASTROWIND_FILE,
    CONFIG_NAMES,
    DATA_EXTENSIONS,
    HUGO_FOLDER,
    config_parents,
)

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
        sites.append(above or _without_config(DEFAULT_SITES[wanted or "generic"], folders))
    sites = [_override(_with_languages(site, search.languages), options) for site in sites]
    return Detection(tuple(sites), tuple(search.problems))


def _with_languages(site: ContentSite, languages: Mapping[str, str]) -> ContentSite:
    """Add the language folders in the site, relative to it, the deepest first."""
    inside = {site_path(site, path): code for path, code in languages.items() if is_in_site(site, path)}
    folders = sorted(inside.items(), key=lambda item: (-len(item[0]), item))
    return msgspec.structs.replace(site, language_folders=tuple(folders))


def _without_config(site: ContentSite, folders: list[str]) -> ContentSite:
    """Return the site of a preset without configuration: if no root exists, the folder itself is the root."""
    has_root = any(compile_root(root).match(f"{folder}/") for root in site.roots for folder in folders)
    return site if has_root else msgspec.structs.replace(site, roots=("",), common="")


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


class _ConfigFile(NamedTuple):
    """Configuration file; `values` is None if it cannot be read, which is the problem."""

    text: str
    values: Mapping[str, Any] | None
    problem: ContentProblem | None = None


@dataclass(slots=True)
class _Reader:
    """Reader of the configuration in one folder; `shown` is its path relative to the content folder."""

    folder: OpenFolder
    path: str
    shown: str
    problems: list[ContentProblem]
    files: dict[str, _ConfigFile] = field(default_factory=dict)

    def read(self, names: set[str], folders: set[str]) -> ContentSite | None:
        """Return the site whose configuration is in the folder."""
        hugo_files = self._hugo_files(folders)
        for preset, candidates in CONFIG_NAMES.items():
            files = [name for name in candidates if name in names][:1]
            if preset == "hugo":
                files += hugo_files
            if files and (site := self._configure(preset, files)) is not None:
                return msgspec.structs.replace(site, config=self._show(files[0]))
        self.problems += [
            file.problem for file in self.files.values() if file.values is None and file.problem
        ]
        return None

    def _hugo_files(self, folders: set[str]) -> list[str]:
        if "config" not in folders:
            return []
        try:
            descriptor = self.folder.open_folder(self._join(HUGO_FOLDER))
        except OSError:
            return []
        with scan_entries(descriptor) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(DATA_EXTENSIONS))
        names.sort(key=lambda name: not name.startswith(("hugo.", "config.")))  # the others are parts of it
        return [f"{HUGO_FOLDER}/{name}" for name in names]

    def _configure(self, preset: str, files: list[str]) -> ContentSite | None:
        """Return the site of a preset; None if the files are another program's."""
        if preset == "astro":
            files = [ASTROWIND_FILE] if self._exists(ASTROWIND_FILE) else []
        elif preset not in _CONFIGURE:
            return DEFAULT_SITES[preset]
        values: dict[str, Any] = {}
        for name in files:
            if (table := self._read_file(name).values) is not None:
                _merge(values, _nest(name, table) if name.startswith(HUGO_FOLDER) else table)
        is_named = not all(name.startswith("config.") for name in files)
        if files and not is_named and not _is_recognised(preset, values):
            return None
        settings = SiteSettings(values)
        site = _CONFIGURE[preset](settings)
        self.problems += [problem for name in files if (problem := self._read_file(name).problem) is not None]
        for wrong in settings.problems:
            self._report_value(wrong, files)
        return site

    def _read_file(self, name: str) -> _ConfigFile:
        if name not in self.files:
            self.files[name] = self._parse_file(name)
        return self.files[name]

    def _parse_file(self, name: str) -> _ConfigFile:
        text = ""
        try:
            text = self._read_text(name)
            tree, diagnostics = _parse(name, text)
        except OSError as error:
            message = f"The file cannot be read: {error.strerror or error}."
            return _ConfigFile(text, None, self._problem(name, None, message))
        except UnicodeDecodeError:
            message = "The file is not UTF-8 text: save it as UTF-8."
            return _ConfigFile(text, None, self._problem(name, None, message))
        except FrontMatterSyntaxError as error:
            return _ConfigFile(text, None, self._located(name, text, error.diagnostic))
        values = None if tree is None else to_plain(tree)
        serious = [each for each in diagnostics if each.code is not ProblemCode.REPEATED_KEY]
        problem = self._located(name, text, serious[0]) if serious else None
        return _ConfigFile(text, values if isinstance(values, dict) else {}, problem)

    def _read_text(self, name: str) -> str:
        """Return the text of a file. Raises OSError or UnicodeDecodeError."""
        with open(self.folder.open_file(self._join(name)), "rb", buffering=0) as file:
            return read_config_text(file)

    def _located(self, name: str, text: str, diagnostic: OffsetDiagnostic) -> ContentProblem:
        message = diagnostic.message.replace("front matter", "file")
        return self._problem(name, LineIndex(text, 1).position(diagnostic.offset), message)

    def _problem(self, name: str, position: Position | None, message: str) -> ContentProblem:
        return build_problem(self._show(name), position, ProblemCode.BAD_CONFIG, message)

    def _report_value(self, problem: ConfigProblem, files: list[str]) -> None:
        """Report a value at the first place where a file contains it; one with escapes is nowhere."""
        texts = [(name, self._read_file(name).text) for name in files]
        name, text = next((each for each in texts if problem.value in each[1]), texts[0])
        offset = text.find(problem.value)
        position = LineIndex(text, 1).position(offset) if offset >= 0 else None
        self.problems.append(self._problem(name, position, problem.message))

    def _exists(self, name: str) -> bool:
        try:
            self.folder.lstat(self._join(name))
        except OSError:
            return False
        return True

    def _join(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def _show(self, name: str) -> str:
        return f"{self.shown.rstrip('/')}/{name}" if self.shown else name


def _parse(name: str, text: str) -> tuple[Node | None, list[OffsetDiagnostic]]:
    if name.endswith(".toml"):
        return parse_toml(text)
    if name.endswith(".json"):
        return parse_json(text, last_wins=True)
    return parse_tree(text, last_wins=True)


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
