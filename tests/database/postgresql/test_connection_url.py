"""Services of libpq: which settings a connection has, and what is an error."""

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.connection_url import connection_url
from gqlnews.database.postgresql.dsn import connect_writer
from gqlnews.database.postgresql.hosts import Hosts
from gqlnews.errors import DatabaseError
from tests.database.postgresql.stores import SCHEMA
from tests.postgresql import Cluster
from tests.server.support import run_cli, run_here, write_articles

BY_SERVICE = "postgresql:///?service=news"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without files, and an environment without settings of libpq."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGHOST", "PGDATABASE", "PGUSER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def service_of(url: str) -> str:
    """Return a service file with the database of a URL in a folder of a Unix domain socket, or at a port."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname])[0]
    port = f"port={parts.port}\n" if parts.port else ""
    ours = f"  host={host}\n{port}user={parts.username}\n  dbname={parts.path[1:]}\n"
    return f"# two services\n[other]\ndbname=missing\n\n[news]\n{ours}"


@pytest.mark.parametrize(
    ("url", "settings", "merged"),
    [
        ("postgresql:///?service=news", "host=a,b\ndbname=n", "postgresql:///n?host=a,b"),
        ("postgresql://?service=news", "database=n m", "postgresql:///n%20m"),
        ("postgresql:///?service=news", "user=ann\npassword=%a&b = c", "postgresql://?user=ann&password=%25a%26b%20%3D%20c"),
        ("postgresql://c/x?service=news", "host=a\nport=1\ndbname=n\nsslmode=require", "postgresql://c/x?sslmode=require"),
        ("postgresql://u:p@/?service=news&host=c", "host=a\nport=1\nuser=v\npassword=q", "postgresql://u:p@?host=c"),
        ("postgresql://u@/?dbname=x&service=news", "dbname=n\nport=1\nuser=v", "postgresql://u@?dbname=x&port=1"),
        ("postgresql:///?service=news&sslmode=prefer", "sslmode=require\nconnect_timeout=3", "postgresql://?sslmode=prefer"),
    ],
)  # fmt: skip
def test_settings_of_the_service_complete_the_url(home: Path, url: str, settings: str, merged: str) -> None:
    (home / ".pg_service.conf").write_text(f"[news]\n{settings}\n")
    assert connection_url(PostgresUrl(url)) == merged


def test_a_url_without_a_service_stays_as_it_is(home: Path) -> None:
    (home / ".pg_service.conf").write_text("broken")
    assert connection_url(PostgresUrl("postgresql:///news")) == "postgresql:///news"


def names_of_databases(url: PostgresUrl) -> list[str]:
    """Return the database to which a writer connects, and the one to which a server connects."""

    async def run() -> list[str]:
        connections = [await connect_writer(url, SCHEMA), (await Hosts(url, 0).connect()).connection]
        try:
            return [await each.fetchval("SELECT current_database()") for each in connections]
        finally:
            for each in connections:
                each.terminate()

    return asyncio.run(run())


def test_a_connection_has_the_settings_of_the_service(
    postgresql: Cluster, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.create_database()
    expected = [urlsplit(url).path[1:]] * 2
    by_url, by_variable = PostgresUrl(BY_SERVICE), PostgresUrl("postgresql://")
    (home / ".pg_service.conf").write_text(service_of(url))
    assert names_of_databases(by_url) == expected
    with monkeypatch.context() as patch:
        patch.setenv("PGSERVICE", "news")
        assert names_of_databases(by_variable) == expected
    (home / ".pg_service.conf").rename(home / "pg_service.conf")
    with monkeypatch.context() as patch:
        patch.setenv("PGSERVICEFILE", str(home / "pg_service.conf"))
        assert names_of_databases(by_url) == expected
    (home / ".pg_service.conf").write_text("[other]\ndbname=missing\n")
    monkeypatch.setenv("PGSYSCONFDIR", str(home))
    assert names_of_databases(by_url) == expected


def test_commands_use_the_service(postgresql: Cluster, home: Path) -> None:
    folder = write_articles(home / "content")
    (home / "services").write_text(service_of(postgresql.create_database()))
    file = str(home / "services")
    assert run_here(home, "ingest", folder, "--db", BY_SERVICE, PGSERVICEFILE=file).returncode == 0
    done = run_cli(home, "changes", "--db", "postgresql://", PGSERVICE="news", PGSERVICEFILE=file)
    assert (done.returncode, '"published"' in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[other]\nhost=s3cret\n", "service 'news' is not in {file}: correct its name, or add"),
        ("host=s3cret\n", "{file}:1 of the service file is not valid"),
        ("[news]\nhost=a\ns3cret\n", "{file}:3 of the service file is not valid"),
        ("[news]\npassword=s3cret\npassword=s3cret\n", "{file}:3 of the service file is not valid"),
        ("[news]\nhostaddr=::1\npassword=s3cret\n", "not support hostaddr of service 'news' in {file}"),
        ("[news]\npassword=s3cret\udcff\n", "the service file {file} is not in UTF-8"),
    ],
)  # fmt: skip
def test_a_wrong_service_file_is_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    file = home / "services"
    file.write_text(text, "utf-8", "surrogateescape")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    with pytest.raises(DatabaseError) as caught:
        connection_url(PostgresUrl(BY_SERVICE))
    assert message.format(file=file) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_missing_service_is_an_error_of_each_command(home: Path) -> None:
    write_articles(home / "content")
    absent = str(home / "absent")
    for command in (["ingest", "content"], ["ingest", "content", "--watch"], ["serve"], ["changes"]):
        arguments = [str(home / "content") if word == "content" else word for word in command]
        for url, variables, message in (
            (BY_SERVICE, {}, "there is no service file for service 'news'"),
            ("postgresql:///news", {"PGSERVICE": "a"}, "there is no service file for service 'a'"),
            (
                BY_SERVICE,
                {"PGSERVICEFILE": absent},
                f"the service file {absent} cannot be read (No such file",
            ),
        ):
            done = run_here(home, *arguments, "--db", url, **variables)
            assert (done.returncode, message in done.stderr) == (2, True), done.stderr
