"""Shared fixtures: the real articles, and the product over them."""

import fcntl
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gqlnews.database.sqlite import inline_executor
from tests.postgresql import Cluster, running_cluster
from tests.product import Product, run_ingest
from tests.thorough import split

EXAMPLES = Path(__file__).parent.parent / "examples" / "news"

settings.register_profile(
    "gqlnews",
    deadline=None,  # timings belong in benchmarks
    derandomize=True,  # the same examples on every machine; `make fuzz` tries more
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("fuzz", settings.get_profile("gqlnews"), derandomize=False)
settings.load_profile("gqlnews")

MEMORY = Path("/dev/shm")  # noqa: S108 - only the parent of new folders with random names
ROOM = 4 << 30  # bytes: a run with the real articles needs 2 GiB


def use_memory_for_temporary_files() -> None:
    """Create temporary files in memory, unless TMPDIR is set or there is no room or right to run programs.

    Thousands of databases are created, and on a disk each waits for fsync several times. Child processes
    inherit TMPDIR, xdist's workers too.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free < ROOM or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # read the variable again


use_memory_for_temporary_files()


def stop_ignoring_signals() -> None:
    """Restore the default actions of SIGINT and SIGHUP, which are ignored in the background or under nohup.

    Child processes inherit that a signal is ignored, and tests send both.
    """
    for number, action in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, action)


stop_ignoring_signals()


LONG = (
    "test_generated",
    "test_histories",
    "test_changes.py",
    "test_live_copies",
    "test_fuzz",
    "test_hostile",
)
"""Modules of property tests that take minutes, and longer if coverage is measured; others cover the same."""

UNMEASURED_CHILDREN = (
    *LONG,
    *("test_damage", "test_kill", "test_outbox_replay", "test_watch_ingest_faults", "test_parser_faults"),
    "test_damaged_live",
    *("test_clients", "test_code_generators", "test_sites", "test_panes", "test_page", "test_check"),
)
"""Modules with many child processes, which take half as long again if coverage is measured.

The first ones kill them, so that the figures are lost; the last row is about other programs.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out the tests in tests/thorough.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the generated requests, which take minutes: at the end no worker waits for another."""
    if config.getoption("--quick"):
        items[:], thorough = split(items)
        config.hook.pytest_deselected(items=thorough)
    items.sort(key=lambda item: "test_generated" not in item.path.name)
    for item in items:
        if item.path.name.startswith(LONG):
            item.add_marker("no_cover")
        if "postgresql" in getattr(item, "fixturenames", ()):
            item.add_marker("postgresql")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Start the child processes of some modules without coverage."""
    with pytest.MonkeyPatch.context() as patch:
        if item.path.name.startswith(UNMEASURED_CHILDREN):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


@pytest.fixture(scope="module")
def frozen_heap() -> Iterator[None]:
    """Exclude present objects, such as the data of other tests, from garbage collections."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A real PostgreSQL, one per test process."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the real articles, which contains `ai2020/` and `portals/`."""
    named = os.environ.get("GQLNEWS_CORPUS")
    if not named:
        pytest.skip("GQLNEWS_CORPUS names no folder of real articles")
    return Path(named)


@pytest.fixture(scope="session")
def ai2020_database(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the 8,682 articles of `ai2020`: all test processes read the same one."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    database, complete = place / "ai2020.db", place / "ai2020.complete"
    with (place / "ai2020.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            run_ingest(corpus / "ai2020", database)
            complete.touch()
    return database


@pytest.fixture(scope="session")
def ai2020(ai2020_database: Path) -> Iterator[Product]:
    """The product over `ai2020`."""
    with Product(ai2020_database) as product:
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
