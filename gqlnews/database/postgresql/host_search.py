"""Search for a better host: in place of a standby that lags far behind, or of the primary.

It takes seconds if a host does not answer, so it runs in a task while the present host is used.
"""

import asyncio
import math
import time
from contextlib import suppress

from gqlnews.database.postgresql.hosts import AVOID_SECONDS, STANDBY_RETRY_SECONDS, HostConnection, Hosts
from gqlnews.errors import DatabaseError


class HostSearch:
    """Searches again and again for a host that is better than the present one. `close` it at the end."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._task: asyncio.Task[HostConnection] | None = None
        self._started_at = -math.inf  # by time.monotonic()

    async def close(self) -> None:
        """End the search. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and task.exception() is None:
                task.result().terminate()

    def find(self, present: HostConnection, is_behind: bool) -> HostConnection | None:
        """Return a connection to a better host if one was found, else see to it that a search runs if due."""
        if self._task is None:
            if self._hosts.has_several and self._is_due(present, is_behind):
                self._started_at = time.monotonic()
                self._task = asyncio.create_task(self._hosts.connect())
            return None
        if not self._task.done():
            return None
        task, self._task = self._task, None
        with suppress(DatabaseError):  # no host answers
            found = task.result()
            is_better = not found.is_behind and (is_behind or self._hosts.is_wanted(found))
            if is_better and found.url != present.url:
                return found
            found.terminate()
        return None

    def _is_due(self, present: HostConnection, is_behind: bool) -> bool:
        now = time.monotonic()
        if is_behind:
            return now - self._started_at > AVOID_SECONDS
        since = max(self._started_at, present.connected_at)
        return not self._hosts.is_wanted(present) and now - since > STANDBY_RETRY_SECONDS
