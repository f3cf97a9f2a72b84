"""Watch a content folder for file system events, and translate them into paths to scan again.

Folders are watched one by one, not recursively: a recursive watch would include hidden folders, and follow
links out of the content folder. So when a folder appears, the watch is replaced by one that includes it, and
then its path is reported: the caller's scan finds files that were written earlier, events report later ones.

This uses `RustNotify`, on which `watchfiles.watch` is built. The generator `watchfiles.watch` starts a watch
only when it is asked for events; but the watch has to start before the caller's scan. Nor can it read the
pending events of a watch that is replaced, or interrupt the wait for events without losing those that are
pending: a stop event and a timeout discard them, while an exception of the stop event does not.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from watchfiles import Change
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from gqlnews.content.safe_open import OpenFolder, resolution_entries, scan_entries
from gqlnews.discovery.config_files import is_config
from gqlnews.discovery.scan import decode_mount_path, folder_identity, is_article, is_image, is_visible
from gqlnews.errors import ContentFolderError, ExhaustedError, raise_if_exhausted

DEBOUNCE_MS = 15  # debounce: events are reported after this long without a new one
MAX_DELAY_MS = 200  # maximum delay, counted from the first event
_DRAIN_MS = 10  # time in which the pending events of a replaced watch are read

RawEvents = set[tuple[int, str]]


class _InterruptedWait(Exception):  # noqa: N818 - not an error
    """Ends a wait for events; those that are pending are returned by the next one."""


@dataclass(frozen=True)
class StopEvent:
    """Stop event of a watch, which polls it every `DEBOUNCE_MS` milliseconds.

    `is_interrupted` ends one wait for events, without losing any; `is_stopped` ends the watch.
    """

    is_stopped: Callable[[], bool]
    is_interrupted: Callable[[], bool] = lambda: False

    def is_set(self) -> bool:
        """Return whether to stop waiting; `RustNotify` requires this method name."""
        if self.is_interrupted():
            raise _InterruptedWait
        return self.is_stopped()


class FolderWatcher:
    """Watcher of a folder. Raises ContentFolderError, ExhaustedError, or OSError if it cannot be watched."""

    def __init__(self, folder: Path) -> None:
        self.root = folder_identity(folder)
        self._folder = Path(os.path.realpath(folder))  # events contain absolute paths that begin with this
        self._tree = WatchTree(self._folder)
        self._tree.add("")
        self._watched: set[str] = set()  # the folders that `_notify` watches
        self._notify = self._watch({""}, set())
        self._pending_events: RawEvents = set()

    def wait_for_paths(self, stop: StopEvent) -> frozenset[str] | None:
        """Wait for the next change and return its paths; None if `stop` is set or events may be lost.

        If `stop` interrupts the wait, the set is empty.

        The paths are relative to the folder: articles, images and configurations that were added, modified or
        deleted, folders that were added or can no longer be listed, and anything else that was deleted. The
        set may be empty. Raises KeyboardInterrupt on a signal.
        """
        try:
            events, self._pending_events = self._pending_events, set()
            events = events or self._raw_events(MAX_DELAY_MS, DEBOUNCE_MS, 0, stop)
            return self._changed_paths(events) if events else None
        except _InterruptedWait:
            return frozenset()
        except WatchfilesRustInternalError:  # a name is not UTF-8; the watch reports nothing after it
            return None
        except (OSError, ContentFolderError, ExhaustedError):  # no watch can be started
            return None

    def close(self) -> None:
        """Stop watching."""
        self._notify.close()

    def _raw_events(
        self, max_delay_ms: int, debounce_ms: int, timeout_ms: int, stop: StopEvent | None
    ) -> RawEvents:
        events = self._notify.watch(max_delay_ms, debounce_ms, timeout_ms, stop)
        if events == "signal":
            raise KeyboardInterrupt
        return events if isinstance(events, set) else set()

    def _changed_paths(self, events: RawEvents) -> frozenset[str]:
        """Return the paths of events that may concern articles or configurations, and watch new folders."""
        names = {(change, self._relative(path)) for change, path in events}
        visible = {path for _, path in names if path and is_visible(path)}
        files = {path for path in visible if is_article(path) or is_config(path) or is_image(path)}
        new = {path for change, path in names if path in visible and self._is_new_folder(path, change)}
        # An event does not say whether a folder was deleted, and a scan may find one before it is watched.
        gone = {path for change, path in names if path in visible and self._is_gone(path, change)}
        for path in gone:
            self._tree.remove(path)
        for path in new:
            self._tree.add(path)
        changed = files | self._tree.affected_links({path for _, path in names})
        needed = self._tree.resolve(changed)
        recreated = any(change == Change.added and path in self._watched for change, path in names)
        if new or recreated or not needed <= self._watched:
            self._restart_watch(new, changed)
        return frozenset(changed | new | gone)

    def _is_new_folder(self, path: str, change: int) -> bool:
        """Return whether `path` is a folder that is not watched; an `added` event means a new one."""
        is_known = change != Change.added and path in self._tree.folders
        return not is_known and is_folder(self._folder, path)

    def _is_gone(self, path: str, change: int) -> bool:
        """Return whether `path` was deleted or is a folder that can no longer be listed."""
        if change != Change.modified or path not in self._tree.folders:
            return change == Change.deleted
        return not os.access(os.path.join(self._folder, path), os.R_OK | os.X_OK)

    def _restart_watch(self, new: set[str], articles: set[str]) -> None:
        """Start a watch that includes `new`; save the old watch's pending events for the next call."""
        notify = self._watch(new, articles)
        self._pending_events = self._raw_events(0, _DRAIN_MS, _DRAIN_MS, None)
        self._notify.close()
        self._notify = notify

    def _watch(self, new: set[str], articles: set[str]) -> RustNotify:
        """Watch every folder, including those created before the watch started.

        These are below `new`, or on the way to the targets of links among `articles`.
        """
        while True:
            watched = self._tree.watched_folders()
            try:
                notify = RustNotify([self._absolute(path) for path in watched], False, False, 0, False, False)
            except FileNotFoundError:
                folder_identity(self._folder)
                self._tree.drop_missing()
                continue
            for path in new:
                self._tree.add(path)
            self._tree.resolve(articles)
            if self._tree.watched_folders() <= watched:
                self._watched = watched
                return notify

    def _absolute(self, path: str) -> str:
        return os.path.join(self._folder, path) if path else str(self._folder)

    def _relative(self, path: str) -> str:
        return path[len(str(self._folder)) :].lstrip("/")


