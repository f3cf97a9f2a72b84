"""Folders and links of a content folder, which a watcher has to know in advance."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gqlnews.content.safe_open import OpenFolder, entries_of, resolve_within
from gqlnews.discovery.scan import is_article
from gqlnews.discovery.scan_paths import is_visible
from gqlnews.resource_errors import raise_if_exhausted


@dataclass
class WatchTree:
    """Paths relative to the folder: `folders` that can be listed ('' is the folder itself), `links` to files.

    A link's target can change without the link itself, so the targets' folders are watched too
    (`link_targets`), even hidden ones.
    """

    folder: Path
    folders: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)

    def add(self, path: str) -> None:
        """Add the folder at `path` and everything below it. Raises ExhaustedError."""
        try:
            folder = OpenFolder.at(self.folder)
        except OSError as error:  # the ingest scan reports the problem
            raise_if_exhausted(error)
            return
        with folder:
            for found, is_link in _below(folder, path):
                (self.links if is_link else self.folders).add(found)

    def remove(self, path: str) -> None:
        """Remove everything at or below `path`."""
        if path in self.folders:
            below = f"{path}/"
            self.folders = {known for known in self.folders if not f"{known}/".startswith(below)}
            self.links = {known for known in self.links if not known.startswith(below)}
        self.links.discard(path)

    def drop_missing(self) -> None:
        """Remove the folders that no longer exist."""
        self.folders = {path for path in self.folders if path == "" or is_folder(self.folder, path)}

    def link_targets(self) -> set[str]:
        """Return the folders of the links' targets, for targets inside the content folder."""
        return {os.path.dirname(target) for target in self._targets()}

    def _targets(self) -> Iterator[str]:
        for link in self.links:
            try:
                yield resolve_within(self.folder, link)
            except OSError:
                continue


def is_folder(folder: Path, path: str) -> bool:
    """Return whether a folder, not a link, is at this path below `folder`."""
    try:
        with OpenFolder.at(folder) as inside:
            return stat.S_ISDIR(inside.lstat(path).st_mode)
    except OSError as error:
        raise_if_exhausted(error)
        return False


def _below(folder: OpenFolder, path: str) -> Iterator[tuple[str, bool]]:
    """Yield each folder at or below `path` with False, and each article that is a link with True."""
    waiting = [path]
    while waiting:
        here = waiting.pop()
        try:
            here.encode()  # the watch supports only UTF-8 names, and articles have no others
            descriptor = folder.open_folder(here)
        except UnicodeEncodeError:
            continue
        except OSError as error:  # the ingest scan reports the problem
            raise_if_exhausted(error)
            continue
        yield here, False
        with entries_of(descriptor) as entries:
            for entry in entries:
                below = f"{here}/{entry.name}" if here else entry.name
                if not is_visible(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(below)
                elif is_article(entry.name) and entry.is_symlink():
                    yield below, True
