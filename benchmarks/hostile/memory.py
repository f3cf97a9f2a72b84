"""Sample the anonymous memory of a server's process tree from /proc (Linux).

The kernel cannot reclaim anonymous memory. Pages of the database file, which SQLite maps once per
connection, are not counted: how many of them are resident depends on what else the machine does.
"""

import threading
import time
from pathlib import Path

from benchmarks.processes import process_tree

SAMPLE_INTERVAL = 0.05  # seconds
TREE_INTERVAL = 20  # samples between two scans for child processes
_FIELD = "RssAnon:"


def anonymous_memory(process: int) -> int:
    """Return bytes, or 0 if the process has exited."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(_FIELD)) * 1024


class Sampler:
    """Samples in a separate thread while the `with` block runs."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.now = self.most = 0

    def __enter__(self) -> "Sampler":
        self._sample(process_tree(self._root))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def restart(self) -> int:
        """Reset the peak and return the present value."""
        self.most = self.now
        return self.now

    def wait_until_below(self, limit: int, seconds: float) -> int:
        """Wait until memory is at most `limit` or `seconds` have passed, and return the last sample."""
        until = time.monotonic() + seconds
        while self.now > limit and time.monotonic() < until:
            time.sleep(SAMPLE_INTERVAL)
        return self.now

    def _run(self) -> None:
        count, processes = 0, process_tree(self._root)
        while not self._over.wait(SAMPLE_INTERVAL):
            count += 1
            if count % TREE_INTERVAL == 0:
                processes = process_tree(self._root)
            self._sample(processes)

    def _sample(self, processes: list[int]) -> None:
        self.now = sum(map(anonymous_memory, processes))
        self.most = max(self.most, self.now)
