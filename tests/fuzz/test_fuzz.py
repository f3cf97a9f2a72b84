"""A small budget for each target, with the same examples each time; `make fuzz` tries more."""

import pytest

from tests.fuzz.budget import run
from tests.fuzz.targets import TARGETS
from tests.fuzz.world import World

EXAMPLES = {
    "valid documents": 10,
    "deep documents": 15,
    "answers in parts": 15,
    "swollen documents": 20,
    "WebSocket messages": 20,
}
OTHERS = 30


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_violates_an_invariant(world: World, target: str) -> None:
    run(target, world, EXAMPLES.get(target, OTHERS))
    assert world.faults() == []
