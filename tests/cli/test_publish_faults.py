"""What an ingester logs about its PostgreSQL database, and what an operator then does."""

import signal
from pathlib import Path
from urllib.parse import urlsplit

from tests.cli.publishing import ingesting, wait_for_articles
from tests.database.postgresql.stores import SCHEMA
from tests.ingest.folder import Folder
from tests.postgresql import Cluster
from tests.server.support import run_here


def folder_with_an_article(root: Path) -> Folder:
    folder = Folder(root)
    folder.article("a.md", "https://example.org/a")
    return folder


def test_a_read_only_primary_is_named_until_it_accepts_writes(postgresql: Cluster, tmp_path: Path) -> None:
    url = postgresql.create_database()
    name = urlsplit(url).path[1:]
    folder = folder_with_an_article(tmp_path / "content")
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    once = run_here(tmp_path, "ingest", folder.root, "--db", url)
    assert once.returncode == 2
    assert (
        "set default_transaction_read_only = off for its server, this database and this user" in once.stderr
    )
    with ingesting(folder, url, tmp_path / "one") as one:
        one.wait_for("publishing failed.*default_transaction_read_only = off")
        postgresql.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        one.wait_for("publishing recovered")
        wait_for_articles(url, {"a"})
        one.stop(signal.SIGTERM)


def test_a_newer_store_is_logged_once_with_what_to_do(postgresql: Cluster, tmp_path: Path) -> None:
    url = postgresql.create_database()
    folder = folder_with_an_article(tmp_path / "content")
    assert "newer" not in run_here(tmp_path, "ingest", folder.root, "--db", url).stderr
    postgresql.execute("CREATE SCHEMA gqlnews_1000_1", url)
    done = run_here(tmp_path, "ingest", folder.root, "--db", url)
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if "newer" in line]
    assert (
        "warning the database also has the store of a newer gqlnews: when no server of this version runs"
        in line
    )
    assert "stop this ingester and drop its schema" in line
    assert f"schema=gqlnews_1000_1 own_schema={SCHEMA}" in line
