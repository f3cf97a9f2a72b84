"""How a command stops, whatever it is doing."""

import errno
import os
import signal
import sqlite3
import threading
from contextlib import closing

import pytest
import typer

from gqlnews.cli.supervisor import exit_on_signal, make_interruptible

FOR_EVER = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
SIGNALS = [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM"), (signal.SIGHUP, 129, "SIGHUP")]


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code", "name"), SIGNALS)
def test_a_signal_prints_its_consequence(
    number: int, code: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as end, exit_on_signal("nothing happened"):
        send(number)
    assert end.value.exit_code == code
    assert capsys.readouterr().err == f"gqlnews: stopped by {name}; nothing happened\n"


@pytest.mark.parametrize(("number", "code", "name"), SIGNALS)
def test_an_endless_statement_is_interrupted(number: int, code: int, name: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        make_interruptible(db)

        def work() -> None:
            threading.Timer(0.1, send, [number]).start()
            db.execute(FOR_EVER)

        with pytest.raises(typer.Exit) as end, exit_on_signal("nothing happened"):
            work()
    assert end.value.exit_code == code


def test_a_second_signal_does_not_disturb_the_unwinding() -> None:
    unwound = []

    def work() -> None:
        try:
            send(signal.SIGINT)
        finally:
            send(signal.SIGTERM)
            unwound.append("to the end")

    with pytest.raises(typer.Exit), exit_on_signal("nothing happened"):
        work()
    assert unwound == ["to the end"]


def test_the_signal_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with exit_on_signal("nothing happened"):
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_hangup_that_was_ignored_at_the_start_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with exit_on_signal("nothing happened"):
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_without_a_terminal_the_exit_code_is_the_same() -> None:
    def print_message(message: str) -> None:
        raise OSError(errno.EIO, message)

    with pytest.raises(typer.Exit) as end, exit_on_signal("nothing happened", print_message=print_message):
        send(signal.SIGHUP)
    assert end.value.exit_code == 129


def test_an_error_passes() -> None:
    with pytest.raises(ZeroDivisionError), exit_on_signal("nothing happened"):
        raise ZeroDivisionError
