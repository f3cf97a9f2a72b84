"""Names and places of the configuration files of site generators; imports no parser, for a small standby."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

MAX_PARENTS = 4
DATA_EXTENSIONS = ("toml", "yaml", "yml", "json")
_CODE = ("js", "mjs", "cjs", "ts", "mts", "cts")
HUGO_FOLDER = "config/_default"
ASTROWIND_FILE = "src/config.yaml"
CONFIG_NAMES: dict[str, tuple[str, ...]] = {
    "hugo": tuple(f"{name}.{end}" for name in ("hugo", "config") for end in DATA_EXTENSIONS),
    "jekyll": ("_config.yml", "_config.yaml", "_config.toml"),
    "zola": ("zola.toml", "config.toml"),
    "eleventy": (*(f"eleventy.config.{end}" for end in _CODE), ".eleventy.js", ".eleventy.cjs"),
    "astro": tuple(f"astro.config.{end}" for end in _CODE),
    "docusaurus": tuple(f"docusaurus.config.{end}" for end in _CODE),
    "nuxt": tuple(f"nuxt.config.{end}" for end in _CODE),
    "next": tuple(f"next.config.{end}" for end in _CODE),
    "pelican": ("pelicanconf.py",),
}
"""Configuration files of each preset, in order of precedence."""

AUTHOR_NAMES = ("authors", "_data/authors", "data/authors")
AUTHOR_FOLDERS = ("_data/authors", "data/authors")
"""Files with the authors of a site, without extension; and folders with a file for each author."""

ALL_NAMES = frozenset(name for names in CONFIG_NAMES.values() for name in names)
OWN_CONFIG = "gqlnews.toml"


def is_config(path: str) -> bool:
    """Return whether a change to this path may be one of a site's configuration."""
    folder, _, name = path.rpartition("/")
    is_data = name.endswith(tuple(f".{end}" for end in DATA_EXTENSIONS))
    return (
        name in ALL_NAMES
        or name == OWN_CONFIG
        or f"{HUGO_FOLDER}/" in path
        or path.endswith(ASTROWIND_FILE)
        or (is_data and (name.startswith("authors.") or folder.endswith(AUTHOR_FOLDERS)))
    )


def author_files(names: Iterable[str]) -> list[str]:
    """Return the names of the files with these names without extension."""
    return [f"{name}.{end}" for name in names for end in ("yml", "yaml", "toml", "json")]


def outside_stamp(folder: Path, named: str | None) -> tuple[tuple[str, int, int], ...]:
    """Return a value that changes when a configuration file above the folder, or the `named` one, does."""
    paths = [Path(named)] if named else config_candidates(folder)[1:]
    for parent in config_parents(folder):
        paths += [parent / name for name in (*ALL_NAMES, ASTROWIND_FILE, *author_files(AUTHOR_NAMES))]
        for below in (HUGO_FOLDER, *AUTHOR_FOLDERS):
            with suppress(OSError):
                paths += [Path(entry.path) for entry in os.scandir(parent / below)]
    stamp = []
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            stamp.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(sorted(stamp))


def config_parents(folder: Path) -> Iterator[Path]:
    """Yield the folders above a content folder in which a configuration counts, the nearest first."""
    current = Path(os.path.realpath(folder))
    for _ in range(MAX_PARENTS):
        if os.path.lexists(current / ".git") or current.parent == current:
            return
        current = current.parent
        yield current


def config_candidates(folder: Path) -> list[Path]:
    """Return the places of the file: the folder, and those above it up to the root of a git repository."""
    start = Path(os.path.realpath(folder))
    places = [start, *start.parents]
    root = next((at for at, place in enumerate(places) if os.path.lexists(place / ".git")), 0)
    return [place / OWN_CONFIG for place in places[: root + 1]]
