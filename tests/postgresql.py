"""A real PostgreSQL for tests: a cluster of the test process, with one database per test."""

import asyncio
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg

from gqlnews.database.postgresql.copy import load
from gqlnews.database.postgresql.schema import schema_name

GIVEN_CLUSTER = "GQLNEWS_TEST_POSTGRES"
"""Environment variable with the URL of a cluster to use instead; its user may create databases."""

PROGRAMS = "GQLNEWS_TEST_POSTGRES_PROGRAMS"
"""Environment variable with the folder of PostgreSQL's programs; by default those of the package pgserver."""

DEBIAN = Path("/usr/lib/postgresql/15/bin")
"""Programs of Debian's package postgresql-15."""

STARTED = "database system is ready to accept"
_DEADLINE = 60.0
_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}


def installed_programs() -> Path:
    """Return the folder of PostgreSQL's programs. Of the package pgserver, no Python code is used."""
    if named := os.environ.get(PROGRAMS):
        return Path(named)
    spec = find_spec("pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def unprivileged_user() -> str | None:
    """Return the user that runs PostgreSQL, which refuses to run as root; None for the present user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@dataclass
class PostgresProcess:
    """A PostgreSQL server with its data in a folder, on a Unix domain socket in the same folder."""

    folder: Path
    programs: Path
    process: "subprocess.Popen[str] | None" = None
    log: "deque[str]" = field(default_factory=lambda: deque(maxlen=200))
    _reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        """URL of the maintenance database."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.folder), safe='')}"

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs until it exits, and return its output."""
        finished = subprocess.run(  # noqa: S603 - a program of PostgreSQL
            [self.programs / program, *arguments],
            user=unprivileged_user(),
            check=True,
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=_DEADLINE,
        )
        return finished.stdout

    def prepare_folder(self) -> None:
        """Let the user that runs PostgreSQL write to the folder."""
        user = unprivileged_user()
        if user is not None:
            shutil.chown(self.folder, user)

    def create(self) -> None:
        """Create the data folder."""
        self.prepare_folder()
        data = str(self.folder / "data")
        self.run(
            "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )

    def create_replica(self, primary: str) -> None:
        """Create the data folder as a copy of the primary at this URL, which the server then follows."""
        self.prepare_folder()
        data = str(self.folder / "data")
        self.run("pg_basebackup", "-D", data, "-R", "-X", "stream", "-c", "fast", "-d", primary)

    def start(self, options: Sequence[str] = ()) -> None:
        """Start the server, and wait until it accepts connections."""
        user = unprivileged_user()
        settings = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(  # noqa: S603 - a program of PostgreSQL
            [
                *(self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder),
                *("-c", "listen_addresses=", *settings, *options),
            ],
            user=user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(self.process, ready), daemon=True)
        self._reader.start()
        assert ready.wait(_DEADLINE), "\n".join(self.log)
        assert self.process.poll() is None, "\n".join(self.log)

    def _read_log(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.log.append(line.rstrip())
                if STARTED in line:
                    ready.set()
        ready.set()

    def stop(self) -> None:
        """Stop the server at once."""
        if self.process is not None and self._reader is not None:
            self.process.send_signal(signal.SIGQUIT)  # immediate shutdown
            self.process.wait(_DEADLINE)
            self._reader.join(_DEADLINE)
            self.process = None

    def kill(self) -> None:
        """Kill the server and its child processes, as if the machine had lost power."""
        if self.process is not None and self._reader is not None:
            children = child_processes(self.process.pid)
            for number in (self.process.pid, *children):
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            self.process.wait(_DEADLINE)
            self._reader.join(_DEADLINE)  # the pipe closes when the last child process has exited
            self.process = None


def child_processes(parent: int) -> list[int]:
    """Return the process ids of the children of a process."""
    text = "".join(file.read_text() for file in Path(f"/proc/{parent}/task").glob("*/children"))
    return [int(number) for number in text.split()]


@dataclass
class Cluster:
    """A running cluster. `url` is that of its maintenance database, `process` its own server."""

    url: str
    process: PostgresProcess | None = None
    _numbers: Iterator[int] = field(default_factory=count)
    _templates: dict[Path, str] = field(default_factory=dict)

    def create_database(self, template: str = "template0") -> str:
        """Create a database, and return its URL."""
        name = f"gqlnews_test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url_of(name)

    def url_of(self, database: str) -> str:
        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    def drop_database(self, url: str) -> None:
        self.execute(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")

    def execute(self, statement: str, url: str | None = None) -> None:
        """Execute a statement in the maintenance database, or in another one."""
        asyncio.run(_execute(url or self.url, statement))

    def copy_of(self, store: Path) -> str:
        """Return the URL of a new database with the rows of a SQLite store, which must not change."""
        if store not in self._templates:
            url = self.create_database()
            with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
                asyncio.run(load_rows(url, db))
            self._templates[store] = urlsplit(url).path[1:]
        return self.create_database(self._templates[store])


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def load_rows(url: str, db: sqlite3.Connection) -> None:
    """Load the rows of a SQLite store into a database."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await load(connection, db, schema_name())
    finally:
        await connection.close()


@contextmanager
def running_cluster(programs: Path | None = None) -> Iterator[Cluster]:
    """Start a cluster in temporary files, by default of the package pgserver; or use the given one."""
    if programs is None and (url := os.environ.get(GIVEN_CLUSTER)):
        yield Cluster(url)
        return
    with tempfile.TemporaryDirectory(prefix="gqlnews-pg-") as folder:
        server = PostgresProcess(Path(folder), programs or installed_programs())
        server.create()
        server.start()
        try:
            yield Cluster(server.url, server)
        finally:
            server.stop()
