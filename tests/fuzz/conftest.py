"""One server for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.fuzz.world import World, run_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with run_world(tmp_path_factory.mktemp("fuzz")) as world:
        yield world
