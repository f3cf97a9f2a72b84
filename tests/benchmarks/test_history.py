"""A short history of edits; `python -m benchmarks.history` is the long one."""

from benchmarks.history import run


def test_each_step_of_a_short_history_equals_a_fresh_ingest() -> None:
    assert len(list(run(steps=30, articles=60, seed=2))) == 30
