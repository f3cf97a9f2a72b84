"""A small budget for each target, with the same examples each time; `make fuzz` tries more."""

import pytest

from tests.effort import number
from tests.fuzz.budget import run
from tests.fuzz.targets import TARGETS
from tests.fuzz.world import World

EXAMPLES = {
    "valid documents": 25,
    "deep documents": 50,
    "answers in parts": 50,
    "swollen documents": 60,
    "WebSocket messages": 60,
}
OTHERS = 100


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_violates_an_invariant(world: World, target: str) -> None:
    run(target, world, number(EXAMPLES.get(target, OTHERS)))
    assert world.faults() == []
