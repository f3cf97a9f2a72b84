"""Stop a command that is not serving yet, by Ctrl-C or SIGTERM, with a one-line message."""

import signal
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

import typer

STEPS = 100_000  # instructions of SQLite's virtual machine: some milliseconds

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


def print_error(line: str) -> None:
    """Print a line on standard error."""
    typer.echo(f"gqlnews: {line}", err=True)


@contextmanager
def exit_on_signal(
    consequence: str,
    *,
    code: int | None = None,
    say: Callable[[str], None] = print_error,
    by: Collection[signal.Signals] = tuple(NAMES),
) -> Iterator[None]:
    """During the block, each of these signals unwinds it, prints `consequence`, and exits.

    The exit code is `code`, by default 128 + the signal's number. A second signal is ignored, so that
    unwinding can complete.
    """
    received: list[signal.Signals] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not received:
            received.append(signal.Signals(number))
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in by}
    try:
        yield
    except BaseException:  # KeyboardInterrupt, or its consequence, such as an interrupted SQLite statement
        if not received:
            raise
        first = received[0]
        say(f"stopped by {NAMES[first]}; {consequence}")
        raise typer.Exit(128 + first if code is None else code) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_interruptible(db: sqlite3.Connection) -> None:
    """Make long statements interruptible by signals.

    Python handles signals only between its own instructions, so a progress handler runs some during a
    statement. An exception from a signal handler ends the statement as interrupted.
    """
    db.set_progress_handler(_noop_progress, STEPS)


def _noop_progress() -> int:
    """Return 0, so that the statement continues."""
    return 0
