"""A small budget for each target, the same examples each time; `make fuzz` looks further."""

from collections.abc import Iterator

import pytest

from tests.fuzz.budget import run
from tests.fuzz.targets import TARGETS
from tests.fuzz.world import World, world_at

EXAMPLES = {"valid documents": 25, "deep documents": 60, "swollen documents": 60, "WebSocket messages": 60}
OTHERS = 120


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_at(tmp_path_factory.mktemp("fuzz")) as world:
        yield world


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_breaks_a_promise(world: World, target: str) -> None:
    run(target, world, EXAMPLES.get(target, OTHERS))
    assert world.faults() == []
