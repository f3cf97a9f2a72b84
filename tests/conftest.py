"""Shared fixtures: the real articles, and the product over them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gqlnews.database.sqlite import inline_executor
from tests.product import Product, run_ingest

EXAMPLES = Path(__file__).parent.parent / "examples" / "news"

settings.register_profile(
    "gqlnews",
    deadline=None,  # timings belong in benchmarks
    derandomize=True,  # the same examples on every machine; `make fuzz` tries more
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("fuzz", settings.get_profile("gqlnews"), derandomize=False)
settings.load_profile("gqlnews")


LONG = ("test_generated", "test_histories", "test_changes", "test_live_copies", "test_fuzz", "test_hostile")
"""Modules of property tests that take minutes, and longer if coverage is measured; others cover the same."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the generated requests, which take minutes: at the end no worker waits for another."""
    items.sort(key=lambda item: "test_generated" not in item.path.name)
    for item in items:
        if item.path.name.startswith(LONG):
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the real articles, which contains `ai2020/` and `portals/`."""
    named = os.environ.get("GQLNEWS_CORPUS")
    if not named:
        pytest.skip("GQLNEWS_CORPUS names no folder of real articles")
    return Path(named)


@pytest.fixture(scope="session")
def ai2020(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product over the 8,682 articles of `ai2020`."""
    database = tmp_path_factory.mktemp("ai2020") / "store.db"
    run_ingest(corpus / "ai2020", database)
    with Product(database) as product:
        yield product


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product over the example articles."""
    database = tmp_path_factory.mktemp("examples") / "store.db"
    run_ingest(EXAMPLES, database)
    with Product(database) as product:
        yield product


@pytest.fixture
def no_inline_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every statement in the pool: one that the event loop tries and aborts would run twice."""
    monkeypatch.setattr(inline_executor, "MAX_STATEMENTS", 0)
