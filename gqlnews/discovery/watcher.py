"""MISSING"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gqlnews.discovery.fs_events import FolderWatcher, StopEvent, supports_inotify
from gqlnews.discovery.scan import Root
from gqlnews.errors import ContentFolderError, ExhaustedError

# Watch a folder and yield its changes, for a caller that mirrors its content.
#
# 1. Start the watch, then request a full scan, so that no change is missed between the two.
# 2. Yield changed paths a few milliseconds after they change.
# 3. Start over when changes may have been missed: the folder was replaced, events were lost, or so many
#    arrived at once that the kernel's queue may have overflowed, which is not reported. Also start over
#    periodically.
#
# If the file system reports no changes, request a full scan at intervals of many times a scan's duration.


Batch = frozenset[str] | None
"""Relative paths at or below which something changed; None requests a full scan."""

_MANY = 1000  # paths in one batch, from which the kernel's queue may have overflowed
_CHECK = 0.25  # seconds between checks of conditions that cause no event
_RECONCILE, _RECONCILE_TIMES = 60.0, 100  # interval: seconds at least, and times a full scan's duration
_POLL, _POLL_TIMES = 0.5, 20  # the same for polling
_AFTER_LOSS, _AFTER_LOSS_TIMES = 5.0, 5  # the same after lost events, but seconds at most


@dataclass(frozen=True)
class WatchOptions:
    """Watch options and callbacks.

    `poll` disables file system events; `say` receives a message if they are unavailable. `seconds` returns
    the duration of the last full scan, `needs_rescan` whether something outside the folder requires another.
    """

    poll: bool
    say: Callable[[str], None]
    seconds: Callable[[], float]
    needs_rescan: Callable[[], bool]


def watch(folder: Path, options: WatchOptions) -> Generator[Batch, None, None]:
    """Yield the changes of the folder forever; the first batch, and each one while it is missing, is None.

    Raises KeyboardInterrupt on a signal.
    """
    if options.poll or not supports_inotify(folder):
        yield from _poll(options)
    said = False
    while True:
        try:
            changes = FolderWatcher(folder)
        except ContentFolderError:
            yield None  # the caller's scan reports it, and waits until the folder exists
        except ExhaustedError:
            yield None  # the caller's scan reports it
            _poll_delay(options)
        except OSError as error:
            if not said:
                options.say(_unwatchable(folder, error))
            said = True
            yield None
            _poll_delay(options)
        else:
            with closing(changes):
                yield None
                yield from _watch_until_rescan(folder, changes, options)


def _poll(options: WatchOptions) -> Generator[Batch, None, None]:
    while True:
        yield None
        _poll_delay(options)


def _poll_delay(options: WatchOptions) -> None:
    _pause(max(_POLL, _POLL_TIMES * options.seconds()), options)


def _watch_until_rescan(
    folder: Path, changes: FolderWatcher, options: WatchOptions
) -> Generator[Batch, None, None]:
    """Yield changes until some may have been missed."""
    started, took = time.monotonic(), options.seconds()
    due = started + max(_RECONCILE, _RECONCILE_TIMES * took)
    clock = _RescanTimer(folder, changes.root, options.needs_rescan, due)
    alarm = StopEvent(clock.fires)
    while (paths := changes.wait_for_paths(alarm)) is not None:
        if paths:
            yield paths
        if len(paths) >= _MANY:
            return
    if not clock.fired:
        shortest = min(_AFTER_LOSS, _AFTER_LOSS_TIMES * took)
        _pause(started + shortest - time.monotonic(), options)


class _RescanTimer:
    """Rescan timer: fires when a full scan is due or requested, or the folder was replaced or deleted."""

    def __init__(self, folder: Path, root: Root, needs_rescan: Callable[[], bool], due: float) -> None:
        self.fired = False
        self._folder = folder
        self._root = root
        self._needs_rescan = needs_rescan
        self._due = due
        self._next = 0.0

    def fires(self) -> bool:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _CHECK
            self.fired = now >= self._due or not self._stands() or self._needs_rescan()
        return self.fired

    def _stands(self) -> bool:
        try:
            status = os.stat(self._folder)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._root


def _pause(seconds: float, options: WatchOptions) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not options.needs_rescan():
        time.sleep(min(left, _CHECK))


def _unwatchable(folder: Path, error: OSError) -> str:
    return (
        f"folder {folder} cannot be watched ({error}): raise fs.inotify.max_user_watches and "
        "max_user_instances; it is looked at from time to time instead"
    )
