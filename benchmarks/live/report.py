"""The figures of a run of the live benchmark."""

from collections.abc import Sequence

from benchmarks.figures import Figure, at_most, megabytes, milliseconds
from benchmarks.live.crowded import Cost, CrowdResult

GOALS = ((10_000, 0.15), (100_000, 0.3))
"""(largest number of articles, goal of the p95 in seconds)."""


def percentile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def delay_goal(articles: int) -> float | None:
    return next((goal for max_articles, goal in GOALS if articles <= max_articles), None)


def delays(name: str, values: Sequence[float], goal: float | None = None) -> list[Figure]:
    """Return p50, p95 and p99. The goal applies to p95."""
    p50, p95, p99 = (percentile(values, part) for part in (0.5, 0.95, 0.99))
    middle = Figure(f"{name}, p95", milliseconds(p95))
    if goal is not None:
        middle = at_most(f"{name}, p95", p95, goal, milliseconds)
    return [
        Figure(f"{name}, p50", milliseconds(p50)),
        middle,
        Figure(f"{name}, p99", milliseconds(p99)),
    ]


def crowd_figures(
    result: CrowdResult, subscribers: int, goal: float | None, bare: Sequence[float]
) -> list[Figure]:
    each = result.delays
    return [
        *delays("rename → response", [delay.query for delay in each], goal),
        *delays("rename → first subscriber", [delay.first for delay in each]),
        *delays("rename → median subscriber", [delay.median for delay in each]),
        *delays("rename → last subscriber", [delay.last for delay in each]),
        *delays("first → last subscriber", [delay.last - delay.first for delay in each]),
        *delays("write → last, a bare server", bare),
        _delivered(result),
        *_cost(result.cost, subscribers),
    ]


def _delivered(result: CrowdResult) -> Figure:
    verdict = result.verdict
    output = f"{verdict.missing} missing, {verdict.wrong} wrong"
    good = not verdict.missing and not verdict.wrong
    return Figure(
        f"all subscribers received each of {verdict.events} events once, in order",
        output,
        "0 missing, 0 wrong",
        good,
    )


def _cost(cost: Cost, subscribers: int) -> list[Figure]:
    each = (cost.after - cost.before) / subscribers / 1000
    return [
        Figure("server, CPU per change", milliseconds(cost.change)),
        Figure("server, CPU per second without changes", milliseconds(cost.rest)),
        Figure("client of the subscribers, CPU per change", milliseconds(cost.client)),
        Figure("server, memory (PSS), 0 subscribers", megabytes(cost.before)),
        Figure(f"server, memory (PSS), {subscribers:,} subscribers", megabytes(cost.after)),
        Figure("  per subscriber", f"{each:.1f} kB"),
    ]


def statement_figures(few: float, many: float, subscribers: int) -> list[Figure]:
    return [
        Figure("statements per change, 1 subscriber", f"{few:.1f}"),
        at_most(
            f"statements per change, {subscribers:,} subscribers", many, few + 0.5, lambda one: f"{one:.1f}"
        ),
    ]
