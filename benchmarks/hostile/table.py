"""The table of results, for a terminal and as Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.figures import megabytes
from benchmarks.hostile.result import Delays, Memory, Result, Times

Row = tuple[str, ...]

COLUMNS = (
    "attack",
    "row",
    "sent",
    "query p50, p99",
    "times quiet",
    "events",
    "memory",
    "errors",
    "not ready",
    "missed",
)
WIDTH = 170  # of a terminal that is narrower: lines wrap there, cells need not
CAPTION = """\
Times in milliseconds, of another client's small uncached query: in quiet → during the attack. Events: the
longest time from the rename of a file to its event, in quiet → during the attack. Memory in MB: before, at
the most, after. Errors: of the other client's queries. Not ready: of its probes of /health/ready."""


def show(results: Sequence[Result], before: Mapping[str, Result]) -> None:
    table = Table(title="What another client notices", title_justify="left", caption=CAPTION)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for result, row in zip(results, rows(results, before), strict=True):
        table.add_row(result.name, *row[1:])
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)


def markdown(results: Sequence[Result], before: Mapping[str, Result]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(results, before)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rows(results: Sequence[Result], before: Mapping[str, Result]) -> Iterable[Row]:
    """Where there is an earlier result, its figures stand first, in brackets."""
    for result in results:
        now, was = _figures(result), before.get(result.name)
        told = (
            now
            if was is None
            else tuple(f"({old}) {new}" for old, new in zip(_figures(was), now, strict=True))
        )
        yield (
            f"`{result.name}`: {result.what}",
            str(result.row),
            _sent(result),
            *told,
            ", ".join(result.missed()) or "none",
        )


def _sent(result: Result) -> str:
    sent = result.sent
    return f"{sent.sent / 1e6:.1f} MB, {sent.messages:,}"


def _figures(result: Result) -> Row:
    return (
        f"{_times(result.quiet)} → {_times(result.attacked)}",
        f"{result.ratio:,.0f}",
        f"{_delay(result.quiet_events)} → {_delay(result.events)}",
        _memory(result.memory),
        f"{result.attacked.failed:,} of {result.attacked.number:,}",
        f"{result.unready:,} of {result.health:,}" + ("" if result.survived else ", the server ended"),
    )


def _times(times: Times) -> str:
    return f"{times.p50 * 1e3:,.1f}, {times.p99 * 1e3:,.1f}"


def _delay(delays: Delays) -> str:
    longest = f"{delays.longest * 1e3:,.0f} ms"
    return f"{longest}, {delays.lost} of {delays.number} lost" if delays.lost else longest


def _memory(memory: Memory) -> str:
    return ", ".join(
        megabytes(value).removesuffix(" MB") for value in (memory.before, memory.most, memory.after)
    )
