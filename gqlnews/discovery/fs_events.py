"""File system events of a content folder, and the watches and file systems they come from."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from watchfiles import Change
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from gqlnews.content.safe_open import OpenFolder, entries_of, resolve_within
from gqlnews.discovery.scan import is_article, is_visible, root_identity
from gqlnews.errors import ContentFolderError, ExhaustedError, raise_if_exhausted

# Folders and links of a content folder, which a watcher has to know in advance.


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


# Translate file system events of a content folder into the paths that must be scanned again.
#
# Folders are watched one by one, not recursively: a recursive watch would enter hidden folders and follow
# links out of the content. So when a folder appears, the watch is replaced by one that includes it before its
# path is reported: the caller's scan finds what was written earlier, and events report what is written later.


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


# Detect file systems without change events, such as network file systems written by other machines.


_SILENT = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|fuse(\..*|blk|ctl)?|virtiofs|vboxsf|prl_fs|afs|ceph|lustre"
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_MOUNTS = Path("/proc/self/mountinfo")


def supports_inotify(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Return whether the folder's file system, and each one mounted below it, reports changes.

    `mounts` has the format of Linux; other systems are assumed to report changes.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return True
    return not any(_SILENT.fullmatch(kind) for kind in _kinds(os.path.realpath(folder), lines))


def _kinds(folder: str, lines: list[str]) -> Iterator[str]:
    """Yield the types of the folder's file system and of each file system mounted below it."""
    own = ("", "")
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point, kind = _plain(fields.split(" ")[4]), rest.split(" ")[0]
        if _lies_in(folder, point) and len(point) >= len(own[0]):
            own = (point, kind)  # a later mount at the same path hides the earlier one
        elif _lies_in(point, folder):
            yield kind
    yield own[1]


def _lies_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _plain(text: str) -> str:
    """Decode octal escapes such as `\\040`, which mountinfo uses for spaces."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
