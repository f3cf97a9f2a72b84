"""The tables of a run, for the terminal and as Markdown for docs/performance.md."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.throughput.result import Result
from benchmarks.throughput.rounds import CONNECTIONS
from benchmarks.throughput.servers import LABELS, LIMIT, ORDINARY, PEERS

Row = list[str]

_BASE_NAMES = {LIMIT: "upper bound", ORDINARY: "baseline"}


def headings(result: Result) -> Row:
    """Return the column headings. The first column is text, all others are numbers."""
    ratios = [f"× {_BASE_NAMES.get(base, base)}" for base in _bases(result)]
    return ["", "requests/s", "p50 ms", "p99 ms", "CPU µs", *ratios]


def rows(result: Result, query: str, connections: int) -> Iterator[Row]:
    """Yield one row per server."""
    for server in result.servers:
        turn = result.best(server, query, connections)
        yield [
            LABELS[server],
            f"{turn.per_second:,.0f}",
            f"{turn.p50 / 1000:.2f}",
            f"{turn.p99 / 1000:.2f}",
            f"{turn.cpu:,.0f}",
            *(_ratio(result, server, base, query, connections) for base in _bases(result)),
        ]


def titles(result: Result) -> Iterator[tuple[str, str, int]]:
    """Yield (title, query, connections) of each table."""
    for query in result.queries:
        for connections in CONNECTIONS:
            many = f"{connections} connection{'s' if connections > 1 else ''}"
            size = f"{query.bytes / 1000:.1f} KB per response, {query.requests} different requests"
            yield f"{query.name}: {size}, {many}", query.name, connections


COLD_HEADINGS = ("", "worst requests/s", "median", "× fastest peer, worst", "median")


def cold_titles(result: Result) -> Iterator[tuple[str, str, int]]:
    """Yield (title, query, connections) of each table of cold starts."""
    for query in result.queries if result.cold else ():
        for connections in CONNECTIONS:
            many = f"{connections} connection{'s' if connections > 1 else ''}"
            starts = len(result.cold_of(result.cold_servers[0], query.name, connections))
            yield f"{query.name}: {starts} cold starts, {many}", query.name, connections


def cold_rows(result: Result, query: str, connections: int) -> Iterator[Row]:
    """Yield one row per server: its worst and its median start, over the whole turn."""
    rates = {
        server: [one.mean_rate for one in result.cold_of(server, query, connections)]
        for server in result.cold_servers
    }
    peers = [of_starts for server, of_starts in rates.items() if server in PEERS]
    for server, of_starts in rates.items():
        worst = f"{min(of_starts) / max(map(min, peers)):.2f}" if peers else ""
        middle = f"{median(of_starts) / max(map(median, peers)):.2f}" if peers else ""
        yield [LABELS[server], f"{min(of_starts):,.0f}", f"{median(of_starts):,.0f}", worst, middle]


def show(result: Result) -> None:
    """Print the tables to the terminal."""
    console = Console()
    console.print(about(result))
    for title, query, connections in cold_titles(result):
        console.print(_table(title, COLD_HEADINGS, cold_rows(result, query, connections)))
    for title, query, connections in titles(result):
        console.print(_table(title, headings(result), rows(result, query, connections)))


def _table(title: str, headings: Sequence[str], rows: Iterable[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    return table


def markdown(result: Result) -> str:
    """Return the tables as Markdown."""
    blocks = [about(result)]
    for title, query, connections in cold_titles(result):
        blocks.append(_block(title, COLD_HEADINGS, cold_rows(result, query, connections)))
    for title, query, connections in titles(result):
        blocks.append(_block(title, headings(result), rows(result, query, connections)))
    return "\n\n".join(blocks) + "\n"


def _block(title: str, headings: Sequence[str], rows: Iterable[Row]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return f"**{title}**\n\n" + "\n".join(map(_line, lines))


def about(result: Result) -> str:
    """Describe the run in one sentence."""
    return (
        f"{result.articles}; {result.machine}; the best of {result.rounds} rounds "
        f"(latencies: medians), {result.seconds} s per measurement."
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bases(result: Result) -> list[str]:
    """Return the servers that the others are compared with, as far as they ran."""
    found = [name for name in (LIMIT, ORDINARY) if name in result.servers]
    return [*found, "fastest peer"] if set(PEERS) & set(result.servers) else found


def _ratio(result: Result, server: str, base: str, query: str, connections: int) -> str:
    other = base if base in result.servers else result.fastest(PEERS, query, connections)
    assert other is not None  # the column is present only if a peer ran
    return f"{result.ratio(server, other, query, connections):.2f}"
