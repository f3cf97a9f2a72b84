"""`make bench-check` detects slowdowns."""

import pytest
from msgspec.structs import replace

from benchmarks.throughput.check import queries_to_repeat, ratios, regressions, slow_starts
from tests.benchmarks.results import cold, result

RATES = {
    "ordinary": [50.0],
    "gqlnews-uncached": [400.0],
    "gqlnews-fields": [500.0],
    "gqlnews-cached": [600.0],
}


@pytest.mark.parametrize(
    ("now", "complaints"),
    [
        (12.0, []),
        (8.0, []),  # a fifth less is allowed
        (7.9, ["REGRESSION of 21%: front, 32 connections: gqlnews-cached, 10.00 → 7.90"]),
    ],
)
def test_a_drop_of_more_than_a_fifth_is_reported(now: float, complaints: list[str]) -> None:
    name = "front, 32 connections: gqlnews-cached"
    assert list(regressions({name: 10.0}, {name: now})) == complaints


def test_ratios_are_to_the_ordinary_server() -> None:
    assert ratios(result(RATES)) == {
        f"front, {connections} connections: {server}": ratio
        for connections in (32, 1)
        for server, ratio in (("gqlnews-uncached", 8), ("gqlnews-fields", 10), ("gqlnews-cached", 12))
    }


def test_over_one_connection_the_median_time_is_compared() -> None:
    found = result(RATES)
    turns = [replace(turn, p50=500 if turn.server == "ordinary" else 100) for turn in found.turns]
    ahead = ratios(replace(found, turns=turns))
    assert ahead["front, 1 connections: gqlnews-cached"] == 5
    assert ahead["front, 32 connections: gqlnews-cached"] == 12


def test_an_apparent_drop_is_measured_again() -> None:
    found = result(RATES)
    assert queries_to_repeat(found, ratios(found)) == []
    assert queries_to_repeat(found, ratios(found) | {"front, 1 connections: gqlnews-cached": 20}) == ["front"]


@pytest.mark.parametrize(
    ("starts", "complaints"),
    [
        ([400.0, 320.0, 100.0], []),  # a fifth less is allowed; the machine may be slow for a while
        ([400.0, 200.0, 200.0], ["SLOW START: front, 32 connections: 50% of the warm server"]),
    ],
)
def test_cold_starts_are_compared_with_the_warm_server(starts: list[float], complaints: list[str]) -> None:
    found = replace(result(RATES), cold=cold("gqlnews-uncached", *starts))
    assert list(slow_starts(found)) == complaints


def test_a_start_that_uses_threads_is_reported() -> None:
    starts = [replace(one, on_threads=0.1) for one in cold("gqlnews-uncached", 400.0, 400.0)]
    assert list(slow_starts(replace(result(RATES), cold=starts))) == []
    starts[0] = replace(starts[0], on_threads=0.56)
    complaint = "SLOW START: front, 32 connections: 56% of the processor time on threads"
    assert list(slow_starts(replace(result(RATES), cold=starts))) == [complaint]
