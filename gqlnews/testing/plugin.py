"""pytest plugin: fixtures that serve content folders to tests. Documented in docs/guides/testing.md.

pytest imports this module in every session, so it imports nothing but pytest; the fixtures import the rest.
"""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from gqlnews.testing.factory import ServerFactory
    from gqlnews.testing.in_process import InProcessNews
    from gqlnews.testing.server import NewsServer

FOLDER, TIMEOUT = "gqlnews_folder", "gqlnews_timeout"
DEFAULT_TIMEOUT = "60"

_factory_key = pytest.StashKey["ServerFactory"]()
_sizes_key = pytest.StashKey["dict[NewsServer, int]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the configuration file."""
    parser.addini(FOLDER, "content folder that the fixture gqlnews serves, for the whole session", "string")
    parser.addini(
        TIMEOUT,
        "seconds within which a server of gqlnews starts, and serves what tests write",
        default=DEFAULT_TIMEOUT,
    )


def _scope(fixture_name: str, config: pytest.Config) -> Literal["session", "function"]:
    """Tests share a server if its folder is configured, and otherwise have one each."""
    return "session" if config.getini(FOLDER) else "function"


@pytest.fixture(scope="session")
def gqlnews_folder(pytestconfig: pytest.Config) -> Path | None:
    """Content folder of the fixture `gqlnews`, that of the configuration; None is a new one for each test."""
    folder = pytestconfig.getini(FOLDER)
    if not folder:
        return None
    path: Path = (pytestconfig.inipath or pytestconfig.rootpath / "pytest.ini").parent / folder
    if not path.is_dir():
        raise pytest.UsageError(f"{FOLDER} = {folder} in {pytestconfig.inipath}: {path} is not a folder")
    return path


@pytest.fixture(scope="session")
def gqlnews_settings() -> Mapping[str, Any]:
    """Settings of the servers, those of `gqlnews.create_app`; override this fixture to change them."""
    return {}


@pytest.fixture(scope="session")
def gqlnews_factory(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["ServerFactory"]:
    """Starts further servers, over any folder and with any settings: `gqlnews_factory.serve("content")`."""
    from gqlnews.testing.factory import ServerFactory

    timeout = pytestconfig.getini(TIMEOUT)
    try:
        seconds = float(timeout)
    except ValueError:
        raise pytest.UsageError(
            f"{TIMEOUT} = {timeout!r} in {pytestconfig.inipath} is not a number"
        ) from None
    factory = ServerFactory(lambda: tmp_path_factory.mktemp("gqlnews"), seconds)
    pytestconfig.stash[_factory_key] = factory
    try:
        yield factory
    finally:
        factory.close()


@pytest.fixture(scope=_scope)
def gqlnews(
    gqlnews_factory: "ServerFactory", gqlnews_folder: Path | None, gqlnews_settings: Mapping[str, Any]
) -> Iterator["NewsServer"]:
    """A server over `gqlnews_folder`, for the whole session; without one, over files that the test writes."""
    yield from _closing(gqlnews_factory.serve(gqlnews_folder, **gqlnews_settings))


@pytest.fixture
def gqlnews_files(
    gqlnews_factory: "ServerFactory", gqlnews_settings: Mapping[str, Any]
) -> Iterator["NewsServer"]:
    """A server over files that the test writes, whatever folder is configured."""
    yield from _closing(gqlnews_factory.serve(**gqlnews_settings))


@pytest.fixture(scope=_scope)
def gqlnews_in_process(
    gqlnews_factory: "ServerFactory", gqlnews_folder: Path | None, gqlnews_settings: Mapping[str, Any]
) -> Iterator["InProcessNews"]:
    """The same as `gqlnews`, but in the process of the tests and without sockets."""
    yield from _closing(gqlnews_factory.in_process(gqlnews_folder, **gqlnews_settings))


def _closing(news: Any) -> Iterator[Any]:
    try:
        yield news
    finally:
        news.close()


# The logs of the servers, in the reports of failing tests.


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember where the logs of the test begin."""
    if (factory := item.config.stash.get(_factory_key, None)) is not None:
        item.stash[_sizes_key] = factory.log_sizes()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the servers have logged since the test began to the report of a failure."""
    report = yield
    if report.failed and (factory := item.config.stash.get(_factory_key, None)) is not None:
        for url, text in factory.logs_since(item.stash.get(_sizes_key, {})).items():
            report.sections.append((f"Log of gqlnews at {url}", text))
    return report
