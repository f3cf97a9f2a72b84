"""A folder that tests write to, and a store to ingest it into."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import IngestReport, ingest
from tests.ingest.folder import Folder, later_ns

RunIngest = Callable[..., IngestReport]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "content")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def db(database: Path) -> Iterator[sqlite3.Connection]:
    connection = open_writer(database)
    yield connection
    connection.close()


@pytest.fixture
def run_ingest(db: sqlite3.Connection, folder: Folder) -> RunIngest:
    """Ingest `folder` into `db`, with a clock for which no file is recent."""

    def run(options: ParseOptions | None = None, **others: object) -> IngestReport:
        settings = {"processes": 1, "now_ns": later_ns, **others}
        return ingest(db, folder.root, options or ParseOptions(), **settings)  # type: ignore[arg-type]

    return run
