"""`make bench-check` detects slowdowns."""

import pytest
from msgspec.structs import replace

from benchmarks.throughput.check import Case, Pair, queries_to_repeat, ratios, regressions, slow_starts
from benchmarks.throughput.load import Turn
from tests.benchmarks.results import cold

CASE = Case("gqlnews-uncached", "front", 32)


def turn(case: Case, rate: float) -> Turn:
    return Turn(
        0, case.server, case.query, case.connections, rate, p50=round(1e6 / rate), p99=2500, cpu=400.0
    )


def pairs(*rates: tuple[float, float], case: Case = CASE) -> dict[Case, list[Pair]]:
    return {case: [Pair(turn(case, before), turn(case, now)) for before, now in rates]}


def test_the_ratio_is_the_median_of_pairs() -> None:
    assert ratios(pairs((400, 400), (200, 190), (400, 100))) == {CASE: pytest.approx(0.95)}


def test_over_one_connection_the_median_time_is_compared() -> None:
    case = CASE._replace(connections=1)
    pair = Pair(replace(turn(case, 400), p50=600), replace(turn(case, 400), p50=500))
    assert ratios({case: [pair], CASE: [pair]}) == {case: 1.2, CASE: 1.0}


@pytest.mark.parametrize(
    ("ratio", "complaints"),
    [
        (1.2, []),
        (0.8, []),  # a fifth less is allowed
        (0.79, ["REGRESSION of 21%: front, 32 connections: gqlnews-uncached"]),
    ],
)
def test_a_drop_of_more_than_a_fifth_is_reported(ratio: float, complaints: list[str]) -> None:
    assert list(regressions({CASE: ratio})) == complaints


def test_an_apparent_drop_is_measured_again() -> None:
    assert queries_to_repeat({CASE: 0.8, CASE._replace(query="topic"): 1.0}) == []
    assert queries_to_repeat({CASE: 0.7, CASE._replace(query="topic"): 1.0}) == ["front"]


@pytest.mark.parametrize(
    ("starts", "complaints"),
    [
        ([400.0, 320.0, 100.0], []),  # a fifth less is allowed; the machine may be slow for a while
        (
            [400.0, 200.0, 200.0],
            ["SLOW START: front, 32 connections: gqlnews-uncached: 50% of the warm server"],
        ),
    ],
)
def test_cold_starts_are_compared_with_the_warm_server(starts: list[float], complaints: list[str]) -> None:
    assert list(slow_starts(cold("gqlnews-uncached", *starts), pairs((500, 400)))) == complaints


@pytest.mark.parametrize(("share", "complaints"), [(0.1, 0), (0.56, 1)])
def test_a_start_that_uses_threads_is_reported(share: float, complaints: int) -> None:
    starts = cold("gqlnews-uncached", 400.0, 400.0)
    starts[0] = replace(starts[0], on_threads=share)
    line = f"SLOW START: {CASE}: {share:.0%} of the processor time on threads"
    assert list(slow_starts(starts, pairs((400, 400)))) == [line] * complaints
