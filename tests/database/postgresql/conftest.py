"""The small store whose rows tests of readers copy to PostgreSQL."""

from pathlib import Path

import pytest

from tests.product import run_ingest
from tests.server.support import write_articles


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("news")
    run_ingest(write_articles(folder / "content"), folder / "news.db")
    return folder / "news.db"
