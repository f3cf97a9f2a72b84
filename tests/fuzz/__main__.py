"""Fuzz all targets in rounds for some minutes; print findings, the seed, and the examples per target.

The seed of a round derives from the seed of the run and the round's number, so that a run can be
repeated.
"""

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import SystemRandom

from hypothesis import settings

import tests.conftest  # noqa: F401 - the profiles of Hypothesis
from tests.fuzz.budget import run
from tests.fuzz.targets import TARGETS
from tests.fuzz.world import World, run_world

EXAMPLES = {"valid documents": 60, "WebSocket messages": 120}
OTHERS = 300


def main() -> int:
    """Run, and return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--target", choices=TARGETS, action="append", help="these alone")
    given = parser.parse_args()
    settings.load_profile("fuzz")
    until = time.monotonic() + given.minutes * 60
    with tempfile.TemporaryDirectory() as root, run_world(Path(root)) as world:
        findings, rounds = fuzz(world, given.target or list(TARGETS), given.seed, until)
        print(f"{given.minutes:g} minutes, {rounds} rounds, seed {given.seed}, {findings} findings")
        for target, count in sorted(world.counts.items()):
            print(f"{count:>9,} {target}")
        print(f"{world.counts.total():>9,} in all")
    return min(findings, 1)


def fuzz(world: World, targets: list[str], seed: int, until: float) -> tuple[int, int]:
    """Return the number of findings, and of rounds."""
    findings = rounds = 0
    while time.monotonic() < until:
        for target in targets:
            if time.monotonic() >= until:
                break
            try:
                run(target, world, EXAMPLES.get(target, OTHERS), seed + rounds)
                assert world.faults() == []
            except Exception:
                findings += 1
                print(f"--- {target}, seed {seed + rounds}:", traceback.format_exc(), sep="\n", flush=True)
        rounds += 1
    return findings, rounds


if __name__ == "__main__":
    sys.exit(main())
