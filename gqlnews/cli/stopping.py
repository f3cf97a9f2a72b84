"""How a command that is not serving yet is stopped: by Ctrl-C or SIGTERM, in one line."""

import signal
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

import typer

STEPS = 100_000  # of SQLite's virtual machine: some milliseconds

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


def complain(line: str) -> None:
    """Print it where errors go."""
    typer.echo(f"gqlnews: {line}", err=True)


@contextmanager
def stoppable(
    consequence: str,
    *,
    code: int | None = None,
    say: Callable[[str], None] = complain,
    by: Collection[signal.Signals] = tuple(NAMES),
) -> Iterator[None]:
    """Until the block ends, each of these signals unwinds it, says `consequence`, and exits.

    The exit code is `code`, by default 128 + the signal's number. A second signal changes nothing: what
    unwinds is left to unwind.
    """
    received: list[signal.Signals] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not received:
            received.append(signal.Signals(number))
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in by}
    try:
        yield
    except BaseException:  # KeyboardInterrupt, or what came of it: a statement of SQLite ends as interrupted
        if not received:
            raise
        first = received[0]
        say(f"stopped by {NAMES[first]}; {consequence}")
        raise typer.Exit(128 + first if code is None else code) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def heed_signals(db: sqlite3.Connection) -> None:
    """Let a signal end a long statement too: Python heeds it between steps of its own, so have it take some.

    What the signal's handler raises there ends the statement as interrupted.
    """
    db.set_progress_handler(_take_a_step, STEPS)


def _take_a_step() -> int:
    """Go on."""
    return 0
