"""A PostgreSQL primary and a streaming replica of it, on Unix domain sockets."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.postgresql import Cluster, PostgresProcess, installed_programs

DEADLINE = 30.0
_OPTIONS = ("-c", "synchronous_commit=on", "-c", "wal_level=replica", "-c", "hot_standby=on")
"""Only WAL that is flushed is sent to a replica, so each transaction waits for that."""


@dataclass
class ReplicaPair:
    """A primary, whose databases `cluster` creates, and a replica. URLs are those of one database."""

    primary: PostgresProcess
    replica: PostgresProcess
    cluster: Cluster

    def replica_url(self, url: str) -> str:
        """Return the URL of the database on the replica; `url` is that on the primary."""
        return urlsplit(self.replica.url)._replace(path=urlsplit(url).path).geturl()

    def both_url(self, url: str) -> str:
        """Return the URL with both hosts, the replica first."""
        hosts = (quote(str(server.folder), safe="") for server in (self.replica, self.primary))
        return urlsplit(url)._replace(query=f"host={','.join(hosts)}").geturl()

    def wait_for_replay(self) -> None:
        """Wait until the replica has all that the primary has now."""
        position = self._sql(self.primary, "SELECT pg_current_wal_flush_lsn()")
        self._wait(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    def pause_replay(self) -> None:
        self._sql(self.replica, "SELECT pg_wal_replay_pause()")
        self._wait("SELECT pg_get_wal_replay_pause_state() = 'paused'")

    def resume_replay(self) -> None:
        self._sql(self.replica, "SELECT pg_wal_replay_resume()")

    def promote(self) -> None:
        """Make the replica the primary."""
        assert self._sql(self.replica, "SELECT pg_promote()") == "t"

    def _wait(self, condition: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while self._sql(self.replica, condition) != "t":
            assert time.monotonic() < deadline, condition

    @staticmethod
    def _sql(server: PostgresProcess, statement: str) -> str:
        """Run a statement with psql, and return its output."""
        return server.run("psql", "-XAtc", statement, server.url).strip()


@contextmanager
def running_pair() -> Iterator[ReplicaPair]:
    """Start a primary and a replica in temporary files."""
    with (
        tempfile.TemporaryDirectory(prefix="gqlnews-pg-") as primary_folder,
        tempfile.TemporaryDirectory(prefix="gqlnews-pg-") as replica_folder,
    ):
        programs = installed_programs()
        primary = PostgresProcess(Path(primary_folder), programs)
        replica = PostgresProcess(Path(replica_folder), programs)
        try:
            primary.create()
            primary.start(_OPTIONS)
            replica.create_replica(primary.url)
            replica.start(_OPTIONS)
            yield ReplicaPair(primary, replica, Cluster(primary.url, primary))
        finally:
            replica.stop()
            primary.stop()
