"""Translate file system events of a content folder into the paths that must be scanned again.

Folders are watched one by one, not recursively: a recursive watch would enter hidden folders and follow
links out of the content. So when a folder appears, the watch is replaced by one that includes it before its
path is reported: the caller's scan finds what was written earlier, and events report what is written later.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from gqlnews.discovery.root_folder import root_identity
from gqlnews.discovery.scan import is_article
from gqlnews.discovery.scan_paths import is_visible
from gqlnews.discovery.watch_tree import WatchTree, is_folder
from gqlnews.errors import ContentFolderError, ExhaustedError

STEP_MS = 15  # debounce: events are reported after this long without a new one
LONGEST_MS = 200  # maximum delay of an event, counted from the first
_DRAIN_MS = 10

RawEvents = set[tuple[int, str]]


@dataclass(frozen=True)
class StopEvent:
    """Stop event for the watch, polled every `STEP_MS` milliseconds."""

    is_stopped: Callable[[], bool]

    def is_set(self) -> bool:
        """Return whether to stop waiting; `RustNotify` requires this method name."""
        return self.is_stopped()


class FolderWatcher:
    """Watches a folder. Raises ContentFolderError, ExhaustedError, or OSError if it is not watchable."""

    def __init__(self, folder: Path) -> None:
        self.root = root_identity(folder)
        self._folder = Path(os.path.realpath(folder))  # event paths start with the watched path
        self._tree = WatchTree(self._folder)
        self._tree.add("")
        self._notify = self._watch({""})
        self._left: RawEvents = set()

    def wait_for_paths(self, stop: StopEvent) -> frozenset[str] | None:
        """Wait for the next change and return its paths; None if `stop` is set or events may be lost.

        The paths are relative to the folder: articles and folders that were added, modified or deleted, and
        anything else that was deleted. The set may be empty. Raises KeyboardInterrupt on a signal.
        """
        try:
            events, self._left = self._left, set()
            events = events or self._raw_events(LONGEST_MS, STEP_MS, 0, stop)
            return self._paths(events) if events else None
        except WatchfilesRustInternalError:  # a name is not UTF-8; the watch reports nothing after it
            return None
        except (
            OSError,
            ContentFolderError,
            ExhaustedError,
        ):  # a new folder is not watchable, or the root is gone
            return None

    def close(self) -> None:
        """Stop watching."""
        self._notify.close()

    def _raw_events(
        self, longest_ms: int, step_ms: int, timeout_ms: int, stop: StopEvent | None
    ) -> RawEvents:
        events = self._notify.watch(longest_ms, step_ms, timeout_ms, stop)
        if events == "signal":
            raise KeyboardInterrupt
        return events if isinstance(events, set) else set()

    def _paths(self, events: RawEvents) -> frozenset[str]:
        """Return the event paths that may concern articles, and start to watch new folders."""
        names = {(change, self._below(path)) for change, path in events}
        seen = {path for _, path in names if path and is_visible(path)}
        articles = {path for path in seen if is_article(path)}
        new = {path for change, path in names if path in seen and self._is_new_folder(path, change)}
        # An event does not say if a folder was deleted, and a scan may have seen one before it was watched.
        gone = {path for change, path in names if path in seen and self._is_gone(path, change)}
        links = {path for path in articles if os.path.islink(os.path.join(self._folder, path))}
        needs_new_watch = bool(new or links - self._tree.links)
        for path in gone:
            self._tree.remove(path)
        for path in new:
            self._tree.add(path)
        self._tree.links |= links
        if needs_new_watch:
            self._restart_watch(new)
        paths = articles | new | gone
        return frozenset(paths | self._tree.links if paths or self._is_behind(names) else ())

    def _is_new_folder(self, path: str, change: int) -> bool:
        """Return whether `path` is an unwatched folder; an `added` event means a different folder."""
        is_known = change != Change.added and path in self._tree.folders
        return not is_known and is_folder(self._folder, path)

    def _is_gone(self, path: str, change: int) -> bool:
        """Return whether `path` was deleted or is a folder that can no longer be listed."""
        if change != Change.modified or path not in self._tree.folders:
            return change == Change.deleted
        return not os.access(os.path.join(self._folder, path), os.R_OK | os.X_OK)

    def _is_behind(self, names: Iterable[tuple[int, str]]) -> bool:
        """Return whether any of the paths may be the target of a link."""
        behind = self._tree.link_targets() if self._tree.links else set()
        return any(os.path.dirname(path) in behind for _, path in names)

    def _restart_watch(self, new: set[str]) -> None:
        """Start a watch that includes `new`; save the old watch's pending events for the next call."""
        notify = self._watch(new)
        self._left = self._raw_events(0, _DRAIN_MS, _DRAIN_MS, None)
        self._notify.close()
        self._notify = notify

    def _watch(self, new: set[str]) -> RustNotify:
        """Watch every folder, including those created below `new` before the watch started."""
        while True:
            watched = self._tree.folders | self._tree.link_targets()
            try:
                notify = RustNotify([self._above(path) for path in watched], False, False, 0, False, False)
            except FileNotFoundError:
                root_identity(self._folder)
                self._tree.drop_missing()
                continue
            for path in new:
                self._tree.add(path)
            if self._tree.folders <= watched:
                return notify

    def _above(self, path: str) -> str:
        return os.path.join(self._folder, path) if path else str(self._folder)

    def _below(self, path: str) -> str:
        return path[len(str(self._folder)) :].lstrip("/")
