"""A folder's changes as they come, for who keeps something equal to it.

1. Watch, then have the whole folder looked at: so nothing falls between the two.
2. Tell the paths that change, some milliseconds after they did.
3. Begin anew where that may not be all: the folder is another one, something was lost, or so much came at
   once that the system's queue may have run over, of which nobody is told. And from time to time in any case.

Where the system tells nothing, the whole folder is looked at again and again, ever after a while that is
many times as long as a look takes.
"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gqlnews.content.changes import Alarm, Changes
from gqlnews.content.mounts import tells_changes
from gqlnews.content.root import Root
from gqlnews.errors import ExhaustedError, FolderError

Batch = frozenset[str] | None
"""Paths below the folder at or below which something changed; None is everything."""

_MANY = 1000  # paths at once
_CHECK = 0.25  # seconds between looks at what the system does not tell
_RECONCILE, _RECONCILE_TIMES = 60.0, 100  # seconds at least, and times what a look at everything takes
_POLL, _POLL_TIMES = 0.5, 20
_AFTER_LOSS, _AFTER_LOSS_TIMES = 5.0, 5  # seconds at most


@dataclass(frozen=True)
class Circumstances:
    """What decides how a folder is watched.

    `poll` asks the system nothing; `say` is told, in words, where it cannot be asked. `seconds` is how long
    the last look at everything took, `disturbed` whether there is a reason beyond the folder for another.
    """

    poll: bool
    say: Callable[[str], None]
    seconds: Callable[[], float]
    disturbed: Callable[[], bool]


def watch(folder: Path, circumstances: Circumstances) -> Generator[Batch, None, None]:
    """What changes in the folder, for ever; first everything. While the folder is missing it is everything.

    Raises KeyboardInterrupt for a signal.
    """
    if circumstances.poll or not tells_changes(folder):
        yield from _poll(circumstances)
    said = False
    while True:
        try:
            changes = Changes(folder)
        except FolderError:
            yield None  # whoever looks says so, and waits until it is there
        except ExhaustedError:
            yield None  # reading the folder reports it
            _rest(circumstances)
        except OSError as error:
            if not said:
                circumstances.say(_unwatchable(folder, error))
            said = True
            yield None
            _rest(circumstances)
        else:
            with closing(changes):
                yield None
                yield from _until_doubt(folder, changes, circumstances)


def _poll(circumstances: Circumstances) -> Generator[Batch, None, None]:
    while True:
        yield None
        _rest(circumstances)


def _rest(circumstances: Circumstances) -> None:
    _pause(max(_POLL, _POLL_TIMES * circumstances.seconds()), circumstances)


def _until_doubt(
    folder: Path, changes: Changes, circumstances: Circumstances
) -> Generator[Batch, None, None]:
    """What changes, until it may not be all."""
    started, took = time.monotonic(), circumstances.seconds()
    due = started + max(_RECONCILE, _RECONCILE_TIMES * took)
    clock = _Clock(folder, changes.root, circumstances.disturbed, due)
    alarm = Alarm(clock.rings)
    while (paths := changes.next(alarm)) is not None:
        if paths:
            yield paths
        if len(paths) >= _MANY:
            return
    if not clock.rang:
        shortest = min(_AFTER_LOSS, _AFTER_LOSS_TIMES * took)
        _pause(started + shortest - time.monotonic(), circumstances)


class _Clock:
    """Rings where the folder is another or gone, where something disturbs, and when it is time."""

    def __init__(self, folder: Path, root: Root, disturbed: Callable[[], bool], due: float) -> None:
        self.rang = False
        self._folder = folder
        self._root = root
        self._disturbed = disturbed
        self._due = due
        self._next = 0.0

    def rings(self) -> bool:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _CHECK
            self.rang = now >= self._due or not self._stands() or self._disturbed()
        return self.rang

    def _stands(self) -> bool:
        try:
            status = os.stat(self._folder)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._root


def _pause(seconds: float, circumstances: Circumstances) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not circumstances.disturbed():
        time.sleep(min(left, _CHECK))


def _unwatchable(folder: Path, error: OSError) -> str:
    return (
        f"folder {folder} cannot be watched ({error}): raise fs.inotify.max_user_watches and "
        "max_user_instances; it is looked at from time to time instead"
    )
