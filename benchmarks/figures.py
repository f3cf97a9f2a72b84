"""Benchmark output: each figure with its goal and whether the goal is met."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `goal` is empty if there is none; then `met` has no meaning."""

    name: str
    value: str
    goal: str = ""
    met: bool = True


def at_least(name: str, value: float, goal: float, text: Callable[[float], str]) -> Figure:
    """Return a figure whose goal is a minimum."""
    return Figure(name, text(value), f"≥ {text(goal)}", value >= goal)


def at_most(name: str, value: float, goal: float, text: Callable[[float], str]) -> Figure:
    """Return a figure whose goal is a maximum."""
    return Figure(name, text(value), f"≤ {text(goal)}", value <= goal)


def seconds(value: float) -> str:
    return f"{value:.2f} s"


def milliseconds(value: float) -> str:
    """Format a value given in seconds."""
    return f"{value * 1e3:,.1f} ms"


def times(value: float) -> str:
    return f"{value:.1f} times"


def megabytes(value: float) -> str:
    return f"{value / 1e6:.0f} MB"


def percent(value: float) -> str:
    return f"{value:+.0%}"


def show(title: str, figures: list[Figure]) -> None:
    """Print the table."""
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("")
    for figure in figures:
        verdict = ("met" if figure.met else "MISSED") if figure.goal else ""
        table.add_row(figure.name, figure.value, figure.goal, verdict)
    Console().print(table)
