"""A cluster on loopback: a primary, two replicas, ingesters and servers, each a separate process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.live.stores import GQLNEWS
from benchmarks.throughput.process import Server, run_server
from tests.postgresql import PostgresProcess, unprivileged_user

DATABASE = "news"
DURABLE = ("-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on")
REPLICATION = ("-c", "wal_level=replica", "-c", "hot_standby=on", "-c", "hot_standby_feedback=on")
INGEST_SECONDS = 300.0


@dataclass
class Node:
    """A PostgreSQL server on a port of the loopback address."""

    postgres: PostgresProcess
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@{self.address}/{database}"

    def start(self) -> None:
        listen = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}")
        self.postgres.start((*DURABLE, *REPLICATION, *listen))

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement with psql, and return its output."""
        return self.postgres.run("psql", "-XAtc", statement, self.url(database)).strip()

    def kill(self) -> None:
        """Kill all its processes."""
        if self.postgres.process is not None:
            self.postgres.kill()


@dataclass
class ChildProcess:
    """A process of gqlnews with its log, in a process group of its own."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """Kill it with its children, as if the machine had lost power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Machines:
    """All processes. The first node is the primary until it is killed."""

    scratch: Path
    folder: Path
    programs: Path
    nodes: list[Node] = field(default_factory=list)
    ingesters: list[ChildProcess] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _server_stacks: list[ExitStack] = field(default_factory=list)

    @property
    def url(self) -> str:
        """URL of the database with all hosts."""
        hosts = ",".join(node.address for node in self.nodes)
        return f"postgresql://postgres@{hosts}/{DATABASE}"

    def start_postgres(self, replicas: int) -> None:
        primary = self._node("primary")
        primary.postgres.create()
        self._configure(primary)
        primary.start()
        primary.sql(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        for number in range(1, replicas + 1):
            node = self._node(f"replica{number}")
            node.postgres.create_replica(primary.url())
            node.start()

    def _node(self, name: str) -> Node:
        folder = self.scratch / name
        folder.mkdir()
        node = Node(PostgresProcess(folder, self.programs), free_port())
        self.nodes.append(node)
        self._stack.callback(node.postgres.stop)
        return node

    @staticmethod
    def _configure(node: Node) -> None:
        access = node.postgres.folder / "data" / "pg_hba.conf"
        access.write_text(
            "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"
        )

    def start_ingester(self) -> ChildProcess:
        """Start `gqlnews ingest --watch`, with a cache folder of its own, as on a machine of its own."""
        number = len(self.ingesters) + 1
        log = self.scratch / f"ingester{number}.log"
        cache = self.scratch / f"cache{number}"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, *GQLNEWS, "ingest", str(self.folder), "--watch"],
                env=self._environment(XDG_CACHE_HOME=str(cache)),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        child = ChildProcess(process, log)
        self.ingesters.append(child)
        self._stack.callback(_kill_if_running, child)
        return child

    def wait_for_content(self, articles: int) -> None:
        """Wait until the primary has the articles. Raises SystemExit."""
        until = time.monotonic() + INGEST_SECONDS
        while time.monotonic() < until:
            if self._published_articles() == articles:
                return
            time.sleep(0.2)
        raise SystemExit("the content was not published:\n" + self.ingesters[0].log.read_text()[-2000:])

    def _published_articles(self) -> int:
        """Return the number of articles that the primary has; 0 if nothing is published."""
        find = "SELECT schemaname || '.site' FROM pg_tables WHERE tablename = 'site'"
        table = self.nodes[0].sql(find, DATABASE)
        count = f"SELECT article_count FROM {table} WHERE audience = 2"  # noqa: S608 - a name of our own
        return int(self.nodes[0].sql(count, DATABASE)) if table else 0

    def start_servers(self, count: int) -> None:
        for number in range(1, count + 1):
            self.start_server(number)

    def start_server(self, number: int) -> Server:
        """Start a server without a content folder."""
        stack = self._stack.enter_context(ExitStack())
        command = [sys.executable, *GQLNEWS, "serve", "--port", "0"]
        log = self.scratch / f"server{number}.log"
        server = stack.enter_context(run_server(f"server {number}", command, self._environment(), log))
        self.servers.append(server)
        self._server_stacks.append(stack)
        return server

    def _environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "GQLNEWS_DB": self.url, **more}

    def close(self) -> None:
        self._stack.close()


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _kill_if_running(child: ChildProcess) -> None:
    if child.process.poll() is None:
        child.kill()


@contextmanager
def machines(scratch: Path, folder: Path, programs: Path) -> Iterator[Machines]:
    """Yield the machines, and stop every process afterwards."""
    user = unprivileged_user()
    if user is not None:
        scratch.chmod(0o755)  # PostgreSQL runs as another user
    cluster = Machines(scratch, folder, programs)
    try:
        yield cluster
    finally:
        cluster.close()
