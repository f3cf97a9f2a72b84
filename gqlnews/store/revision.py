"""The version of the content as each audience sees it, looked up by the event loop itself.

To ask whether another connection has written is a look into shared memory, some 4 µs: less than it takes to
wake a thread. Only where one has are the versions read anew.
"""

import sqlite3
from pathlib import Path

from gqlnews.store.connection import connect_to_read

_CHANGED = "PRAGMA data_version"
_VERSIONS = "SELECT version FROM site ORDER BY audience"


class Revision:
    """`open` it in the thread that asks; `close` it there too."""

    def __init__(self) -> None:
        self._db: sqlite3.Connection | None = None
        self._seen: int | None = None
        self._versions: tuple[bytes, ...] = ()

    def open(self, path: Path) -> None:
        """Raises DatabaseError and its kinds."""
        self._db = connect_to_read(path, wait=0.0)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def is_readable(self) -> bool:
        """Whether the database answers a query now. It waits for no other connection and no reader."""
        if self._db is None:
            return False
        try:
            return self._db.execute(_VERSIONS).fetchone() is not None
        except sqlite3.Error:  # that is the answer; the readers report why
            return False

    def version(self, audience: int) -> bytes | None:
        """What `site.version` gives this audience; None where the database does not tell right now.

        What is read after it is of this version or a later one.
        """
        if self._db is None:
            return None
        try:
            (seen,) = self._db.execute(_CHANGED).fetchone()
            if seen != self._seen:
                self._versions = tuple(version for (version,) in self._db.execute(_VERSIONS))
                self._seen = seen
        except sqlite3.Error:  # another process holds it for a moment, or it is broken: the readers say so
            return None
        return self._versions[audience]
