"""Watch a folder and yield its changes, for a caller that ingests them.

1. Start the watch, then request a full scan, so that no change is missed between the two.
2. Yield changed paths a few milliseconds after they change.
3. Yield an empty batch at the instant at which an article appears or expires. The wall clock is read again
   and again until then, so it may be set forward or back.
4. Start again at 1 when changes may have been missed: when the folder was replaced, when events were lost,
   or when so many arrived at once that the kernel's queue may have overflowed, which is not reported. Also
   start again periodically.

If the file system reports no changes, request a full scan periodically, at intervals of
`_POLL_FACTOR` times the duration of a scan.
"""

import math
import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gqlnews.discovery.fs_events import FolderWatcher, StopEvent, supports_inotify
from gqlnews.discovery.scan import FolderIdentity
from gqlnews.errors import ContentFolderError, ExhaustedError

Batch = frozenset[str] | None
"""Relative paths at or below which something changed, none if an article appears or expires now.

None requests a full scan.
"""

_OVERFLOW_PATHS = 1000  # with this many paths in one batch, the kernel's queue may have overflowed
_CHECK_SECONDS = 0.25  # between checks of conditions that cause no event
# The interval of full scans is the factor times the duration of a full scan, but at least the seconds.
_MIN_RESCAN_SECONDS, _RESCAN_FACTOR = 60.0, 100
_MIN_POLL_SECONDS, _POLL_FACTOR = 0.5, 20
_MAX_LOSS_DELAY, _LOSS_DELAY_FACTOR = 5.0, 5  # the same after lost events, but at most the seconds


@dataclass(frozen=True)
class WatchOptions:
    """Watch options and callbacks.

    `poll` disables file system events; `warn` receives a message if they are unavailable. `last_scan_seconds`
    returns the duration of the last full scan, `needs_rescan` whether another one is needed although the
    folder has not changed. `seconds_until_due` returns the time until an article appears or expires, by the
    wall clock: `math.inf` if none does. It is over 0 again after the caller has ingested the batch.
    """

    poll: bool
    warn: Callable[[str], None]
    last_scan_seconds: Callable[[], float]
    needs_rescan: Callable[[], bool]
    seconds_until_due: Callable[[], float] = lambda: math.inf


def watch(folder: Path, options: WatchOptions) -> Generator[Batch, None, None]:
    """Yield the changes of the folder forever. The first batch, and each while it is missing, is None.

    Raises KeyboardInterrupt on a signal.
    """
    if options.poll or not supports_inotify(folder):
        yield from _poll_forever(options)
    warned = False
    while True:
        try:
            watcher = FolderWatcher(folder)
        except ContentFolderError:
            yield None  # the caller's scan reports the error, and retries until the folder exists
        except ExhaustedError:
            yield None  # the caller's scan reports the error
            yield from _poll_delay(options)
        except OSError as error:
            if not warned:
                options.warn(_not_watchable_message(folder, error))
            warned = True
            yield None
            yield from _poll_delay(options)
        else:
            with closing(watcher):
                yield None
                yield from _watch_until_rescan(folder, watcher, options)


def _poll_forever(options: WatchOptions) -> Generator[Batch, None, None]:
    while True:
        yield None
        yield from _poll_delay(options)


def _poll_delay(options: WatchOptions) -> Generator[Batch, None, None]:
    yield from _sleep(max(_MIN_POLL_SECONDS, _POLL_FACTOR * options.last_scan_seconds()), options)


def _watch_until_rescan(
    folder: Path, watcher: FolderWatcher, options: WatchOptions
) -> Generator[Batch, None, None]:
    """Yield changes until some may have been missed."""
    started, scan_seconds = time.monotonic(), options.last_scan_seconds()
    deadline = started + max(_MIN_RESCAN_SECONDS, _RESCAN_FACTOR * scan_seconds)
    timer = _RescanTimer(folder, watcher.root, options.needs_rescan, deadline)
    stop = StopEvent(timer.check, lambda: options.seconds_until_due() <= 0)
    while (paths := watcher.wait_for_paths(stop)) is not None:
        if paths or stop.is_interrupted():
            yield paths
        if len(paths) >= _OVERFLOW_PATHS:
            return
    if not timer.fired:
        delay = min(_MAX_LOSS_DELAY, _LOSS_DELAY_FACTOR * scan_seconds)
        yield from _sleep(started + delay - time.monotonic(), options)


class _RescanTimer:
    """Rescan timer: fires when a full scan is due or requested, or the folder was replaced or deleted."""

    def __init__(
        self, folder: Path, root: FolderIdentity, needs_rescan: Callable[[], bool], deadline: float
    ) -> None:
        self.fired = False
        self._folder = folder
        self._root = root
        self._needs_rescan = needs_rescan
        self._deadline = deadline
        self._next = 0.0

    def check(self) -> bool:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _CHECK_SECONDS
            self.fired = now >= self._deadline or not self._is_same_folder() or self._needs_rescan()
        return self.fired

    def _is_same_folder(self) -> bool:
        try:
            status = os.stat(self._folder)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._root


def _sleep(seconds: float, options: WatchOptions) -> Generator[Batch, None, None]:
    """Sleep, or until a full scan is needed; yield an empty batch when an article appears or expires."""
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0 and not options.needs_rescan():
        if (until_due := options.seconds_until_due()) > 0:
            time.sleep(min(remaining, until_due, _CHECK_SECONDS))
        else:
            yield frozenset()


def _not_watchable_message(folder: Path, error: OSError) -> str:
    return (
        f"folder {folder} cannot be watched ({error}), and is polled instead: raise "
        "fs.inotify.max_user_watches and fs.inotify.max_user_instances"
    )
