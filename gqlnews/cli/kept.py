"""Processes that are started again where they end, and that end with this one, however it ends.

Each has a pipe for its standard input, whose other end this process alone holds: when that closes, the input
ends, and the process has to end too.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat

from gqlnews.server.logs import note

LONG = 5.0  # seconds
PATIENCE = 9.0  # seconds for it to end when its input does

Start = Callable[[], "subprocess.Popen[bytes]"]


class Kept:
    """One process, looked after by a thread. `name` is what the log calls it."""

    def __init__(self, name: str, start: Start, running: "subprocess.Popen[bytes] | None" = None) -> None:
        """`running` is one that was started already."""
        self._name, self._start = name, start
        self._stopping = threading.Event()
        self._process = running or start()
        self._thread = threading.Thread(target=self._keep, name=f"gqlnews-{name}", daemon=True)
        self._thread.start()

    def signal(self, number: int) -> None:
        """For good: it is not started again."""
        self._stopping.set()
        self._process.send_signal(number)

    def wait(self) -> None:
        """Until it has ended for good."""
        self._thread.join()

    def stop(self) -> None:
        """End it, by the end of its input, or by force where it does not heed that."""
        self._stopping.set()
        self._close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.join()

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _keep(self) -> None:
        waits = _pauses()
        while True:
            began = time.monotonic()
            status = self._process.wait()
            if self._stopping.is_set():
                return
            note(f"{self._name} ended", status=status, again=True)
            if time.monotonic() - began >= LONG:
                waits = _pauses()
            elif self._stopping.wait(next(waits)):
                return
            self._close()
            if not self._restart():
                return
            if self._stopping.is_set():  # it was started while it was stopped
                self._close()

    def _restart(self) -> bool:
        """Start it again, however often that must be tried; False where it was stopped meanwhile."""
        reason = None
        for pause in _pauses():
            try:
                self._process = self._start()
                return True
            except OSError as error:  # no memory, processes or open files for now
                if reason != str(error):
                    reason = str(error)
                    note(f"{self._name} cannot be started", reason=reason, again=True)
            if self._stopping.wait(pause):
                break
        return False


def _pauses() -> Iterator[float]:
    """Seconds to wait before each further start of a process that did not live for long."""
    return chain((0.5, 1.0, 2.0, 4.0), repeat(8.0))
