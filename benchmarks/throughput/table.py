"""The tables of a run: on the terminal, and as Markdown for docs/performance.md."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.throughput.result import Result
from benchmarks.throughput.rounds import CONNECTIONS
from benchmarks.throughput.servers import LABELS, LIMIT, ORDINARY, PEERS

Row = list[str]


def headings(result: Result) -> Row:
    """The first column is text, all others are numbers."""
    of = [f"× {name}" for name in _bases(result)]
    return ["", "requests/s", "p50 ms", "p99 ms", "CPU µs", *of]


def rows(result: Result, question: str, connections: int) -> Iterator[Row]:
    """One a server."""
    for server in result.servers:
        turn = result.best(server, question, connections)
        yield [
            LABELS[server],
            f"{turn.per_second:,.0f}",
            f"{turn.p50 / 1000:.2f}",
            f"{turn.p99 / 1000:.2f}",
            f"{turn.cpu:,.0f}",
            *(_ratio(result, server, base, question, connections) for base in _bases(result)),
        ]


def titles(result: Result) -> Iterator[tuple[str, str, int]]:
    """(title, question, connections) of each table."""
    for asked in result.questions:
        for connections in CONNECTIONS:
            many = f"{connections} connection{'s' if connections > 1 else ''}"
            size = f"{asked.bytes / 1000:.1f} KB an answer, {asked.requests} different requests"
            yield f"{asked.name}: {size}, {many}", asked.name, connections


def show(result: Result) -> None:
    """Print them for people."""
    console = Console()
    console.print(about(result))
    for title, question, connections in titles(result):
        table = Table(title=title, title_justify="left")
        for number, heading in enumerate(headings(result)):
            table.add_column(heading, justify="right" if number else "left")
        for row in rows(result, question, connections):
            table.add_row(*row)
        console.print(table)


def markdown(result: Result) -> str:
    """The same for a document."""
    blocks = [about(result)]
    for title, question, connections in titles(result):
        lines = [headings(result), ["---", *["---:"] * (len(headings(result)) - 1)]]
        lines += rows(result, question, connections)
        blocks.append(f"**{title}**\n\n" + "\n".join(map(_line, lines)))
    return "\n\n".join(blocks) + "\n"


def about(result: Result) -> str:
    """What was measured, in a sentence."""
    return (
        f"{result.articles}; {result.machine}; the best of {result.rounds} rounds "
        f"(latencies: medians), {result.seconds} s a turn."
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bases(result: Result) -> list[str]:
    """What servers are compared with, of those that ran."""
    found = [name for name in (LIMIT, ORDINARY) if name in result.servers]
    return [*found, "fastest peer"] if set(PEERS) & set(result.servers) else found


def _ratio(result: Result, server: str, base: str, question: str, connections: int) -> str:
    other = base if base in result.servers else result.fastest(PEERS, question, connections)
    assert other is not None  # the column stands there only where a peer ran
    return f"{result.ratio(server, other, question, connections):.2f}"
