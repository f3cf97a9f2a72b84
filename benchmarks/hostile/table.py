"""The result table, for a terminal and as Markdown, optionally beside the figures of an earlier run."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.hostile.result import Delays, Result, Times

Row = tuple[str, ...]
Results = Sequence[Result]
EarlierResults = Mapping[str, Result]

FIGURES = ("query p50, p99", "p99 ratio", "events", "memory", "errors", "not ready", "missed")
WIDTH = (
    180  # columns, even on a narrower terminal, because wrapped lines are more readable than wrapped cells
)
CAPTION = """\
Query: latencies of another client's small uncached queries in ms, before → during the attack. p99 ratio: p99
during the attack divided by p99 before it. Events: the longest time in ms from the rename of a file to its
event, before → during the attack. Memory in MB: before the attack, and the increase at its peak and
afterwards (of which the caches hold). Errors: failed queries. Not ready: failed probes of /health/ready."""


def show(results: Results, before: EarlierResults) -> None:
    table = Table(title="Effect on another client", title_justify="left", caption=CAPTION)
    for column in columns(before):
        table.add_column(column, overflow="fold")
    for result, row in zip(results, rows(results, before), strict=True):
        table.add_row(result.name, *row[1:])
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)


def markdown(results: Results, before: EarlierResults) -> str:
    head = columns(before)
    lines = [head, ("---",) * len(head), *rows(results, before)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def columns(before: EarlierResults) -> Row:
    figures = [pair for name in FIGURES for pair in (f"{name}, before", name)] if before else FIGURES
    return ("attack", "group", "sent", *figures)


def rows(results: Results, before: EarlierResults) -> Iterator[Row]:
    """Yield one row per result."""
    for result in results:
        now = _figures(result)
        if before:
            was = _figures(before[result.name]) if result.name in before else ("",) * len(now)
            now = tuple(figure for pair in zip(was, now, strict=True) for figure in pair)
        sent = result.sent
        yield (
            f"`{result.name}`: {result.what}",
            str(result.group),
            f"{sent.sent / 1e6:.1f} MB, {sent.messages:,}",
            *now,
        )


def _figures(result: Result) -> Row:
    """Return the cells of a result in the order of FIGURES."""
    unready = f"{result.unready:,} of {result.health:,}"
    return (
        f"{_times(result.quiet)} → {_times(result.attacked)}",
        f"{result.ratio:,.0f}",
        f"{_delay(result.quiet_events)} → {_delay(result.events)}",
        _memory(result),
        f"{result.attacked.failed:,} of {result.attacked.number:,}",
        unready if result.survived else f"{unready}, the server exited",
        ", ".join(result.missed()) or "none",
    )


def _times(times: Times) -> str:
    return f"{times.p50 * 1e3:,.1f}, {times.p99 * 1e3:,.1f}"


def _delay(delays: Delays) -> str:
    longest = f"{delays.longest * 1e3:,.0f}"
    return f"{longest}, {delays.lost} of {delays.number} lost" if delays.lost else longest


def _memory(result: Result) -> str:
    memory = result.memory
    most, after = (f"{(value - memory.before) / 1e6:+,.0f}" for value in (memory.most, memory.after))
    return f"{memory.before / 1e6:,.0f}, {most}, {after} ({memory.cached / 1e6:,.0f})"
