"""Passwords and TLS of PostgreSQL databases: what connects, what is an error, and what is not shown."""

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.secure_postgres import (
    PASSWORD,
    create_authority,
    create_certificate,
    free_port,
    programs_with_tls,
    server_with_password,
)
from tests.ingest.watch_process import until
from tests.postgresql import PostgresProcess, child_processes
from tests.server.postgres_support import ENDPOINT, ask
from tests.server.support import Running, environment, run_cli, run_here, running, write_articles

pytestmark = pytest.mark.postgresql
TITLE = '{ article(slug: "published") { title } }'


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresProcess]:
    with server_with_password() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "content")


@contextmanager
def gqlnews(home: Path, *arguments: str | Path, **variables: str) -> Iterator[Running]:
    """Run a command in the background."""
    command = [sys.executable, "-m", "gqlnews", *map(str, arguments)]
    with running(command, environment(home, variables)) as run:
        yield run


def with_password(server: PostgresProcess, role: str, password: str = PASSWORD) -> str:
    return f"postgresql://{role}:{password}@/news?host={server.folder}"


def command_lines(process: int) -> list[str]:
    """Return the command lines and the names of a process and its descendants."""
    try:
        lines = [Path(f"/proc/{process}/{name}").read_text() for name in ("cmdline", "comm")]
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return []
    return [*lines, *(line for child in child_processes(process) for line in command_lines(child))]


def assert_hidden(run: Running, server: PostgresProcess, *, processes: int) -> None:
    """Check that the password is in no command line, no output and no log of the server; stop the command."""
    until(lambda: len(command_lines(run.process.pid)) >= 2 * processes, "processes are missing")
    lines = command_lines(run.process.pid)
    assert not [line for line in lines if PASSWORD in line]
    run.stop(signal.SIGTERM)
    assert PASSWORD not in run.remaining_output()
    assert not [line for line in server.log if PASSWORD in line]


def test_a_password_file_is_used(server: PostgresProcess, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.touch(0o600)
    variables = {"PGPASSFILE": str(file)}
    url = f"postgresql://{{}}@/news?host={server.folder}"
    rejected = run_here(tmp_path, "ingest", folder, "--db", url.format("writer"), **variables)
    assert rejected.returncode == 2
    assert "rejects the login" in rejected.stderr
    assert "PGPASSFILE" in rejected.stderr
    file.write_text(f"*:*:news:writer:{PASSWORD}\n*:*:news:reader:{PASSWORD}\n")
    done = run_here(tmp_path, "ingest", folder, "--db", url.format("writer"), **variables)
    assert done.returncode == 0, done.stderr
    with gqlnews(tmp_path, "serve", "--port", "0", GQLNEWS_DB=url.format("reader"), **variables) as run:
        assert ask(run.wait_for(ENDPOINT), TITLE).json()["data"]["article"]["title"] == "Published"
        assert_hidden(run, server, processes=1)


def test_no_process_of_a_server_shows_the_password(
    server: PostgresProcess, folder: Path, tmp_path: Path
) -> None:
    """Of a server with two workers and an ingester, which has a process that watches the folder."""
    arguments = ("serve", folder, "--port", "0", "--workers", "2", "--watch", "--log-format", "json")
    with gqlnews(tmp_path, *arguments, GQLNEWS_DB=with_password(server, "writer")) as run:
        assert ask(run.wait_for(ENDPOINT), TITLE).status_code == 200
        assert_hidden(run, server, processes=5)


def test_changes_shows_no_password(server: PostgresProcess, folder: Path, tmp_path: Path) -> None:
    url = with_password(server, "writer")
    assert run_here(tmp_path, "ingest", folder, GQLNEWS_DB=url).returncode == 0
    with gqlnews(tmp_path, "changes", "--follow", GQLNEWS_DB=url) as run:
        assert json.loads(run.next() or "")["slug"] == "published"
        assert_hidden(run, server, processes=1)


@pytest.mark.parametrize("command", ["ingest", "serve", "changes"])
def test_a_wrong_password_is_an_error_that_does_not_repeat_it(
    server: PostgresProcess, folder: Path, tmp_path: Path, command: str
) -> None:
    arguments = [folder] if command == "ingest" else []
    done = run_cli(tmp_path, command, *arguments, GQLNEWS_DB=with_password(server, "writer", "wr0ng"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "rejects the login (password authentication failed" in done.stderr
    assert "wr0ng" not in done.stderr


class TlsServer:
    """A server with a certificate for `localhost`. `authority` has signed it, `stranger` has not."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.authority, self.stranger = (create_authority(folder, name) for name in ("ours", "stranger"))
        self.certificate = create_certificate(self.authority, "localhost")

    def url(self, role: str, authority: Path, host: str = "localhost", mode: str = "verify-full") -> str:
        login = f"{role}:{PASSWORD}@{host}:{self.port}"
        return f"postgresql://{login}/news?sslmode={mode}&sslrootcert={authority}"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    programs = programs_with_tls()
    if programs is None:
        pytest.skip("PostgreSQL of the package pgserver is built without TLS: install postgresql-15")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not installed")
    tls = TlsServer(tmp_path_factory.mktemp("certificates"), free_port())
    with server_with_password(programs, tls.port, tls.certificate):
        yield tls


def test_connections_by_tls_check_the_certificate(tls: TlsServer, folder: Path, tmp_path: Path) -> None:
    """The server accepts no TCP connection without TLS."""
    plain = tls.url("writer", tls.authority, mode="disable")
    assert "no encryption" in run_here(tmp_path, "ingest", folder, GQLNEWS_DB=plain).stderr
    done = run_here(tmp_path, "ingest", folder, GQLNEWS_DB=tls.url("writer", tls.authority))
    assert done.returncode == 0, done.stderr
    reader = tls.url("reader", tls.authority)
    with gqlnews(tmp_path, "serve", "--port", "0", GQLNEWS_DB=reader) as run:
        assert ask(run.wait_for(ENDPOINT), TITLE).status_code == 200
    assert '"published"' in run_cli(tmp_path, "changes", GQLNEWS_DB=reader).stdout


@pytest.mark.parametrize("command", ["ingest", "serve", "changes"])
def test_a_certificate_that_is_not_trusted_is_an_error(
    tls: TlsServer, folder: Path, tmp_path: Path, command: str
) -> None:
    arguments: list[str | Path] = [folder, "--watch"] if command == "ingest" else []
    for url, message in (
        (
            tls.url("writer", tls.stranger),
            "cannot be reached by TLS (CERTIFICATE_VERIFY_FAILED): check sslmode",
        ),
        (
            tls.url("writer", tls.authority, "127.0.0.1"),
            "cannot be reached by TLS (CERTIFICATE_VERIFY_FAILED)",
        ),
        (tls.url("writer", tmp_path / "absent.crt"), "absent.crt, which cannot be read: correct the path"),
    ):
        done = run_cli(tmp_path, command, *arguments, GQLNEWS_DB=url)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert message in done.stderr
        assert PASSWORD not in done.stderr
