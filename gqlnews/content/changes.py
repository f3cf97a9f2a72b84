"""From what the system tells of a folder to the paths that a reader of it must look at.

Folders are watched one by one, not as a tree: a tree would go into hidden folders, and through links out of
the content. So where a folder comes, all are watched anew, the new ones too, before its paths are told: what
is written into it earlier is seen by who looks, what is written later is told.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from gqlnews.content.discover import is_article
from gqlnews.content.look import is_visible
from gqlnews.content.root import root_of
from gqlnews.content.tree import Tree, is_folder
from gqlnews.errors import ExhaustedError, FolderError

STEP_MS = 15  # of quiet, and what came is told
LONGEST_MS = 200  # after the first change all that came is told, quiet or not
_DRAIN_MS = 10

Told = set[tuple[int, str]]


@dataclass(frozen=True)
class Alarm:
    """Asked every `STEP_MS` milliseconds: the waiting ends where it rings."""

    rings: Callable[[], bool]

    def is_set(self) -> bool:
        """As `RustNotify` asks for it."""
        return self.rings()


class Changes:
    """What changes in a folder from now on. Raises FolderError, ExhaustedError, OSError if not watchable."""

    def __init__(self, folder: Path) -> None:
        self.root = root_of(folder)
        self._folder = Path(os.path.realpath(folder))  # what is told begins with the path that is watched
        self._tree = Tree(self._folder)
        self._tree.grow("")
        self._notify = self._watch({""})
        self._left: Told = set()

    def next(self, alarm: Alarm) -> frozenset[str] | None:
        """The paths of the next change, which may be none; None where the alarm rang, or something was lost.

        Paths are below the folder, of articles and folders that came, changed or went, and of whatever else
        went. Raises KeyboardInterrupt for a signal.
        """
        try:
            told, self._left = self._left, set()
            told = told or self._told(LONGEST_MS, STEP_MS, 0, alarm)
            return self._paths(told) if told else None
        except WatchfilesRustInternalError:  # it cannot tell a name that is no UTF-8, and then nothing more
            return None
        except (OSError, FolderError, ExhaustedError):  # what is new cannot be watched, or all is gone
            return None

    def close(self) -> None:
        """Watch no more."""
        self._notify.close()

    def _told(self, longest_ms: int, step_ms: int, timeout_ms: int, alarm: Alarm | None) -> Told:
        told = self._notify.watch(longest_ms, step_ms, timeout_ms, alarm)
        if told == "signal":
            raise KeyboardInterrupt
        return told if isinstance(told, set) else set()

    def _paths(self, told: Told) -> frozenset[str]:
        """What of it may be of an article; and watch what is new."""
        names = {(change, self._below(path)) for change, path in told}
        seen = {path for _, path in names if path and is_visible(path)}
        articles = {path for path in seen if is_article(path)}
        new = {path for change, path in names if path in seen and self._came(path, change)}
        # Whether it was a folder is not told, and who looked may have seen one that was not watched yet.
        gone = {path for change, path in names if path in seen and self._went(path, change)}
        links = {path for path in articles if os.path.islink(os.path.join(self._folder, path))}
        anew = bool(new or links - self._tree.links)
        for path in gone:
            self._tree.prune(path)
        for path in new:
            self._tree.grow(path)
        self._tree.links |= links
        if anew:
            self._watch_anew(new)
        paths = articles | new | gone
        return frozenset(paths | self._tree.links if paths or self._is_behind(names) else ())

    def _came(self, path: str, change: int) -> bool:
        """Whether it is a folder that is not watched: it is another than before where it was added."""
        is_known = change != Change.added and path in self._tree.folders
        return not is_known and is_folder(self._folder, path)

    def _went(self, path: str, change: int) -> bool:
        """Whether it is gone, or is a folder that cannot be listed any more."""
        if change != Change.modified or path not in self._tree.folders:
            return change == Change.deleted
        return not os.access(os.path.join(self._folder, path), os.R_OK | os.X_OK)

    def _is_behind(self, names: Iterable[tuple[int, str]]) -> bool:
        """Whether a link may lead to one of these."""
        behind = self._tree.behind() if self._tree.links else set()
        return any(os.path.dirname(path) in behind for _, path in names)

    def _watch_anew(self, new: set[str]) -> None:
        """Watch what is new too; what the old watch was told until then is left for the next turn."""
        notify = self._watch(new)
        self._left = self._told(0, _DRAIN_MS, _DRAIN_MS, None)
        self._notify.close()
        self._notify = notify

    def _watch(self, new: set[str]) -> RustNotify:
        """A watch of every folder, those too that came below the new ones before it began."""
        while True:
            watched = self._tree.folders | self._tree.behind()
            try:
                notify = RustNotify([self._above(path) for path in watched], False, False, 0, False, False)
            except FileNotFoundError:
                root_of(self._folder)
                self._tree.tidy()
                continue
            for path in new:
                self._tree.grow(path)
            if self._tree.folders <= watched:
                return notify

    def _above(self, path: str) -> str:
        return os.path.join(self._folder, path) if path else str(self._folder)

    def _below(self, path: str) -> str:
        return path[len(str(self._folder)) :].lstrip("/")
