"""Which folders lie in a content folder, and which articles are links: what a watcher must know before."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gqlnews.content.discover import is_article
from gqlnews.content.exhausted import raise_if_exhausted
from gqlnews.content.inside import OpenFolder, entries_of, resolve_inside
from gqlnews.content.look import is_visible


@dataclass
class Tree:
    """Paths below the folder: `folders` that can be listed ('' is the folder itself), `links` to files.

    What a link leads to changes without the link, so the folders `behind` them count too, hidden ones as
    well.
    """

    folder: Path
    folders: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)

    def grow(self, path: str) -> None:
        """Take in the folder at `path`, and all below it. Raises ExhaustedError."""
        try:
            folder = OpenFolder.at(self.folder)
        except OSError as error:  # reading it reports the problem
            raise_if_exhausted(error)
            return
        with folder:
            for found, is_link in _below(folder, path):
                (self.links if is_link else self.folders).add(found)

    def prune(self, path: str) -> None:
        """Leave out what is at or below `path`."""
        if path in self.folders:
            below = f"{path}/"
            self.folders = {known for known in self.folders if not f"{known}/".startswith(below)}
            self.links = {known for known in self.links if not known.startswith(below)}
        self.links.discard(path)

    def tidy(self) -> None:
        """Leave out the folders that are gone."""
        self.folders = {path for path in self.folders if path == "" or is_folder(self.folder, path)}

    def behind(self) -> set[str]:
        """The folders that links lead to, of those within the content folder."""
        return {os.path.dirname(target) for target in self._targets()}

    def _targets(self) -> Iterator[str]:
        for link in self.links:
            try:
                yield resolve_inside(self.folder, link)
            except OSError:
                continue


def is_folder(folder: Path, path: str) -> bool:
    """Whether a folder is at this path below `folder`, and no link."""
    try:
        with OpenFolder.at(folder) as inside:
            return stat.S_ISDIR(inside.lstat(path).st_mode)
    except OSError as error:
        raise_if_exhausted(error)
        return False


def _below(folder: OpenFolder, path: str) -> Iterator[tuple[str, bool]]:
    """Each folder at or below `path`, and each link to an article; whether it is a link."""
    waiting = [path]
    while waiting:
        here = waiting.pop()
        try:
            here.encode()  # the system's watch takes no other names, and articles have none
            descriptor = folder.open_folder(here)
        except UnicodeEncodeError:
            continue
        except OSError as error:  # reading it reports the problem
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
