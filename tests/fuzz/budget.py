"""Run a target for a number of examples, with a seed or by the profile."""

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS
from tests.fuzz.world import World


def run(target: str, world: World, examples: int, seed_: int | None = None) -> None:
    """Run a target. Raises what Hypothesis finds."""

    @settings(max_examples=examples, database=None)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        world.counts[target] += 1
        TARGETS[target](world, data)

    (seed(seed_)(check) if seed_ is not None else check)()