# Folders and links that must be watched.


@dataclass
class WatchTree:
    """Paths relative to the folder: `folders` ('' is the folder itself), and articles that are `links`.

    What a link leads to can change without a change to the link: its target, another link on the way, or a
    folder; or the target appears later. So each link has the entries that resolving it reads, and the folders
    that contain these are watched too, even hidden ones.
    """

    folder: Path
    folders: set[str] = field(default_factory=set)
    links: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, path: str) -> None:
        """Add the folder at `path` and everything below it. Raises ExhaustedError."""
        try:
            folder = OpenFolder.open(self.folder)
        except OSError as error:  # the ingest scan reports the problem
            raise_if_exhausted(error)
            return
        with folder:
            for entry, is_link in _walk(folder, path):
                if is_link:
                    self.resolve([entry])
                else:
                    self.folders.add(entry)

    def remove(self, path: str) -> None:
        """Remove everything at or below `path`."""
        if path in self.folders:
            prefix = f"{path}/"
            self.folders = {known for known in self.folders if not f"{known}/".startswith(prefix)}
            self.links = {link: found for link, found in self.links.items() if not link.startswith(prefix)}
        self.links.pop(path, None)

    def drop_missing(self) -> None:
        """Remove the folders that no longer exist."""
        self.folders = {path for path in self.folders if path == "" or is_folder(self.folder, path)}
        self.resolve(tuple(self.links))

    def resolve(self, articles: Iterable[str]) -> set[str]:
        """Update the links among these articles; return the folders to watch for them."""
        found: set[str] = set()
        for path in articles:
            if os.path.islink(os.path.join(self.folder, path)):
                self.links[path] = resolution_entries(self.folder, path)
                found |= self.links[path]
            else:
                self.links.pop(path, None)
        return self._parents(found)

    def affected_links(self, changed: set[str]) -> set[str]:
        """Return the links for which resolving reads one of the changed paths."""
        return {link for link, entries in self.links.items() if not entries.isdisjoint(changed)}

    def watched_folders(self) -> set[str]:
        """Return all folders to watch."""
        return self.folders.union(self._parents(chain.from_iterable(self.links.values())))

    def _parents(self, entries: Iterable[str]) -> set[str]:
        """Return the folders that contain these entries, and can be listed."""
        parents = set(map(os.path.dirname, entries)) - self.folders
        return {path for path in parents if os.access(os.path.join(self.folder, path), os.R_OK)}


def is_folder(folder: Path, path: str) -> bool:
    """Return whether the path below `folder` is a folder and not a link. Raises ExhaustedError."""
    try:
        with OpenFolder.open(folder) as content:
            return stat.S_ISDIR(content.lstat(path).st_mode)
    except OSError as error:
        raise_if_exhausted(error)
        return False


def _walk(folder: OpenFolder, path: str) -> Iterator[tuple[str, bool]]:
    """Yield each folder at or below `path` with False, and each article that is a link with True."""
    pending = [path]
    while pending:
        current = pending.pop()
        try:
            current.encode()  # the watch supports only UTF-8 names, and articles have no others
            descriptor = folder.open_folder(current)
        except UnicodeEncodeError:
            continue
        except OSError as error:  # the ingest scan reports the problem
            raise_if_exhausted(error)
            continue
        yield current, False
        with scan_entries(descriptor) as entries:
            for entry in entries:
                child = f"{current}/{entry.name}" if current else entry.name
                if not is_visible(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(child)
                elif is_article(entry.name) and entry.is_symlink():
                    yield child, True


# File systems without change events, such as network file systems written by other machines.


_TYPES_WITHOUT_EVENTS = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|fuse(\..*|blk|ctl)?|virtiofs|vboxsf|prl_fs|afs|ceph|lustre"
)
_MOUNTS = Path("/proc/self/mountinfo")


def supports_inotify(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Return whether the folder's file system, and each file system mounted below it, reports changes.

    `mounts` has the format of /proc/self/mountinfo; systems without that file are assumed to report changes.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return True
    return not any(
        _TYPES_WITHOUT_EVENTS.fullmatch(kind) for kind in _file_system_types(os.path.realpath(folder), lines)
    )


def _file_system_types(folder: str, lines: list[str]) -> Iterator[str]:
    """Yield the types of the folder's file system and of each file system mounted below it."""
    nearest = ("", "")
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point, kind = decode_mount_path(fields.split(" ")[4]), rest.split(" ")[0]
        if _is_within(folder, point) and len(point) >= len(nearest[0]):
            nearest = (point, kind)  # a later mount at the same path hides the earlier one
        elif _is_within(point, folder):
            yield kind
    yield nearest[1]


def _is_within(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")
