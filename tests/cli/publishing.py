"""Ingesters that publish to a PostgreSQL database, as real processes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from gqlnews.errors import DatabaseError
from tests.database.postgresql.stores import with_connection
from tests.ingest.folder import Folder
from tests.ingest.watch_process import until
from tests.server.support import Running, environment, running


@contextmanager
def ingesting(folder: Folder, url: str, home: Path) -> Iterator[Running]:
    """Run an ingester whose cache folder is in `home`, as on a machine of its own."""
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "gqlnews", "ingest", str(folder.root), "--watch"]
    with running(command, environment(home, {"GQLNEWS_DB": url, "GQLNEWS_WATCH": "1"})) as run:
        yield run


def wait_for_articles(url: str, slugs: set[str]) -> None:
    def are_published() -> bool:
        try:
            rows = with_connection(url, lambda c: c.fetch("SELECT slug FROM article"))
        except (asyncpg.UndefinedTableError, DatabaseError):  # starting, or before the load
            return False
        return {slug for (slug,) in rows} == slugs

    until(are_published, f"other articles than {slugs} are published")
